"""A GAN that has seen some digits, and the page on which it is judged."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.server import Server

from cutaway import recipes
from cutaway.learn.fit import fit
from cutaway.learn.loading import load_for
from cutaway.learn.run import Run


@pytest.fixture(scope="session")
def gan(tmp_path_factory: pytest.TempPathFactory) -> Run:
    options = {"epochs": 1, "latent": 4, "width": 8, "image_size": 8, "device": "cpu"}
    recipe = recipes.pair("gan", "digits").with_options(**options, compile="no")
    images = load_for(recipe, "digits")
    return fit(recipe, images, out=tmp_path_factory.mktemp("judge") / "gan")


@pytest.fixture
def run(gan: Run, tmp_path: Path) -> Path:
    """A copy of it that nobody has judged."""
    return Path(shutil.copytree(gan.path, tmp_path / "gan"))


@pytest.fixture
def server(run: Path) -> Iterator[Server]:
    with Server(run, "--images", 20, command="judge") as one:
        yield one


@pytest.fixture(scope="module")
def place(gan: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it that many tests judge, each in sittings of its own."""
    return Path(shutil.copytree(gan.path, tmp_path_factory.mktemp("shared") / "gan"))


@pytest.fixture(scope="module")
def shared(place: Path) -> Iterator[Server]:
    """One server for tests that leave no trace for the next."""
    with Server(place, "--images", 20, command="judge") as one:
        yield one
