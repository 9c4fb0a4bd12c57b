"""`cutaway lr`: test which learning rate suits a network and its data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.cli.app import Json, app, emit, single
from cutaway.cli.train import read_request
from cutaway.cli.words import with_recipe_options
from cutaway.errors import UsageError

if TYPE_CHECKING:
    from cutaway.learn.lr_range import RangeTest


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="Example: cutaway lr lenet5 mnist --optimizer sgd",
)
@with_recipe_options
def lr(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="A run, a model, a recipe, or the data.")
    ] = "",
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")] = "",
    recipe: Annotated[
        str, typer.Option(help="Begin with a saved recipe.toml.", metavar="FILE")
    ] = "",
    out: Annotated[str, typer.Option("--out", "-o", help="The page.", metavar="FILE")] = "",
    as_json: Json = False,
    **settings: Any,
) -> None:
    """Suggest a learning rate: a range test, whose page shows the curve.

    The rate grows from tiny to too high within 100 steps of the recipe, three times.
    Of a run: lr.html in its directory. Of a model and data: lr-MODEL-DATA.html here.
    """
    if out and not Path(out).parent.is_dir():
        raise UsageError(f"There is no folder {Path(out).parent} for {out}: make it first.")
    words = [word for word in (model, data) if word] + context.args
    test, page = _tested(words, recipe, settings)
    from cutaway.show.pages.lr import write

    path = Path(out) if out else page
    write(test, path)
    if as_json:
        emit({**test.to_dict(), "page": str(path)})
        return
    typer.echo(test.sentence)
    typer.echo(f"Page: {path.resolve().as_uri()}")


def tell(text: str) -> None:
    """Say what is going on, on standard error."""
    if text:
        typer.echo(text, err=True)


def _tested(words: list[str], recipe: str, settings: dict[str, Any]) -> "tuple[RangeTest, Path]":
    """The test, and where its page belongs."""
    from cutaway.learn.directory import plain
    from cutaway.learn.fit import range_test
    from cutaway.learn.kinds import kind_at
    from cutaway.learn.recipe import OWN
    from cutaway.planning import planned

    if words and kind_at(words[0]):
        if len(words) > 1:
            raise UsageError(f"A run has data and options of its own: leave out '{words[1]}'.")
        run = single(Path(words[0]), "test the learning rate of")
        changes = {name: value for name, value in settings.items() if value is not None}
        own = run.new_model() if run.recipe.model.startswith(OWN) else None
        beginning = run.recipe.with_options(**changes)
        test = range_test(beginning, run.images(), model=own, parts=run.split, tell=tell)
        return test, run.path / "lr.html"
    names, saved, changes = read_request(words, recipe, settings)
    plan, images = planned(saved, (*names, "", "")[:2], "", changes)
    tell(plan.why)
    test = range_test(plan.recipe, images, tell=tell)
    return test, Path(f"lr-{plain(plan.recipe.model)}-{plain(plan.recipe.data)}.html")
