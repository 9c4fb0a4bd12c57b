"""`cutaway sort`: group images that look alike, as a start for labelling."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import UsageError


@app.command(epilog="Example: cutaway sort photographs/ --groups 6 --into sorted")
def sort(
    data: Annotated[str, typer.Argument(help="A folder of pictures; labels are not needed.")],
    groups: Annotated[int, typer.Option(help="How many groups; 0: chosen from the data.")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The page; the table is beside it, .csv.")
    ] = Path("groups.html"),
    into: Annotated[
        Path | None, typer.Option(help="Copy the files into a folder for each group.")
    ] = None,
    image_size: Annotated[int, typer.Option(help="Side in pixels; 0: chosen from the data.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite the page and the table at --out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Group images that look alike, as a start for labelling them.

    Nothing is moved: the page shows the groups, a table names the group of each image,
    and --into copies the files into folders that can be renamed to classes.
    """
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for {out.name}: make it first.")
    if out.suffix == ".csv":
        raise UsageError(f"--out names the page, {out.with_suffix('.html')}; the table is beside.")
    from cutaway.learn.answer_files import refuse_existing

    table = out.with_suffix(".csv")
    for place in (out, table):
        refuse_existing(place, overwrite)
    if into and into.exists() and not (into.is_dir() and not any(into.iterdir())):
        raise UsageError(
            f"{into} is there and not an empty folder; what it holds would mix with other groups: "
            "choose another --into."
        )
    from cutaway.data.finding_notes import left_out
    from cutaway.data.unlabelled import load_unlabelled
    from cutaway.files import write_whole
    from cutaway.learn.grouping import group_images, sort_groups
    from cutaway.show import groups as shown
    from cutaway.show import tables
    from cutaway.show.progress import reading

    with reading(not as_json) as progress:
        images = load_unlabelled(data, image_size or None, progress)
        found = group_images(images, groups, progress)
    if into:
        sort_groups(into, images, found)
    write_whole(table, shown.spreadsheet(images, found))
    write_whole(out, shown.page(images, found, str(table), str(into or "")))
    if as_json:
        sizes = dict(zip(found.names, map(len, found.members), strict=True))
        emit(
            {
                "images": len(images),
                "left_out": left_out(images.findings),
                "groups": sizes,
                "page": str(out),
                "table": str(table),
            }
        )
        return
    tables.show(*tables.left_out(images), *shown.parts(images, found))
    typer.echo(f"Table: {table}\nPage:  {out.resolve().as_uri()}")
