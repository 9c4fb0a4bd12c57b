"""`cutaway compare`: which of several runs or fleets is better, and how certain that is."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import UsageError


@app.command(
    epilog="Example: cutaway compare runs/lenet5-digits-1 runs/lenet5-digits-2 -o page.html"
)
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Directories of runs or fleets.")
    ],
    on: Annotated[str, typer.Option(help="Part of their data: test, val or train.")] = "test",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a page.", metavar="PAGE.html")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which of several runs or fleets is better, by how much, and how sure that is.

    Each is compared with the first: fleets over their replicates, paired by seed,
    split and fold; single runs over the images that both were evaluated on.
    """
    if out and not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for {out.name}: make it first.")
    from cutaway.learn.compare import compare as compared
    from cutaway.show import comparison, tables, verdict
    from cutaway.show.pages.compare import write

    result = compared(runs, on)
    if out:
        write(result, out)
    if as_json:
        emit(result.to_dict() | {"said": verdict.sentences(result), "notes": verdict.notes(result)})
        return
    tables.show(*comparison.parts(result))
    if out:
        typer.echo(f"Page: {out.resolve().as_uri()}")
