"""The time that work takes of the processor, whatever else the machine does meanwhile."""

from collections.abc import Callable
from time import process_time
from typing import Any


def least_seconds(work: Callable[[], Any], times: int) -> float:
    """The least of several: what disturbs only adds."""
    found = []
    for _ in range(times):
        start = process_time()
        work()
        found.append(process_time() - start)
    return max(min(found), 1e-9)
