"""Decode a stream of pictures in its order, ahead of whoever takes them, in flat memory.

Numbers and names alone come from NumPy and Pillow, so that one picture costs no import of torch.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from math import prod
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from cutaway.data import pool
from cutaway.data.frame import Frame
from cutaway.data.picture import Unreadable, read, silenced
from cutaway.data.sample import Absent, Cell, as_task
from cutaway.data.worker import Task, fetch
from cutaway.processes import cpus

SECONDS_PER_PICTURE, SECONDS_PER_BYTE, STARTING = 1e-4, 5e-8, 0.3  # rough, to choose workers
TURN = 0.05  # seconds of decoding that a worker is given at once
ROWS, BYTES = 512, 1 << 24  # of the pictures that are handed on at once, at most
AHEAD = 2  # such lots that wait to be taken, beside those that are being decoded
T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """A picture that is asked about: what it is called, and the file, content or cell it is in, or
    why there is none."""

    name: str
    source: str | bytes | Cell | Absent


@dataclass(frozen=True)
class Lot:
    """Some pictures that were decoded.

    Attributes:
        pixels: n h w c, bytes; zeros where a picture cannot be read.
        bad: why it cannot be, by its row.
    """

    inputs: Sequence[Input]
    pixels: np.ndarray
    bad: dict[int, str]


def decoded(inputs: Iterable[Input], frame: Frame) -> Iterator[Lot]:
    """The pictures in their order, brought to `frame`; a broken one is named and costs itself.

    What takes less time than a process to start is decoded here, and the rest in a process for
    each core, a few lots ahead of whoever takes them and no further.
    """
    source, cost, beginning = iter(inputs), 0.0, list[Input]()
    while cost < STARTING and (one := next(source, None)):
        beginning.append(one)
        cost += _cost(one)
    for some in in_lots(beginning, _rows(frame, 0.0)):
        yield _here(some, frame)
    lots = in_lots(source, _rows(frame, cost / max(1, len(beginning))))
    if cpus() < 2:
        yield from (_here(some, frame) for some in lots)
    elif first := next(lots, None):
        yield from _in_workers(chain([first], lots), frame, cpus())


def in_lots(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many items at a time, as long as there are any."""
    source = iter(items)
    while some := list(islice(source, size)):
        yield some


def _cost(one: Input) -> float:
    """Seconds of decoding, roughly."""
    source = one.source
    try:
        size = os.stat(source).st_size if isinstance(source, str) else len(source)
    except (OSError, ValueError):  # not there, or no path at all
        size = 0
    return SECONDS_PER_PICTURE + size * SECONDS_PER_BYTE


def _rows(frame: Frame, cost: float) -> int:
    """Number of pictures in a lot, each of which takes `cost` seconds."""
    room = min(ROWS, BYTES // _row(frame))
    return max(1, min(room, int(TURN / cost)) if cost else room)


def _row(frame: Frame) -> int:
    """Bytes of a picture."""
    return prod(_shape(frame))


def _shape(frame: Frame) -> tuple[int, ...]:
    assert frame.size is not None
    return *frame.size, frame.channels


def _here(inputs: Sequence[Input], frame: Frame) -> Lot:
    """Decode pictures in this process."""
    pixels = np.zeros((len(inputs), *_shape(frame)), np.uint8)
    bad = {}
    with silenced():
        for row, one in enumerate(inputs):
            try:
                content = read(fetch(as_task(one.source)), frame).pixels
            except Unreadable as problem:
                bad[row] = problem.sentence
                continue
            pixels[row] = np.frombuffer(content, np.uint8).reshape(pixels.shape[1:])
    return Lot(inputs, pixels, bad)


def _in_workers(lots: Iterator[Sequence[Input]], frame: Frame, workers: int) -> Iterator[Lot]:
    """Decode lots side by side, through a file in which each has a place until it is taken."""
    free: SimpleQueue[int | None] = SimpleQueue()
    for place in range(workers + AHEAD):
        free.put(place)
    pending: dict[int, tuple[Task, Sequence[Input]]] = {}
    with TemporaryDirectory(prefix="cutaway-") as folder:
        file = Path(folder, "pixels")
        file.touch()
        same = {"file": str(file), "frame": frame, "native": None, "fixed": True}

        def tasks() -> Iterator[Task]:
            for number, some in enumerate(lots):
                place = free.get()
                if place is None:  # nobody takes any more
                    return
                sources = [as_task(one.source) for one in some]
                first = place * ROWS
                task = {**same, "first": first, "sources": sources, "number": number}
                pending[number] = task, some
                yield task

        with closing(pool.pairs(tasks(), workers)) as answers:
            try:
                for number, bad in _in_turn(answers):
                    task, some = pending.pop(number)
                    yield _lot(file, frame, task, some, bad)
                    free.put(task["first"] // ROWS)
            finally:
                free.put(None)


def _in_turn(pairs: Iterable[tuple[Task, pool.Answer]]) -> Iterator[tuple[int, dict[int, str]]]:
    """The number of each task, in order, and what could not be decoded."""
    done: dict[int, dict[int, str]] = {}
    expected = 0
    for task, answer in pairs:
        done[task["number"]] = {index: sentence for index, _, sentence in answer["bad"]}
        while expected in done:
            yield expected, done.pop(expected)
            expected += 1


def _lot(file: Path, frame: Frame, task: Task, inputs: Sequence[Input], bad: dict[int, str]) -> Lot:
    """Read a lot back from the file."""
    row, first = _row(frame), task["first"]
    pixels = np.fromfile(file, np.uint8, len(inputs) * row, offset=first * row)
    return Lot(
        inputs, pixels.reshape(len(inputs), *_shape(frame)),
        {index - first: sentence for index, sentence in bad.items()},
    )  # fmt: skip
