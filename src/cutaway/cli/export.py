"""`cutaway export`: write a trained network in a format that others can use, verified."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, RunPath, app, emit, single


@app.command(epilog="Example: cutaway export runs/lenet5-mnist-1 --to onnx --to onnx-int8")
def export(
    run: RunPath,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="onnx, onnx-int8, pt2, safetensors, folder or web; several times for several."
        ),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file or folder; by default in RUN/exports.")
    ] = "",
    part: Annotated[
        str,
        typer.Option(help="answer, reconstruct, generate or paint; by default what its task is."),
    ] = "",
    any_size: Annotated[
        bool, typer.Option("--any-size", help="Do not resize images inside the network's file.")
    ] = False,
    int8: Annotated[
        str, typer.Option(help="How to quantise to 8 bits: auto, static, dynamic or weights.")
    ] = "auto",
    runtime: Annotated[
        str,
        typer.Option(
            help="A folder with onnxruntime-web's files, for web; by default downloaded once."
        ),
    ] = "",
    difference: Annotated[
        float | None, typer.Option(min=0, help="Largest difference of an output allowed.")
    ] = None,
    lost: Annotated[
        float | None, typer.Option(min=0, help="Largest loss of accuracy allowed, in points.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a trained network for use elsewhere, verified on all held-out images.

    Each file takes plain pixels and holds the class names: whoever opens it needs nothing else.
    One that differs from PyTorch more than it may is not left behind.
    """
    from cutaway import api
    from cutaway.show import tables
    from cutaway.show.exports import upright

    exports = api.export(
        single(run, "export"), to or ["onnx"], out=Path(out) if out else "", part=part,
        any_size=any_size, int8=int8, runtime=runtime, difference=difference, lost=lost,
    )  # fmt: skip
    if as_json:
        emit([one.check.to_dict() | {"path": str(one.path)} for one in exports])
        return
    for one in exports:
        tables.show(tables.details(upright(one.check.to_dict())))
        typer.echo(one.path)
