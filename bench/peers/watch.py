"""What a peer notes while it trains, and prints when it is done."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.works import Work

PROMPT = "BENCH_PROMPT"
"""In the environment: `time.time()` when the command was given."""


class Watch:
    """Times from the prompt. Whoever computes asynchronously waits for the device before a call."""

    def __init__(self) -> None:
        self.prompt = float(os.environ.get(PROMPT, time.time()))
        self.aside = 0.0
        self.first = 0.0
        self.epochs: list[float] = []
        self.marks: list[tuple[float, float]] = []

    @property
    def now(self) -> float:
        """Seconds since the prompt, without what was set aside."""
        return time.time() - self.prompt - self.aside

    def step(self) -> None:
        """A step has ended; only the first is noted."""
        self.first = self.first or self.now

    def epoch(self) -> None:
        """An epoch has ended."""
        self.epochs.append(self.now)

    @contextmanager
    def off_the_clock(self) -> Iterator[None]:
        """What the race is not about: a look at the test set after an epoch."""
        began = time.time()
        yield
        self.aside += time.time() - began

    def reached(self, accuracy: float) -> None:
        """The accuracy on the test set after the training so far."""
        self.marks.append((self.now, accuracy))

    def report(self, work: Work | None = None, **more: object) -> None:
        """The last line printed: one JSON object.

        `rate` is in images a second over the epochs after the first, for all networks together.
        """
        found: dict[str, object] = {"first_step": self.first, "marks": self.marks, **more}
        if work and len(self.epochs) > 1:
            seconds = self.epochs[-1] - self.epochs[0]
            found["rate"] = work.nets * work.images * (len(self.epochs) - 1) / seconds
        print(json.dumps(found), flush=True)
