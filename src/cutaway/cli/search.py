"""`cutaway search`: try many settings of a recipe."""

from typing import Annotated, Any

import typer

from cutaway.cli.app import CallbackOption, CpusOption, GpusOption, Json, OnOption, app
from cutaway.cli.train import Quality, print_run, read_request
from cutaway.cli.words import with_recipe_options
from cutaway.errors import UsageError


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="Example: cutaway search lenet5 digits --trials 50 --over lr=0.0003..0.03 "
    "--over optimizer=adamw,nesterov",
)
@with_recipe_options
def search(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model, a recipe, or the data.")] = "",
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")] = "",
    trials: Annotated[int, typer.Option(help="How many settings to try.")] = 20,
    over: Annotated[
        list[str] | None,
        typer.Option(
            help="What to try: lr=0.001..0.1 or optimizer=adamw,nesterov; by default what suits.",
            metavar="FIELD=...",
        ),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="Begin with a saved recipe.toml.", metavar="FILE")
    ] = "",
    out: Annotated[
        str, typer.Option(help="The search's directory, by default runs/MODEL-DATA-search-N.")
    ] = "",
    quality: Quality = "",
    at_once: Annotated[
        int,
        typer.Option(
            help="Trials at work together, each drawn from what came before them; by default 1, "
            "and on Ray as many as there is room for.",
            show_default=False,
        ),
    ] = 0,
    on: OnOption = "",
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    callback: CallbackOption = None,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    """Try many settings and find the recipe that does best on the validation images.

    Trials that fall behind are pruned. No trial uses the test images: train the
    best recipe with `cutaway train --recipe` afterwards.
    """
    words = [word for word in (model, data) if word] + context.args
    names, saved, changes = read_request(words, recipe, settings)
    ranges = read_over(over or [])
    from cutaway import api

    result = api.search(
        *names, recipe=saved, trials=trials, over=ranges, out=out,
        progress=not (quiet or as_json), callbacks=callback or (),
        checkpoint_every=checkpoint_every, quality=quality, at_once=at_once, on=on, cpus=cpus,
        gpus=gpus, **changes,
    )  # fmt: skip
    print_run(result, as_json)


def read_over(words: list[str]) -> dict[str, Any]:
    """Parse `lr=0.001..0.1` as a field and its range, `optimizer=adamw,sgd` as a field and its
    values.

    Raises:
        UsageError: no name or no values.
    """
    from cutaway.settings import read_value

    ranges: dict[str, Any] = {}
    for word in words:
        name, _, values = word.removeprefix("--").partition("=")
        if not (name and values):
            raise UsageError(
                "--over takes a field with a range or with values, lr=0.001..0.1 or "
                f"optimizer=adamw,nesterov, not '{word}'."
            )
        low, dots, high = values.partition("..")
        ends, parts = (read_value(low), read_value(high)), map(read_value, values.split(","))
        ranges[name.replace("-", "_")] = ends if dots and "," not in values else list(parts)
    return ranges
