"""`cutaway check`: gradients by hand beside autograd and central differences."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import CutawayError, UsageError

if TYPE_CHECKING:
    from cutaway.byhand.check import Checked
    from cutaway.systems import SystemGraph


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
        for system, result in _checked(name, differences, batch, seed):
            rows.append(_summary(system, result))
            if not as_json:
                _print(rows[-1], result, alone=len(names or ()) == 1, first=len(rows) == 1)
    if as_json:
        emit(rows)
    wrong = dict.fromkeys(row["model"] for row in rows if not row["agrees"])
    if wrong:
        raise CutawayError(f"The gradients disagree for {', '.join(wrong)}.")


def _checked(
    name: str, differences: int, batch: int, seed: int
) -> Iterator[tuple["SystemGraph", "Checked"]]:
    from cutaway.byhand.check import check
    from cutaway.systems import system_graphs

    for system in system_graphs(name, batch=batch, seed=seed):
        yield (
            system,
            check(system.graph, *system.inputs, differences=differences, seed=seed),
        )


def _summary(system: "SystemGraph", result: "Checked") -> dict[str, Any]:
    return {
        "model": system.model,
        "player": system.player,
        "operations": result.nodes,
        "parameters": len(result.rows),
        "by autograd": result.autograd,
        "by differences": result.differences,
        "slopes": sum(row.differences is not None for row in result.rows),
        "agrees": result.agrees,
        "layers": [asdict(row) for row in result.rows],
    }


def _print(row: dict[str, Any], result: "Checked", alone: bool, first: bool) -> None:
    """Print one network layer by layer; of several a line each."""
    if alone:
        from cutaway.show import tables

        tables.show(tables.checked(f"{row['model']}, {row['player']}", result))
        return
    if first:
        typer.echo(f"{'model':20}{'player':15}{'nodes':>6}  {'autograd':>9}{'differences':>13}")
    slopes = f"{row['by differences']:.1e}" if row["slopes"] else "-"
    typer.echo(
        f"{row['model']:20}{row['player']:15}{result.nodes:6}  {result.autograd:9.1e}{slopes:>13}"
        f"{'' if result.agrees else '  disagree'}"
    )
