"""`cutaway look`: a page about the inside of a network."""

from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit


@app.command(epilog="Example: cutaway look runs/lenet5-mnist-1 --image seven.png --what why,break")
def look(
    what_of: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run, or a model's name.")],
    image: Annotated[str, typer.Option(help="A picture to show.", metavar="FILE")] = "",
    layer: Annotated[str, typer.Option(help="The layer; by default what suits each view.")] = "",
    what: Annotated[
        str,
        typer.Option(help="graph, filters, features, why, ablate, landscape, break, numbers."),
    ] = "",
    on: Annotated[
        str, typer.Option(help="Measured on val, test or train; an evaluation of test is logged.")
    ] = "",
    out: Annotated[str, typer.Option("--out", "-o", help="The page.", metavar="FILE")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Write a page about the inside of a network: graph, features, attribution, robustness.

    Of a run: look.html in its directory. Of an untrained model: MODEL.html here.
    Of some views: look-why.html or MODEL-why.html. The file is named when it is written.
    """
    from cutaway.show.look.write import look as write

    views = [name for name in what.replace(" ", "").split(",") if name]
    path = write(
        what_of, image=image or None, layer=layer, what=views, on=on, out=out,
        progress=not (quiet or as_json),
    )  # fmt: skip
    emit({"page": str(path)}) if as_json else typer.echo(path)
