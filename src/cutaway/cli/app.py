"""The application that the commands belong to, and what they share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory.")]


def print_version(asked: bool) -> None:
    """What a report of a fault begins with."""
    if asked:
        from importlib.metadata import version
        from platform import python_version

        import cutaway

        typer.echo(
            f"cutaway {cutaway.__version__} (Python {python_version()}, torch {version('torch')})"
        )
        raise typer.Exit


@app.callback()
def say(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Deep learning with the casing cut away: train it, see inside it, prove it, ship it."""


def emit(value: Any) -> None:
    """Print JSON on standard output."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
