"""`cutaway train`: train a network."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cutaway.cli.app import CallbackOption, CpusOption, GpusOption, Json, OnOption, app, emit
from cutaway.cli.words import read_options, read_vary, read_words, with_recipe_options
from cutaway.learn.recipe import Recipe, read_recipe

Quality = Annotated[
    str,
    typer.Option(
        help="How well photographs are learned where no model is named: fast, good or best.",
        metavar="WORD",
    ),
]


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="Example: cutaway train lenet5 mnist --epochs 3 --lr 0.1 --augment shift:2",
)
@with_recipe_options
def train(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model, a recipe, or the data.")] = "",
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")] = "",
    recipe: Annotated[
        str, typer.Option(help="Begin with a saved recipe.toml.", metavar="FILE")
    ] = "",
    out: Annotated[
        str, typer.Option(help="The run's directory, by default runs/MODEL-DATA-N.")
    ] = "",
    vary: Annotated[
        list[str] | None,
        typer.Option(help="A network for each value of a field: lr=0.1,0.01", metavar="FIELD=..."),
    ] = None,
    way: Annotated[
        str, typer.Option(help="How to train several: auto, in-turn, side-by-side or batched.")
    ] = "auto",
    quality: Quality = "",
    time: Annotated[
        str,
        typer.Option(
            help="What training may take, 90s, 10m or 1h: as many epochs as that allows.",
            metavar="TIME",
        ),
    ] = "",
    on: OnOption = "",
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    callback: CallbackOption = None,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    """Train a network, test it once and write a report.

    Without arguments: LeNet-5 on 1,797 handwritten digits, in seconds, with no download.
    A folder alone: a network is chosen for its pictures, cutaway train photographs/ --time 10m
    Options of the model are given by name too: cutaway train mlp mnist --widths 300-100
    Many networks as one job: --replicates 8, --folds 5, --vary lr=0.1,0.01
    """
    words = [word for word in (model, data) if word] + context.args
    settings |= {"vary": read_vary(vary or []) or None}
    names, saved, changes = read_request(words, recipe, settings)
    from cutaway import api

    run = api.fit(
        *names, recipe=saved, out=out, progress=not (quiet or as_json), callbacks=callback or (),
        checkpoint_every=checkpoint_every, way=way, quality=quality, time=time, on=on, cpus=cpus,
        gpus=gpus, **changes,
    )  # fmt: skip
    print_run(run, as_json)


def read_request(
    words: list[str], recipe: str, settings: dict[str, Any]
) -> tuple[list[str], Recipe | None, dict[str, Any]]:
    """Model and data, the saved recipe if there is one, and the changes to it or to what suits.

    Args:
        words: model, data and options of the model.
        recipe: the file to begin with instead of the recommended settings.
        settings: fields of the recipe, None where not given.
    """
    from cutaway import recipes

    names, flags = read_words(words)
    changes = {k: v for k, v in settings.items() if v is not None}
    saved = read_recipe(Path(recipe)) if recipe else None
    if saved:
        changes |= dict(zip(("model", "data"), names, strict=False))
        names = []
    beginning = saved or recipes.starting_point(*names)
    return names, saved, changes | read_options(flags, beginning, changes)


def print_run(job: Any, as_json: bool) -> None:
    """Print the result of a finished run, fleet or search, and its path."""
    from cutaway.show import tables
    from cutaway.show.jobs import VIEWS

    view, page = VIEWS[job.kind], job.path / "report.html"
    if as_json:
        about = {view.key: str(job.path), "report": str(page), "augment": job.recipe.augment}
        emit({**about, "notes": job.notes, **job.results})
        return
    tables.show(*tables.notes(job), tables.result(job, view.rows(job)))
    typer.echo(f"{job.kind.capitalize() + ':':7} {job.path}")
    for line in view.following(job):
        typer.echo(f"Next:   {line}")
    typer.echo(f"Report: {page.resolve().as_uri()}")
