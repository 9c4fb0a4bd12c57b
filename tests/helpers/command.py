"""`cutaway ...` as somebody types it, in this process or in one of its own."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cutaway import cli

CUTAWAY = [sys.executable, "-m", "cutaway"]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind; never a traceback."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return words(self.out + self.err)


def words(text: str) -> str:
    """With single blanks, however the terminal broke the lines."""
    return " ".join(text.split())


def cutaway(*arguments: object, folder: Path | None = None, typed: str = "") -> Outcome:
    """Call the command line in this process, from a folder, with `typed` on standard input."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["cutaway", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO(typed))
        patch.chdir(folder or Path.cwd())
        return Outcome(ended(), content(out), content(err))


def ended() -> int:
    """The exit code of the command that `sys.argv` holds."""
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


def process(*arguments: object, typed: str = "") -> Outcome:
    """Call the command line in a process of its own."""
    done = subprocess.run(
        [*CUTAWAY, *map(str, arguments)], input=typed, capture_output=True, text=True, check=False,
        encoding="utf-8",
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)
