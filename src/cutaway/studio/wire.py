"""Lines of JSON between the studio's server and the process that trains or reads a run.

What is only worth seeing while it is new waits in a queue of one place, and the older gives way:
the loop never waits for those who look.
"""

import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TextIO

Message = dict[str, Any]


class Outbox:
    """Writes messages in a thread of its own.

    Attributes:
        busy: whether a frame is waiting, so that another one would take its place.
    """

    def __init__(self, to: TextIO):
        self._to, self._said = to, deque[Message]()
        self._frame: Message | None = None
        self._ready, self._closed = threading.Condition(), False
        self._thread = threading.Thread(target=self._write, name="outbox", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._frame is not None

    def say(self, message: Message) -> None:
        """Send this, whatever waits."""
        with self._ready:
            self._said.append(message)
            self._ready.notify()

    def offer(self, frame: Message) -> None:
        """Send this frame, in place of one that still waits."""
        with self._ready:
            self._frame = frame
            self._ready.notify()

    def close(self) -> None:
        """Send what waits, and end."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join(5)

    def _write(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._to.write(json.dumps(message, allow_nan=False) + "\n")
                self._to.flush()
            except (OSError, ValueError):  # nobody reads any more
                return

    def _next(self) -> Message | None:
        with self._ready:
            self._ready.wait_for(lambda: self._said or self._frame or self._closed)
            if self._said:
                return self._said.popleft()
            frame, self._frame = self._frame, None
            return frame


class Inbox:
    """Reads messages in a thread of its own.

    Args:
        on_end: called once nobody writes any more.

    Attributes:
        ended: whether that is so.
    """

    def __init__(self, source: TextIO, on_end: Callable[[], None] = lambda: None):
        self._source, self._on_end, self.ended = source, on_end, False
        self._queue: SimpleQueue[Message] = SimpleQueue()
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next(self, seconds: float = 0.0) -> Message | None:
        """The next message, waiting for it so long; None where there is none."""
        try:
            return self._queue.get(seconds > 0, seconds or None)
        except Empty:
            return None

    @property
    def empty(self) -> bool:
        return self._queue.empty()

    def _read(self) -> None:
        for line in self._source:
            self._queue.put(json.loads(line))
        self.ended = True
        self._on_end()


def own_output() -> TextIO:
    """What this process writes to the server; whatever else it prints goes to stderr instead."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(kept, "w")
