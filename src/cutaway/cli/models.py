"""`cutaway models`: list the networks."""

from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit


@app.command(epilog="Example: cutaway models dcgan")
def models(
    name: Annotated[str, typer.Argument(help="One network, with its options.")] = "",
    as_json: Json = False,
) -> None:
    """List the networks with their tasks, numbers of parameters, sources and options."""
    from cutaway.show import tables

    rows = tables.model_rows(name)
    if name:
        emit(rows[0]) if as_json else tables.show(tables.details(rows[0]))
        return
    emit(rows) if as_json else tables.show(
        tables.table("Models", rows, "model", "task", "parameters", "what")
    )
