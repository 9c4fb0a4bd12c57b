"""A new network takes over, and no request is lost."""

import asyncio
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from threading import Event, Thread
from time import monotonic, sleep

import httpx
import pytest
from helpers.digits import digits
from helpers.server import Serve, Server, encoded, files

from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.ship.serve.engine import Engine
from cutaway.ship.serve.metrics import Metrics
from cutaway.ship.serve.opening import load_engine
from cutaway.ship.serve.swap import Served, Watcher, stamp

IMAGES = digits(400, size=8)
PICTURES = [encoded(one[..., 0]) for one in digits(8, size=32).images.numpy()]


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Another network, of another size, whose classes have other names."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    recipe = Recipe(model="mlp", data="own:words", epochs=2, lr=0.1)
    out = tmp_path_factory.mktemp("swap") / "words"
    return fit(recipe, replace(IMAGES, classes=names), out=out)


def turn(link: Path, to: Path) -> None:
    """Let a link point elsewhere, in one step."""
    new = link.with_name("new")
    new.symlink_to(to)
    os.replace(new, link)


def swapped(server: Server, outcome: str, seconds: float = 30) -> None:
    """Wait for the next network to take over, or to fail."""
    name, end = f'cutaway_swaps_total{{outcome="{outcome}"}}', monotonic() + seconds
    before = server.metric(name)
    while server.metric(name) == before:
        assert monotonic() < end, server.log
        sleep(0.05)


@pytest.mark.slow
def test_under_load_no_request_is_lost(
    serve: Serve, lenet: Run, words: Run, tmp_path: Path
) -> None:
    link = tmp_path / "current"
    link.symlink_to(lenet.path)
    server, over = serve(link), Event()
    expected = {
        tuple(p.label for p in run.predict(PICTURES)): run.recipe.model for run in (lenet, words)
    }
    counts: Counter[str] = Counter()
    problems: list[object] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while not over.is_set():
                answer = client.post("/predict", files=files(*PICTURES))
                if answer.status_code != 200:
                    problems.append(answer.text)
                    continue
                labels = tuple(one["top"][0]["label"] for one in answer.json()["answers"])
                counts[expected.get(labels, "a mixture")] += 1

    threads = [Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    try:
        for run in (words, lenet, words):
            turn(link, run.path)
            swapped(server, "done")
            assert server.client.get("/health").json()["model"] == run.recipe.model
    finally:
        over.set()
        for one in threads:
            one.join()
    assert problems == []
    assert set(counts) == {"lenet5", "mlp"}
    assert min(counts.values()) > 10


def test_one_that_cannot_be_used_is_named_and_the_old_one_stays(
    serve: Serve, lenet: Run, words: Run, tmp_path: Path
) -> None:
    place = tmp_path / "run"
    copytree(lenet.path, place)
    server = serve(place)
    before = server.predict(*PICTURES).json()
    weights = place / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    swapped(server, "failed")
    assert server.predict(*PICTURES).json() == before
    assert "the old one stays" in server.log
    assert "weights.safetensors" in server.log
    weights.write_bytes(whole)
    swapped(server, "done")
    assert server.predict(*PICTURES).json() == before
    weights.unlink()
    swapped(server, "failed")
    assert server.predict(*PICTURES).json() == before


def test_a_path_that_vanishes(serve: Serve, lenet: Run, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(lenet.path)
    server = serve(link)
    link.unlink()
    swapped(server, "failed")
    assert server.predict(*PICTURES).status_code == 200


def test_nothing_changes_where_nothing_changed(lenet: Run) -> None:
    loads: list[Path] = []

    def load(path: Path) -> Engine:
        loads.append(path)
        return load_engine(path)

    served = Served(load_engine(lenet.path))
    watcher = Watcher(lenet.path, load, served, Metrics())
    asyncio.run(watcher.check())
    assert loads == []
    (lenet.path / "report.html").touch()  # written again by `cutaway report`
    asyncio.run(watcher.check())
    assert loads == []
    os.utime(lenet.path / "weights.safetensors")
    old = served.engine
    asyncio.run(watcher.check())
    assert loads == [lenet.path]
    assert served.engine is not old
    assert stamp(lenet.path) == watcher._stamp
