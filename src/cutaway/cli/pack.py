"""`cutaway pack`: write data in shards, to be learned from where they lie."""

from typing import Annotated

import typer

from cutaway.cli.app import Json, app, emit
from cutaway.cli.audit import GroupBy, ImageSize, Label, Numbers


@app.command(epilog="Example: cutaway pack photographs/ s3://bucket/packed --image-size 128")
def pack(
    data: Annotated[str, typer.Argument(help="A data set, a folder, a table or an address.")],
    to: Annotated[str, typer.Argument(help="The folder to be written: s3://bucket/packed.")],
    image_size: ImageSize = 0,
    group_by: GroupBy = "",
    label: Label = "",
    numbers: Numbers = False,
    val: Annotated[float, typer.Option(help="Share of the validation images; 0: none.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of the test images; 0: none.")] = 0.2,
    split_seed: Annotated[int, typer.Option(help="The seed of the split.")] = 0,
    shard_size: Annotated[float, typer.Option(help="Megabytes of pixels in a shard.")] = 16.0,
    as_json: Json = False,
) -> None:
    """Write data once in shards, to be learned from where they lie.

    The images are decoded, audited and divided; the index tells what was found and the split.
    Training fetches the shards as it needs them: memory and the local cache stay small.
    """
    from cutaway.data.remote.bounded import size_text
    from cutaway.data.remote.write import write
    from cutaway.data.sources import load
    from cutaway.show.progress import reading

    with reading(not as_json) as progress:
        images = load(
            data, image_size=image_size or None, group_by=group_by, label=label, numbers=numbers,
            progress=progress,
        )  # fmt: skip
    with reading(not as_json, "writing shards") as written:
        made = write(
            images, to, val=val, test=test, seed=split_seed, shard_size=shard_size,
            progress=written,
        )  # fmt: skip
    index = made.index
    if as_json:
        about = {"images": index.shape[0], "shards": len(index.shards), "bytes": made.bytes}
        emit({"data": to, **about, "split": index.split, "findings": index.findings})
        return
    kept = f", {size_text(made.kept)} of them there already" if made.kept else ""
    shards = f"{len(index.shards):,} shard{'s' * (len(index.shards) > 1)}"
    typer.echo(
        f"Packed {index.shape[0]:,} {images.noun}s of {data} in {shards} "
        f"({size_text(made.bytes)}{kept}): {index.split['train']:,} to train on, "
        f"{index.split['val']:,} to validate and {index.split['test']:,} to test."
    )
    typer.echo(f"Next:   cutaway train {to}")
