"""`cutaway predict`: predict for images."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, RunPath, app, emit
from cutaway.errors import DataError


@app.command(epilog="Example: cutaway predict runs/lenet5-digits-1 seven.png photographs/")
def predict(
    run: RunPath,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Image files, or folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the masks of a segmentation network.")
    ] = Path("masks"),
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Tell the set of classes, too, that holds the true one for this share of images: "
            "0.95.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the most probable classes of each image, its mask, or its values.

    A mask is a PNG as large as the network's input, with a palette: its values are class numbers.
    Of an image that cannot be read the answer is why not; the others are answered, and the exit
    code is 1.
    """
    from cutaway.learn.kinds import open_network
    from cutaway.show import tables

    wanted = images[0] if len(images) == 1 else images
    predictions = open_network(run).predict(wanted, out, coverage)
    emit([one.to_dict() for one in predictions]) if as_json else tables.show(
        tables.predictions(predictions)
    )
    if broken := sum(bool(one.error) for one in predictions):
        raise DataError(
            f"{broken:,} of {len(predictions):,} images could not be read; the others were."
        )
