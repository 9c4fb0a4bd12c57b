"""The front door: `cutaway train`, `resume`, `evaluate`, `predict`, `generate`, `report`, ...

Nothing heavy is imported before a command needs it.
"""

import json
import os
import sys

import typer

from cutaway.cli import (  # noqa: F401  (each enters its commands, in this order)
    about,
    byhand,
    comparing,
    learning,
    looking,
    proving,
    searching,
    serving,
    shipping,
    stepping,
    using,
)
from cutaway.cli.app import app
from cutaway.cli.words import with_bare_flags
from cutaway.errors import CutawayError


def main() -> None:
    """Run a command; a failure is one sentence and an exit code, never a traceback."""
    try:
        app(args=with_bare_flags(sys.argv[1:]), standalone_mode=True)
    except CutawayError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        fail("Interrupted.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MemoryError:
        fail("There is not enough memory: lower --batch-size or --image-size.", 1)
    except Exception as error:
        if os.environ.get("CUTAWAY_DEBUG"):
            raise
        fail(
            f"A fault in Cutaway itself: {type(error).__name__}: {error}. Set CUTAWAY_DEBUG=1 for "
            "the details, and please report them.",
            1,
        )


def fail(sentence: str, code: int) -> None:
    """Say what is wrong on standard error, as JSON where JSON was asked for, and end."""
    text = json.dumps({"error": sentence}) if "--json" in sys.argv else f"Error: {sentence}"
    typer.echo(text, err=True)
    sys.exit(code)
