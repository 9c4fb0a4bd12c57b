"""`cutaway check`: gradients by hand beside other witnesses."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import CutawayError, UsageError

if TYPE_CHECKING:
    from cutaway.byhand.check import Checked
    from cutaway.systems import Written


@app.command(epilog="Example: cutaway check lenet5 dcgan")
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL...", help="See `cutaway models`.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every network, a row each.")] = False,
    differences: Annotated[
        int, typer.Option(min=0, help="Parameters checked by differences too, at most.")
    ] = 32,
    batch: Annotated[int, typer.Option(min=2, max=1024, help="Images in the batch.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, images and masks.")] = 0,
    as_json: Json = False,
) -> None:
    """Gradients by hand, by autograd and by central differences, layer by layer in float64.

    Errors are shares of each gradient's largest number. Bounds: 1e-6 against autograd, 1e-3
    against differences. Images above 64 pixels are checked at 64, noise in place of photographs.
    """
    from cutaway.models import MODELS, find

    if not names and not everything:
        raise UsageError("Which network? Name one (cutaway check lenet5), or all with --all.")
    if names and everything:
        raise UsageError(f"Either {names[0]} or --all: leave one of them out.")
    rows = []
    for name in [find(name).name for name in names or MODELS]:
        for one, found in _checked(name, differences, batch, seed):
            rows.append(_summary(one, found))
            if not as_json:
                _print(rows[-1], found, alone=len(names or ()) == 1, first=len(rows) == 1)
    if as_json:
        emit(rows)
    wrong = dict.fromkeys(row["model"] for row in rows if not row["agrees"])
    if wrong:
        raise CutawayError(f"The gradients disagree for {', '.join(wrong)}.")


def _checked(
    name: str, differences: int, batch: int, seed: int
) -> Iterator[tuple["Written", "Checked"]]:
    from cutaway.byhand.check import check
    from cutaway.systems import written

    for one in written(name, batch=batch, seed=seed):
        yield one, check(one.graph, *one.inputs, differences=differences, seed=seed)


def _summary(one: "Written", found: "Checked") -> dict[str, Any]:
    return {
        "model": one.model,
        "player": one.player,
        "operations": found.nodes,
        "parameters": len(found.rows),
        "by autograd": found.autograd,
        "by differences": found.differences,
        "slopes": sum(row.differences is not None for row in found.rows),
        "agrees": found.agrees,
        "layers": [asdict(row) for row in found.rows],
    }


def _print(row: dict[str, Any], found: "Checked", alone: bool, first: bool) -> None:
    """One network layer by layer; of several a line each."""
    if alone:
        from cutaway.show import tables

        tables.show(tables.checked(f"{row['model']}, {row['player']}", found))
        return
    if first:
        typer.echo(f"{'model':20}{'player':15}{'nodes':>6}  {'autograd':>9}{'differences':>13}")
    slopes = f"{row['by differences']:.1e}" if row["slopes"] else "-"
    typer.echo(
        f"{row['model']:20}{row['player']:15}{found.nodes:6}  {found.autograd:9.1e}{slopes:>13}"
        f"{'' if found.agrees else '  disagree'}"
    )
