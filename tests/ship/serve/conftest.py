"""A small real run, and servers in processes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.digits import digits
from helpers.server import Serve, Server

from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run


@pytest.fixture(scope="session")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A LeNet-5 that has seen some digits."""
    recipe = Recipe(model="lenet5", data="own:digits", epochs=2, lr=0.05, augment="none")
    return fit(recipe, digits(400, size=32), out=tmp_path_factory.mktemp("serve") / "lenet")


@pytest.fixture(scope="session")
def running(lenet: Run) -> Iterator[Server]:
    """One server with few limits, for all tests that leave it as it was."""
    with Server(lenet.path) as server:
        yield server


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers with options of one's own; each has ended when the test has."""
    started: list[Server] = []

    def start(path: Path, *options: object) -> Server:
        started.append(Server(path, *options))
        return started[-1].__enter__()

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def impatient(lenet: Run) -> Iterator[Server]:
    """One that waits for a second."""
    with Server(lenet.path, "--timeout", 1) as server:
        yield server
