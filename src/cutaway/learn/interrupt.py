"""Ctrl-C as a request, honoured at the end of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Request:
    """Whether somebody has asked to stop."""

    pending: bool = False


@contextmanager
def stoppable() -> Iterator[Request]:
    """Turn the first SIGINT or SIGTERM into a request; a second one interrupts at once.

    Outside the main thread Python delivers no signals, and nothing is changed. A signal that was
    ignored from the start (a shell does so with SIGINT for jobs in the background, so that a Ctrl-C
    for something else does not reach them) stays ignored.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.pending:
            raise KeyboardInterrupt
        request.pending = True

    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
