"""`cutaway data`: list the known data sets."""

from cutaway.cli.app import Json, app, emit


@app.command(epilog="Example: cutaway data")
def data(as_json: Json = False) -> None:
    """List the data sets that are known by name."""
    from cutaway.show import tables

    rows = tables.data_rows()
    emit(rows) if as_json else tables.show(
        tables.table("Data sets", rows, "data", "what", "images", "classes", "here")
    )
