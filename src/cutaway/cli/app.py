"""The Typer application, and options that commands share."""

import json
import re
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.errors import UsageError
from cutaway.files import finite

if TYPE_CHECKING:
    from cutaway.learn.run import Run

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Views = Annotated[
    bool,
    typer.Option(
        "--tta",
        help="Take the mean of the answers to several views of each image: shifted by a pixel or "
        "more, and mirrored where training mirrored them (test-time augmentation).",
    ),
]
CallbackOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A callback: the name of its class, as cutaway:Prometheus.", metavar="MODULE:CLASS"
    ),
]
Processes = Annotated[
    int,
    typer.Option(help="Processes here that train one network together.", metavar="COUNT", min=1),
]
ShardOption = Annotated[
    str,
    typer.Option(
        help="Whether each process keeps a part of the weights: auto, yes or no.",
        metavar="[WORD]", show_default=False,
    ),
]  # fmt: skip
OnOption = Annotated[
    str, typer.Option("--on", help="Where: ray, or ray://host:port; by default here.")
]
CpusOption = Annotated[
    int | None, typer.Option(help="CPUs of each task on Ray, by default 1.", show_default=False)
]
GpusOption = Annotated[
    float | None, typer.Option(help="GPUs of each task on Ray, by default 0.", show_default=False)
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory.")]


def expect_installed(what: str, extra: str, *modules: str) -> None:
    """Refuse what modules are lacking for. Raises UsageError, which names the first of them."""
    try:
        for name in modules:
            import_module(name)
    except ImportError as error:
        raise UsageError(
            f"{what} needs {error.name}, which is not installed: pip install 'cutaway[{extra}]'."
        ) from None


def print_version(show: bool) -> None:
    """Print the versions that a bug report needs."""
    if show:
        from importlib.metadata import version
        from platform import python_version

        from cutaway.version import __version__

        typer.echo(f"cutaway {__version__} (Python {python_version()}, torch {version('torch')})")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """Deep learning with the casing cut away: train it, see inside it, prove it, ship it."""


def single(path: Path, action: str) -> "Run":
    """Open the run at a path; of a fleet a member has to be named.

    Args:
        action: what is done with it: `draw with`.
    """
    from cutaway.learn.kinds import open_network

    members = open_network(path).members
    if len(members) > 1:
        raise UsageError(f"{path} is a fleet: {action} a member of it, {path}/members/000.")
    return members[0]


def flowing(text: str) -> str:
    """A docstring for a terminal of any width: a line that goes on in the next is joined to it.

    A sentence or an example has a line of its own, which a capital begins or a colon announces.
    """
    return re.sub(r"(?<![:\n])\n(?=[a-z0-9(])", " ", cleandoc(text))


def emit(value: Any) -> None:
    """Print JSON on standard output; numbers that are not finite, which JSON lacks, become null."""
    typer.echo(json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False))
