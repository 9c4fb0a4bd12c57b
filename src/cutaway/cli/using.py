"""What a finished run is good for: `evaluate`, `predict`, `generate`, `report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.app import Json, RunPath, app, emit
from cutaway.errors import DataError, UsageError

if TYPE_CHECKING:
    from cutaway.learn.run import Run


@app.command(epilog="Example: cutaway evaluate runs/lenet5-digits-1 --on val")
def evaluate(
    run: RunPath,
    data: Annotated[str, typer.Argument(help="Other data with the same classes, or a part.")] = "",
    on: Annotated[str, typer.Option(help="Part of its own data: test, val or train.")] = "test",
    as_json: Json = False,
) -> None:
    """Evaluate a trained network; every evaluation of a test set is logged in the run."""
    from cutaway.learn.kinds import open_network
    from cutaway.learn.loading import part_or_data
    from cutaway.show import tables

    other, on = part_or_data(data or None, on)
    found = open_network(run).evaluate(other, on=on)
    if as_json:
        emit(found.summary() | found.details())
    else:
        tables.show(tables.evaluation(other or on, found))


def single(path: Path, wish: str) -> "Run":
    """The run at a path; of a fleet a member has to be named.

    Args:
        wish: what is done with it: `draw with`.
    """
    from cutaway.learn.kinds import open_network

    found = open_network(path).members
    if len(found) > 1:
        raise UsageError(f"{path} is a fleet: {wish} a member of it, {path}/members/000.")
    return found[0]


@app.command(epilog="Example: cutaway predict runs/lenet5-digits-1 seven.png photographs/")
def predict(
    run: RunPath,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Image files, or folders of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the masks of a segmentation network.")
    ] = Path("masks"),
    as_json: Json = False,
) -> None:
    """Predict the most probable classes of each image, its mask, or its values.

    A mask is a PNG as large as the network's input, with a palette: its values are class numbers.
    Of an image that cannot be read the answer is why not; the others are answered, and the exit
    code is 1.
    """
    from cutaway.learn.kinds import open_network
    from cutaway.show import tables

    found = open_network(run).predict(images[0] if len(images) == 1 else images, out)
    emit([one.to_dict() for one in found]) if as_json else tables.show(tables.predictions(found))
    if broken := sum(bool(one.error) for one in found):
        raise DataError(f"{broken:,} of {len(found):,} images could not be read; the others were.")


@app.command(epilog="Example: cutaway generate runs/dcgan-mnist-1 --n 64 --seed 0 -o grid.png")
def generate(
    run: RunPath,
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed: decides which ones.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", help="The PNG.")] = Path("generated.png"),
    as_json: Json = False,
) -> None:
    """Generate images with a trained VAE or GAN, side by side in one PNG."""
    from cutaway.learn.image_grid import save_picture

    if out.suffix.lower() != ".png":
        raise UsageError(f"{out} is not a name for a PNG: write -o grid.png.")
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for {out.name}: make it first.")
    save_picture(out, single(run, "generate with").generate(n, seed))
    emit({"images": n, "seed": seed, "picture": str(out)}) if as_json else typer.echo(out)


@app.command(epilog="Example: cutaway report runs/lenet5-digits-1")
def report(run: RunPath, as_json: Json = False) -> None:
    """Write the report of a finished run, fleet or search again."""
    from cutaway.learn.kinds import open_job

    path = open_job(run).report()
    emit({"report": str(path)}) if as_json else typer.echo(path)
