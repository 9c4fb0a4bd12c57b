"""What it costs a training to be looked at in the studio.

    CUTAWAY_DATA=... python -m bench.studio [lenet5 resnet20] [--pairs 36] [--still]

**Looked at**: one training goes on in the studio with its page open in a headless Chromium, which
draws without a graphics card; all of Chromium and of the studio's server runs on the same cores.
In turn the page is looked at for some seconds, all panels of it as they scroll by, and all its
panels are folded, so that nothing is computed or drawn. Each pair of neighbours gives a ratio of
steps a second, so that whatever else the computer does falls on both. With `--still` nobody
scrolls, and the ratios are kept and told beside the others.

**Nobody looks**: the share of a training's time that goes to what the studio adds to it.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bench.kept import earlier, keep, publish, table
from cutaway.processes import processor

NAME = "studio"
PAGE = Path(__file__).parents[1] / "docs" / "studio.md"
WORKS = {
    "lenet5": ("mnist", {"epochs": "5"}),
    "resnet20": ("cifar10", {"epochs": "1", "batch_size": "128"}),
}
ENDLESS = {"epochs": "1", "repeat": "1000"}
"""An epoch that does not end meanwhile, with no evaluation in it."""
WINDOW, SETTLES, WARM = 4.0, 0.5, 10.0
"""Seconds of a look, those before it that are not counted, and those before the first."""
FOLD = """document.querySelectorAll('.fold').forEach((one) => {
  if ((one.getAttribute('aria-expanded') === 'true') !== %s) one.click();
});"""


class Steps:
    """A viewer that looks at no panel, and notes when each step was told of."""

    def __init__(self, address: str, token: str):
        where = f"{address.replace('http', 'ws')}/live?token={token}"
        self.line = connect(where, origin=address, max_size=None)  # type: ignore[arg-type]
        self.told: list[tuple[float, int]] = []
        self.begun = threading.Event()
        threading.Thread(target=self._hear, daemon=True).start()

    def say(self, **message: Any) -> None:
        self.line.send(json.dumps(message))

    def _hear(self) -> None:
        with suppress(ConnectionClosed):  # the studio has ended
            for text in self.line:
                self._note(json.loads(text))

    def _note(self, message: dict[str, Any]) -> None:
        if message["kind"] == "frame":
            self.told.append((time.monotonic(), message["step"]))
            if "number" in message:
                self.say(drawn=message["number"])
        elif message["kind"] == "begun":
            self.begun.set()

    def a_second(self, begin: float, end: float) -> float:
        """Steps a second in a stretch of time."""
        inside = [one for one in self.told if begin <= one[0] <= end]
        (first, few), (last, many) = inside[0], inside[-1]
        return (many - few) / (last - first)


def looked_at(model: str, pairs: int, still: bool) -> list[float]:
    """Of each pair how many times as long a step takes while the page is looked at."""
    from helpers.browser import opened as browser
    from helpers.studio import studio

    data, fields = WORKS[model]
    start = {"model": model, "data": data, "fields": fields | ENDLESS, "paused": False}
    with (
        folder() as here, studio("--port", "0") as (address, token, _), browser(here) as page,
    ):  # fmt: skip
        steps = Steps(address, token)
        steps.say(own=True)
        steps.say(start=start)
        assert steps.begun.wait(120)
        page.look(1280, False)
        page.open(f"{address}/?token={token}")
        page.call("Network.disable")  # else every frame would be sent to us too
        page.wait("document.querySelectorAll('.fold').length > 3", 60)
        time.sleep(WARM)
        rates = [window(page, steps, bool(k % 2), still) for k in range(2 * pairs)]
    return [rates[k] / rates[k + 1] for k in range(0, 2 * pairs, 2)]


def window(page: Any, steps: Steps, looked: bool, still: bool) -> float:
    """Steps a second for some seconds, looked at or not, by somebody who scrolls or does not."""
    page.run(FOLD % ("true" if looked else "false"))
    page.run("scrollTo(0, 0)")
    time.sleep(SETTLES)
    begin, down = time.monotonic(), 0
    while time.monotonic() < begin + WINDOW:
        if looked and not still:
            down = (down + 300) % 2400
            page.run(f"scrollTo(0, {down})")
        time.sleep(1)
    return steps.a_second(begin, time.monotonic())


def unseen(model: str) -> float:
    """The share of a training that goes to the studio's callbacks while nobody looks."""
    from cutaway import api
    from cutaway.learn.snapshots import Snapshots
    from cutaway.studio.live import Live
    from cutaway.studio.wire import Inbox, Outbox

    data, fields = WORKS[model]
    reading, writing = os.pipe()
    with folder(), open(os.devnull, "w") as nobody, os.fdopen(reading) as silent:
        added = [Snapshots(), Live(Inbox(silent), Outbox(nobody))]
        spent = timed(added)
        begin = time.monotonic()
        api.fit(model, data, progress=False, callbacks=added, **fields)
        share = sum(spent) / (time.monotonic() - begin)
        os.close(writing)
    return share


def timed(callbacks: list[Any]) -> list[float]:
    """Let callbacks note the seconds that each call of them takes."""
    spent: list[float] = []

    def noting(call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            begin = time.perf_counter()
            try:
                return call(*given)
            finally:
                spent.append(time.perf_counter() - begin)

        return noted

    for one in callbacks:
        for name in dir(one):
            if name.startswith("on_"):
                setattr(one, name, noting(getattr(one, name)))
    return spent


@contextmanager
def folder() -> Iterator[Path]:
    """A folder to be in, which goes afterwards."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as here:
        os.chdir(here)
        try:
            yield Path(here)
        finally:
            os.chdir(before)


def told(found: dict[str, Any]) -> str:
    rows = []
    for model, one in found["works"].items():
        rows.append([
            f"{model}, {WORKS[model][0]}", f"{100 * one['unseen']:.1f} %",
            *(ratio(one.get(way, [])) for way in ("looked", "still")),
        ])  # fmt: skip
    head = ["network and data", "nobody looks", "looked at and scrolled", "looked at, not scrolled"]
    said = (
        "Nobody looks: the share of the time that goes to the studio. Looked at: how many times as "
        f"long a step takes, the mean of pairs of {WINDOW:.0f} seconds with its 95 % interval, and "
        "their number"
    )
    return table(head, rows, numbers=True) + f"\n\n{said}, on {found['machine']}."


def ratio(pairs: list[float]) -> str:
    """The mean of ratios with its interval; a dash where none were measured."""
    if not pairs:
        return "–"
    middle, wide = mean(pairs), 1.96 * stdev(pairs) / len(pairs) ** 0.5
    return f"{middle:.2f} ({middle - wide:.2f} to {middle + wide:.2f}; {len(pairs)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=[*WORKS])
    parser.add_argument("--pairs", type=int, default=36)
    parser.add_argument("--still", action="store_true")
    asked = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # its browser, and its studio
    for model in asked.works:
        way = "still" if asked.still else "looked"
        found = {way: looked_at(model, asked.pairs, asked.still), "unseen": unseen(model)}
        print(model, found, flush=True)
        works = earlier(NAME).get("works", {})
        works[model] = works.get(model, {}) | found
        keep(NAME, machine=processor(), works=works)
    publish(NAME, told(earlier(NAME)), PAGE)


if __name__ == "__main__":
    main()
