"""The front door: `cutaway train`, `resume`, `evaluate`, `predict`, `report`, `audit`, ...

Nothing heavy is imported before a command needs it.
"""

import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from cutaway.errors import CutawayError, UsageError, nearest
from cutaway.learn.recipe import Recipe, read_recipe

app = typer.Typer(
    help="Deep learning with the casing cut away: train it, see inside it, prove it, ship it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory.")]


def with_recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one text option for each field of `Recipe`, except model and data."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    extra = [
        inspect.Parameter(
            spec.name, inspect.Parameter.KEYWORD_ONLY, default=None,
            annotation=Annotated[str | None, typer.Option(
                help=spec.metadata["help"], rich_help_panel=f"Recipe: {spec.metadata['panel']}",
                show_default=False, metavar="VALUE",
            )],
        )
        for spec in fields(Recipe) if spec.name not in ("model", "data")
    ]  # fmt: skip
    command.__signature__ = signature.replace(parameters=[*own, *extra])  # type: ignore[attr-defined]
    return command


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
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    """Train a network, test it once and write a report.

    Without arguments: LeNet-5 on 1,797 handwritten digits, in seconds, with no download.
    Options of the model are given by name too: cutaway train mlp mnist --widths 300-100
    """
    model, data, own = read_words([word for word in (model, data) if word] + context.args)
    changes = {k: v for k, v in settings.items() if v is not None} | own
    if recipe:
        beginning = read_recipe(Path(recipe))
        changes |= {k: v for k, v in (("model", model), ("data", data)) if v}
    else:
        from cutaway.recipes import starting_point

        beginning = starting_point(*filter(None, (model, data)))
    from cutaway import api

    beginning = api.change(beginning, changes)
    progress = not (quiet or as_json)
    run = api.fit(
        beginning.model, beginning.data, recipe=beginning, out=out,
        progress=progress, checkpoint_every=checkpoint_every,
    )  # fmt: skip
    print_run(run, as_json)


def read_words(words: list[str]) -> tuple[str, str, dict[str, Any]]:
    """Model, data and the model's own options, out of what is no option of the command.

    Raises:
        UsageError: a flag that neither a recipe nor the model knows, one without a value, or a
            third argument.
    """
    from cutaway.learn.recipe import read_value

    plain, flags, rest = [], {}, list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if not word.startswith("--"):
            plain.append(word + equals + value)
        elif equals or rest:
            flags[word] = read_value(value if equals else rest.pop(0))
        else:
            raise UsageError(f"{word} lacks its value, or is not known.{nearest_flag(word, '')}")
    if len(plain) > 2:
        raise UsageError(f"There is one argument too many: '{plain[2]}'.")
    model, data = (*plain, "", "")[:2]
    for flag in flags:
        if flag[2:].replace("-", "_") not in own_options(model):
            raise UsageError(f"There is no option {flag}.{nearest_flag(flag, model)}")
    return model, data, {flag[2:].replace("-", "_"): value for flag, value in flags.items()}


def own_options(model: str) -> dict[str, Any]:
    from cutaway.models import MODELS

    return MODELS[model].options if model in MODELS else {}


def nearest_flag(flag: str, model: str) -> str:
    names = {spec.name for spec in fields(Recipe)} | set(own_options(model)) | {"recipe", "out"}
    return nearest(flag, {"--" + name.replace("_", "-") for name in names})


@app.command(epilog="Example: cutaway resume runs/lenet5-digits-1")
def resume(
    run: RunPath,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped or killed; its end is the same to the bit."""
    from cutaway import api

    progress = not (quiet or as_json)
    print_run(api.resume(run, progress=progress, checkpoint_every=checkpoint_every), as_json)


@app.command(epilog="Example: cutaway evaluate runs/lenet5-digits-1 --on val")
def evaluate(
    run: RunPath,
    data: Annotated[str, typer.Argument(help="Other data with the same classes.")] = "",
    on: Annotated[str, typer.Option(help="Part of its own data: test, val or train.")] = "test",
    as_json: Json = False,
) -> None:
    """Measure a trained network; every look at a test set is logged in the run."""
    from cutaway.learn.run import Run
    from cutaway.show import tables

    found = Run(run).evaluate(data or None, on=on)

    if as_json:
        emit(found.summary() | {"classes": found.per_class()})
    else:
        tables.show(tables.evaluation(data or on, found))


@app.command(epilog="Example: cutaway predict runs/lenet5-digits-1 seven.png")
def predict(
    run: RunPath,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    as_json: Json = False,
) -> None:
    """The five most probable classes of each image."""
    from cutaway.learn.run import Run
    from cutaway.show import tables

    found = Run(run).predict(list(images))
    if as_json:
        emit([{"image": p.name, "top": [list(pair) for pair in p.top]} for p in found])
    else:
        tables.show(tables.predictions(found))


@app.command(epilog="Example: cutaway report runs/lenet5-digits-1")
def report(run: RunPath, as_json: Json = False) -> None:
    """Write the report of a finished run again."""
    from cutaway import api
    from cutaway.learn.run import Run

    path = api.report(Run(run))
    emit({"report": str(path)}) if as_json else typer.echo(path)


@app.command(epilog="Example: cutaway audit photographs/ --json")
def audit(
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")],
    image_size: Annotated[int, typer.Option(help="Side in pixels; 0: as they are.")] = 0,
    group_by: Annotated[str, typer.Option(help="Regex, level:N or a column.")] = "",
    label: Annotated[str, typer.Option(help="The column that holds the class.")] = "",
    as_json: Json = False,
) -> None:
    """Look for what is wrong with images before training on them."""
    from cutaway.data.audit import audit as examine
    from cutaway.data.sources import load
    from cutaway.show import tables

    found = examine(load(data, image_size=image_size or None, group_by=group_by, label=label))
    emit(found.to_json()) if as_json else tables.show(*tables.audit(found))


@app.command(epilog="Example: cutaway models --json")
def models(as_json: Json = False) -> None:
    """The networks, with their sources and numbers of parameters."""
    from cutaway.show import tables

    rows = tables.model_rows()
    emit(rows) if as_json else tables.show(
        tables.table("Models", rows, "model", "what", "parameters", "data", "options")
    )


@app.command(epilog="Example: cutaway data")
def data(as_json: Json = False) -> None:
    """The data sets that are known by name."""
    from cutaway.show import tables

    rows = tables.data_rows()
    emit(rows) if as_json else tables.show(
        tables.table("Data sets", rows, "data", "what", "images", "classes", "here")
    )


def print_run(run: Any, as_json: bool) -> None:
    """What a finished run came to, and where it is."""
    from cutaway.show import tables

    page = run.path / "report.html"
    if as_json:
        emit({"run": str(run.path), "report": str(page), **run.results})
        return
    tables.show(tables.results(run))
    typer.echo(f"Run:    {run.path}")
    typer.echo(f"Report: {page.resolve().as_uri()}")


def emit(value: Any) -> None:
    """Print JSON on standard output."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def main() -> None:
    """Run a command; a failure is one sentence and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
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


if __name__ == "__main__":
    main()
