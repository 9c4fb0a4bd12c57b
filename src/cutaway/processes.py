"""Processes that answer questions: Python programs that read a line of JSON and write one."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

GRACE = 10.0
"""Seconds that a process has to end by itself."""


def cpus() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1] for line in file if line.startswith("model name")]
        return names[0].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


class Gone(Exception):
    """The process died before it answered; the text says how."""


class Lost(Gone):
    """It is out of reach, with the computer that it ran on: another may answer."""


class Program:
    """A process of `python -m module`, with what this one imports from.

    It is no fork: it inherits neither locks nor threads, and does not run the user's script again.
    It ends when its standard input does, and so with the process that started it, however.

    Args:
        environment: its variables; by default those of this process.
    """

    def __init__(
        self, *words: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        imports = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**(environment or os.environ), "PYTHONPATH": imports},
            **options,
        )

    def ask(self, question: Any) -> Any:
        """The answer to a question.

        Raises:
            Gone: it died.
        """
        self.tell(question)
        return self.heard()

    def tell(self, question: Any) -> None:
        """Ask, and leave the answer to `heard`. Raises Gone where it died."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError as error:  # a broken pipe
            raise self._gone() from error

    def heard(self) -> Any:
        """What it says next, unasked.

        Raises:
            Gone: it died.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._gone()
        return json.loads(line)

    def _gone(self) -> Gone:
        return Gone(f"its process ended with code {self._process.wait()}")

    def stop(self) -> None:
        """Ask it to end at a good moment."""
        self._process.terminate()

    def kill(self) -> None:
        """Release whoever waits for an answer, in another thread."""
        self._process.kill()

    def finish(self) -> None:
        """Let it end by itself, as it does when it is asked no more; then close it."""
        assert self._process.stdin is not None
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.stdin.close()
            self._process.wait(GRACE)
        self.close()

    def close(self) -> None:
        """End it and close what led to it."""
        self._process.kill()
        with suppress(OSError), self._process:  # what was still to be written to it
            pass
