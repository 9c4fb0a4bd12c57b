"""What it costs a training to be looked at in the studio.

    CUTAWAY_DATA=... python -m bench.studio [lenet5 resnet20] [--rounds 3]

The same recipe is trained in turn by `cutaway.fit`; by `cutaway.fit` while the same browser shows a
recording of the studio, scrolled but standing still, which is what a browser costs; in the studio
with nobody looking; and in the studio with its page open, all views of it asked for as they scroll
by. Every other round goes the other way around. What is timed is the wall clock from the run's
recipe to its results on the test images, by the times of the files; all of Chromium, which draws
without a graphics card here, and of the studio's server runs on the same cores.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.kept import earlier, keep, publish, table
from cutaway.processes import processor

NAME = "studio"
PAGE = Path(__file__).parents[1] / "docs" / "studio.md"
WORKS = {
    "lenet5": ("mnist", {"epochs": "5"}),
    "resnet20": ("cifar10", {"epochs": "1", "batch_size": "128"}),
}
WAYS = {
    "plain": "cutaway.fit", "closed": "studio, nobody looks",
    "still": "cutaway.fit, a still page scrolled", "open": "studio, page open and scrolled",
}  # fmt: skip
STILL = Path(__file__).parents[1] / "docs" / "recordings" / "lenet5-digits.html"
PLAIN = """
import sys, json
from cutaway import api
api.fit(sys.argv[1], sys.argv[2], progress=False, **json.loads(sys.argv[3]))
"""


def plain(model: str, folder: Path) -> None:
    """Train without the studio."""
    data, fields = WORKS[model]
    command = [sys.executable, "-c", PLAIN, model, data, json.dumps(fields)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def still(model: str, folder: Path) -> None:
    """Train without the studio, while a browser shows a page of it that stands still."""
    with browsing(folder) as page:
        page.open(STILL.as_uri())
        page.wait("document.querySelectorAll('canvas').length > 2")
        with ThreadPoolExecutor(1) as beside:
            training = beside.submit(plain, model, folder)
            scroll(page, training.done)
            training.result()


def closed(model: str, folder: Path) -> None:
    """Train in the studio, and nobody looks."""
    from cutaway.studio.hub import Hub

    async def trained() -> None:
        hub = Hub()
        viewer = hub.enter()
        data, fields = WORKS[model]
        await hub.take(viewer, {"start": {"model": model, "data": data, "fields": fields}})
        while (await viewer.next())["kind"] != "ended":
            pass
        await hub.close()

    with inside(folder):
        asyncio.run(trained())


def opened(model: str, folder: Path) -> None:
    """Train in the studio with its page open, scrolled up and down."""
    from helpers.studio import studio

    data, fields = WORKS[model]
    start = {"model": model, "data": data, "fields": fields, "paused": False}
    with inside(folder), studio("--port", "0") as (address, token, _), browsing(folder) as page:
        page.open(f"{address}/?token={token}")
        page.call("Network.disable")  # else every frame would be sent to us too
        page.wait("document.querySelectorAll('#choosing li').length > 5")
        page.run(
            "globalThis.line = new WebSocket(location.origin.replace('http', 'ws') + "
            "'/live?token=' + new URLSearchParams(location.search).get('token')); true"
        )
        page.wait("line.readyState === 1")
        page.run("line.send(JSON.stringify({own: true})); true")
        page.run(f"line.send(JSON.stringify({json.dumps({'start': start})})); true")
        page.wait("/is being built/.test(document.getElementById('outcome').textContent)")
        page.run("line.close(); true")  # of those who look only the page itself is left
        scroll(page, lambda: any(folder.glob("runs/*/results.json")))


@contextmanager
def browsing(folder: Path) -> Iterator[Any]:
    """A browser with a page of a desktop's width."""
    from helpers.browser import opened as browser

    with browser(folder) as page:
        page.look(1280, False)
        yield page


def scroll(page: Any, ended: Callable[[], bool]) -> None:
    """Scroll up and down, once a second, until something has ended."""
    down = 0
    while not ended():
        down = (down + 300) % 2400
        page.run(f"scrollTo(0, {down})")
        time.sleep(1)


def seconds(folder: Path) -> float:
    """What a training took from its recipe to its results."""
    (run,) = folder.glob("runs/*")
    return (run / "results.json").stat().st_mtime - (run / "recipe.toml").stat().st_mtime


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """In a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def told(found: dict[str, Any]) -> str:
    rows = []
    for model, rounds in found["rounds"].items():
        base = median(row["plain"] for row in rounds)
        cells = [f"{base:.1f} s"]
        for way in list(WAYS)[1:]:
            ratios = sorted(row[way] / row["plain"] for row in rounds)
            cells.append(f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        rows.append([f"{model}, {WORKS[model][0]}", *cells])
    head = ["network and data", *WAYS.values()]
    said = "Seconds from the recipe to the results, and those of the others as ratios (range)"
    return table(head, rows, numbers=True) + f"\n\n{said}, on {found['machine']}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=[*WORKS])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # its browser, and its studio
    ways = {"plain": plain, "closed": closed, "still": still, "open": opened}
    for model in asked.works:
        rounds = []
        for k in range(asked.rounds):
            row = {}
            for way, measure in list(ways.items())[:: -1 if k % 2 else 1]:
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    measure(model, Path(folder))
                    row[way] = seconds(Path(folder))
            print(model, row, flush=True)
            rounds.append(row)
        before = earlier(NAME).get("rounds", {})
        keep(NAME, machine=processor(), rounds=before | {model: rounds})
    publish(NAME, told(earlier(NAME)), PAGE)


if __name__ == "__main__":
    main()
