"""Processes that compute pieces, so that the server stays free."""

import itertools
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

from cutaway.processes import Gone, Program

Message = dict[str, Any]
AT_ONCE = 2
"""Processes that compute at the same time."""
PATIENCE, LONGEST = 30.0, 180.0
"""Seconds until a process has to be free, and that an answer may take."""
BUSY = "All that compute are at work: wait until another piece has ended."
TOO_LONG = "It took longer than three minutes and was ended: choose smaller settings."
DIED = "The process that computed it ended before its time: try again, with smaller settings."


class Pool:
    """Processes that wait for questions; the first begins with the first question."""

    def __init__(self) -> None:
        self._free: list[Program] = []
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._numbers = itertools.count()

    def answers(self, question: Mapping[str, Any]) -> Generator[Message, None, None]:
        """What a process says to a question, until it or whoever asks has enough.

        An error is a message, too: `{"error": "a sentence"}`.
        """
        if not self._places.acquire(timeout=PATIENCE):
            yield {"error": BUSY}
            return
        try:
            yield from self._answers(question)
        finally:
            self._places.release()

    def _answers(self, question: Mapping[str, Any]) -> Generator[Message, None, None]:
        program = self._free.pop() if self._free else Program("cutaway.studio.rooms.worker")
        late = threading.Event()

        def end() -> None:
            late.set()
            program.kill()

        clock = threading.Timer(LONGEST, end)
        clock.daemon = True
        clock.start()
        try:
            yield from _heard(program, {"id": next(self._numbers), **question})
            self._free.append(program)
        except Gone:
            program.close()
            yield {"error": TOO_LONG if late.is_set() else DIED}
        except GeneratorExit:  # the page has gone, or asks for something else
            with suppress(Gone):
                program.tell({"more": False})
                self._free.append(program)
            raise
        finally:
            clock.cancel()

    def close(self) -> None:
        """End all that wait."""
        while self._free:
            self._free.pop().close()


def _heard(program: Program, question: Mapping[str, Any]) -> Generator[Message, None, None]:
    """The messages on one question; what is still said to an earlier one is left out."""
    program.tell(question)
    while True:
        message = program.heard()
        if message.pop("id") != question["id"]:
            continue
        if message.get("end"):
            return
        yield message
        if "figures" in message:
            program.tell({"more": True})
