"""Processes that answer questions: Python programs that read a line of JSON and write one."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any


def cpus() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Gone(Exception):
    """The process died before it answered."""


class Program:
    """A process of `python -m module`, with what this one imports from.

    It is no fork: it inherits neither locks nor threads, and does not run the user's script again.
    It ends when its standard input does, and so with the process that started it, however.
    """

    def __init__(self, *words: str, **options: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            **options,
        )

    def ask(self, question: Any) -> Any:
        """The answer to a question.

        Raises:
            Gone: it died.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError as error:  # a broken pipe
            raise Gone from error
        return self.heard()

    def heard(self) -> Any:
        """What it says next, unasked.

        Raises:
            Gone: it died.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise Gone
        return json.loads(line)

    def kill(self) -> None:
        """Release whoever waits for an answer, in another thread."""
        self._process.kill()

    def close(self) -> None:
        """End it and close what led to it."""
        self._process.kill()
        with suppress(OSError), self._process:  # what was still to be written to it
            pass
