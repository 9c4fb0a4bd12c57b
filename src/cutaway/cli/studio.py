"""`cutaway studio`: see a training in the browser, live, and reach into it."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import app, expect_installed
from cutaway.errors import UsageError


@app.command(epilog="Example: cutaway studio lenet5 digits")
def studio(
    first: Annotated[
        str,
        typer.Argument(metavar="[RUN|MODEL]", help="A run, a fleet, or a model to begin with."),
    ] = "",
    data: Annotated[
        str,
        typer.Argument(metavar="[RUN|DATA]", help="A run beside it, or what the model learns from.")
    ] = "",
    record: Annotated[
        Path | None,
        typer.Option(help="Write a run as one HTML file that replays it.", metavar="FILE"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="By default the first free one from 8600.",
                     show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:  # fmt: skip
    """Open the studio: a page on which networks learn before your eyes, and can be reached into.

    Without arguments: choose a system there. With a run: go on with it, or travel through it. With
    two: travel through both, side by side.
    Only this computer can open the page, by the address that is printed. Ctrl-C ends it; what
    learns then stops at a checkpoint.
    """
    runs = runs_of(first, data)
    if record is not None:
        if len(runs) != 1 or not (runs[0] / "recipe.toml").is_file():
            raise UsageError("--record is of a run: cutaway studio runs/lenet5-digits-1 --record "
                             "demo.html")  # fmt: skip
        from cutaway.studio.recording import write_recording

        write_recording(runs[0], record, typer.echo)
        return
    expect_installed("The studio", "studio", "fastapi", "uvicorn", "websockets")
    from cutaway.studio.run import studio as open_studio

    start = begun_with(first, data) if first and not runs else None
    open_studio(runs, start, port, browser, typer.echo)


def runs_of(first: str, second: str) -> list[Path]:
    """The runs that are named: one or two, or a fleet; none where something else is.

    Raises:
        UsageError: a run beside what is none.
    """
    named = [Path(one) for one in (first, second) if one]
    if not any(one.is_dir() for one in named):
        return []
    from cutaway.learn.fleet import Fleet
    from cutaway.learn.run import Run

    runs = [one for one in named if Run.is_at(one)]
    if len(named) == 1 and Fleet.is_at(named[0]):
        return named
    if runs and len(runs) < len(named):
        other = next(one for one in named if one not in runs)
        raise UsageError(f"Two runs stand beside each other, and {other} is none.")
    return runs


def begun_with(first: str, data: str) -> tuple[str, str]:
    """The model and the data to begin with; of a path alone no model, which is then chosen.

    Raises:
        UsageError: there are none of these names.
    """
    from cutaway import recipes
    from cutaway.data.catalog import SOURCES

    if not data and recipes.is_path(first):
        return "", first
    recipe = recipes.starting_point(*filter(None, (first, data)))
    if recipe.data not in SOURCES and not recipes.is_there(recipe.data):
        raise UsageError(f"There is no data set, folder or file {recipe.data}. Check the name.")
    return recipe.model, recipe.data
