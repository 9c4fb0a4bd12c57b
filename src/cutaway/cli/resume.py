"""`cutaway resume`: resume a stopped run, fleet or search."""

from typing import Annotated

import typer

from cutaway.cli.app import (
    CallbackOption,
    CpusOption,
    GpusOption,
    Json,
    OnOption,
    Processes,
    RunPath,
    app,
)
from cutaway.cli.several import in_several
from cutaway.cli.train import print_run
from cutaway.together.environment import leads


@app.command(epilog="Example: cutaway resume runs/lenet5-digits-1")
def resume(
    run: RunPath,
    on: OnOption = "",
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    callback: CallbackOption = None,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    processes: Processes = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Resume what was stopped or killed; the result is bit-identical to an uninterrupted run."""
    in_several(processes)
    from cutaway import api

    progress = not (quiet or as_json)
    job = api.resume(
        run, progress=progress, callbacks=callback or (), checkpoint_every=checkpoint_every,
        on=on, cpus=cpus, gpus=gpus,
    )  # fmt: skip
    if leads():
        print_run(job, as_json)
