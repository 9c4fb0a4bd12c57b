"""`cutaway generate`: images from codes."""

from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import Json, RunPath, app, emit, single
from cutaway.errors import UsageError


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
