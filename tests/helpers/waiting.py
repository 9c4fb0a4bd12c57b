"""Waiting for what another process or thread does, however busy the computer is."""

from collections.abc import Callable
from time import monotonic, sleep


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is true; it has to be within so many seconds."""
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, f"not true within {seconds} seconds"
        sleep(0.02)
