"""`cutaway audit`: check images for problems."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import UsageError

SIZE = "Side in pixels of each picture's middle square; 0: chosen from the data, 128 at most."


ImageSize = Annotated[int, typer.Option(help=SIZE)]
GroupBy = Annotated[str, typer.Option(help="Regex, level:N or a column.")]
Label = Annotated[
    str, typer.Option(help="The column that holds the class; of several labels, a column each.")
]
Numbers = Annotated[
    bool, typer.Option("--numbers", help="The labels are numbers to be predicted (regression).")
]


@app.command(epilog="Example: cutaway audit photographs/ -o audit.html")
def audit(
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")],
    image_size: ImageSize = 0,
    group_by: GroupBy = "",
    label: Label = "",
    numbers: Numbers = False,
    augment: Annotated[
        str, typer.Option(help="What the page shows on ten images: crop:4+flip, module:name.")
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a page.", metavar="PAGE.html")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check images for problems before training on them.

    The page has pictures of what was found, copies side by side, each class, sizes, exposure,
    and what augmentation makes of ten images.
    """
    if augment != "auto" and not out:
        raise UsageError("--augment is for the page of an audit: add --out audit.html.")
    if out and not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for {out.name}: make it first.")
    from cutaway.data.audit import audit as examine
    from cutaway.data.sources import load
    from cutaway.show import tables

    images = load(
        data, image_size=image_size or None, group_by=group_by, label=label, numbers=numbers
    )
    result = examine(images)
    if out:
        from cutaway.show.pages.audit import write

        write(images, result, out, augment)
    emit(result.to_json()) if as_json else tables.show(*tables.audit(result))
    if out and not as_json:
        typer.echo(f"Page: {out.resolve().as_uri()}")
