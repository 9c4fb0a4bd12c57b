"""The command line: `cutaway train`, `resume`, `evaluate`, `predict`, `generate`, `report`, ...

Nothing heavy is imported before a command needs it.
"""

import json
import os
import sys
from io import TextIOWrapper

import typer

from cutaway.cli import (  # noqa: F401  (each enters its command, in this order)
    audit,
    check,
    compare,
    data,
    doctor,
    evaluate,
    export,
    generate,
    judge,
    look,
    lr,
    models,
    pack,
    predict,
    prove,
    report,
    resume,
    search,
    serve,
    sort,
    step,
    studio,
    suspects,
    train,
)
from cutaway.cli.app import app, flowing
from cutaway.cli.several import speaks
from cutaway.cli.words import with_bare_flags
from cutaway.errors import CutawayError
from cutaway.together.environment import Parted, end, leads, leave, over

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells."""


for command in app.registered_commands:
    command.help = flowing(getattr(command.callback, "__doc__", None) or "")


def main() -> None:
    """Run a command; a failure is one sentence and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a terminal of ASCII shows a question mark, no fault
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    words = with_bare_flags(sys.argv[1:]) or ["--help"]
    if over():
        sys.exit(0)
    try:
        code = app(args=words, prog_name="cutaway", standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Parted as error:
        if speaks(error):
            say(str(error))
        end(error.exit_code)
    except Exception as error:
        sentence, code = error_message(error)
        if told := speaks(error):
            say(sentence)
        end(leave(code, told))
    if code == INTERRUPTED:
        say("Interrupted.")
    end(leave(code or 0, leads()))


def error_message(error: Exception) -> tuple[str, int]:
    """The message for a failure, and its exit code."""
    if isinstance(error, CutawayError):
        return str(error), error.exit_code
    if hasattr(error, "format_message"):  # Typer's own: an unknown option, a missing argument
        context = getattr(error, "ctx", None)
        hint = f" See `{context.command_path} --help`." if context else ""
        sentence = error.format_message()
        end = "" if sentence[-1:] in ".?" else "."
        return f"{sentence}{end}{hint}", getattr(error, "exit_code", 2)
    if isinstance(error, MemoryError):
        return "There is not enough memory: lower --batch-size or --image-size.", 1
    if os.environ.get("CUTAWAY_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that one may not use
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error}.", 1
    culprits = [note for note in getattr(error, "__notes__", ()) if note.startswith("callback ")]
    if culprits:
        text = f"The {culprits[0]}, failed: {type(error).__name__}: {error}. "
        return f"{text}Set CUTAWAY_DEBUG=1 for the details.", 1
    return (
        f"Internal error in Cutaway: {type(error).__name__}: {error}. Set CUTAWAY_DEBUG=1 for the "
        "details, and please report them.",
        1,
    )


def say(sentence: str) -> None:
    """Print an error on standard error, as JSON where JSON was asked for."""
    text = json.dumps({"error": sentence}) if "--json" in sys.argv else f"Error: {sentence}"
    typer.echo(text, err=True)
