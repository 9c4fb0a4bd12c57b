"""The time that work takes of the processor, whatever else the machine does meanwhile."""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any


def least_seconds(work: Callable[[], Any], times: int) -> float:
    """The least of several: what disturbs only adds."""
    return in_turn([work], times)[0]


def in_turn(works: Sequence[Callable[[], Any]], times: int) -> list[float]:
    """The least of several of each, taken in turn: a slow spell of the machine slows them all."""
    seconds = [[_spent(work) for work in works] for _ in range(times)]
    return [max(min(of), 1e-9) for of in zip(*seconds, strict=True)]


def _spent(work: Callable[[], Any]) -> float:
    start = process_time()
    work()
    return process_time() - start
