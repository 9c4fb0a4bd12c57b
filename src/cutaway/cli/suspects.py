"""`cutaway suspects`: find images whose label may be wrong."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.errors import UsageError


@app.command(epilog="Example: cutaway suspects photographs/ -o suspects.html")
def suspects(
    data: Annotated[str, typer.Argument(help="A data set, a folder, a table, or a run.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The page; the table is beside it, .csv.")
    ] = Path("suspects.html"),
    image_size: Annotated[int, typer.Option(help="Side in pixels; 0: chosen from the data.")] = 0,
    label: Annotated[str, typer.Option(help="The column that holds the class.")] = "",
    group_by: Annotated[
        str,
        typer.Option(
            help="Never judge an image by others of its group: regex, level:N or a column, as in "
            "training."
        ),
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite a table that may hold corrections.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find images whose label may be wrong, on a page and in a table to correct.

    Write the right classes into the table's column correct_label, and train with them:
    cutaway train photographs/ --fix suspects.csv
    A fleet of folds (train --folds 5) is asked for its own networks' answers.
    """
    table = out.with_suffix(".csv")
    check_places(out, table, overwrite)
    from cutaway.data.finding_notes import left_out
    from cutaway.files import write_whole
    from cutaway.learn.suspects import suspects_of
    from cutaway.show import suspects as shown
    from cutaway.show import tables
    from cutaway.show.progress import reading

    with reading(not as_json) as progress:
        images, found = suspects_of(data, image_size or None, label, group_by, progress)
    rows = shown.listed(images, found)
    write_whole(out, shown.page(images, found, str(table), again(data, label, group_by)))
    write_whole(table, shown.spreadsheet(rows))
    if as_json:
        listed = [{k: v for k, v in asdict(one).items() if k != "at"} for one in rows]
        emit(
            {
                "images": len(images),
                "left_out": left_out(images.findings),
                "suspects": listed,
                "page": str(out),
                "table": str(table),
            }
        )
        return
    tables.show(*tables.left_out(images), *shown.parts(images, found))
    typer.echo(f"Table: {table}\nPage:  {out.resolve().as_uri()}")


def again(data: str, label: str, group_by: str) -> str:
    """The command that trains on the data as they were read here, those of a run on its own."""
    from cutaway.learn.kinds import kind_at, open_job

    if kind_at(data):
        recipe = open_job(data).recipe
        data, label, group_by = recipe.data, recipe.label, recipe.group_by
    options = {"--label": label, "--group-by": group_by}
    given = [word for name, value in options.items() if value for word in (name, value)]
    return shlex.join(["cutaway", "train", data, *given])


def check_places(page: Path, table: Path, overwrite: bool) -> None:
    """Refuse a place that does not exist, and a table that somebody may have filled in."""
    if not page.parent.is_dir():
        raise UsageError(f"There is no folder {page.parent} for {page.name}: make it first.")
    if page == table:
        raise UsageError(f"--out names the page, {page.with_suffix('.html')}; the table is beside.")
    from cutaway.data.corrections import filled_in

    if table.is_file() and not overwrite and filled_in(table):
        raise UsageError(
            f"{table} exists already and may hold corrections, so it is not overwritten: choose "
            "another --out, move it away, or add --overwrite."
        )
