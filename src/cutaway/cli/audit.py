"""`cutaway audit`: check images for problems."""

from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit

SIZE = "Side in pixels of each picture's middle square; 0: chosen from the data, 128 at most."


@app.command(epilog="Example: cutaway audit photographs/ --json")
def audit(
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")],
    image_size: Annotated[int, typer.Option(help=SIZE)] = 0,
    group_by: Annotated[str, typer.Option(help="Regex, level:N or a column.")] = "",
    label: Annotated[
        str, typer.Option(help="The column that holds the class; of several labels, a column each.")
    ] = "",
    numbers: Annotated[
        bool, typer.Option("--numbers", help="The labels are numbers to be predicted (regression).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check images for problems before training on them."""
    from cutaway.data.audit import audit as examine
    from cutaway.data.sources import load
    from cutaway.show import tables

    images = load(
        data, image_size=image_size or None, group_by=group_by, label=label, numbers=numbers
    )
    result = examine(images)
    emit(result.to_json()) if as_json else tables.show(*tables.audit(result))
