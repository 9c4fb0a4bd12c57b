"""`cutaway evaluate`: evaluate a network."""

from typing import Annotated

import typer

from cutaway.cli.app import Json, RunPath, Views, app, emit


@app.command(epilog="Example: cutaway evaluate runs/lenet5-digits-1 --on val")
def evaluate(
    run: RunPath,
    data: Annotated[str, typer.Argument(help="Other data with the same classes, or a part.")] = "",
    on: Annotated[str, typer.Option(help="Part of its own data: test, val or train.")] = "test",
    tta: Views = False,
    as_json: Json = False,
) -> None:
    """Evaluate a trained network; every evaluation of a test set is logged in the run."""
    from cutaway.data.finding_notes import left_out
    from cutaway.learn.kinds import open_network
    from cutaway.learn.loading import load_other, part_or_data
    from cutaway.learn.run import Run
    from cutaway.show import tables

    other, on = part_or_data(data or None, on)
    network = open_network(run)
    read = None
    if other and isinstance(network, Run):
        read = load_other(other, network.data, network.recipe.label)
    if tta:
        from cutaway.learn.views import viewed

        evaluation = viewed(network).evaluate(read or other, on=on, why="asked, with --tta")
    else:
        evaluation = network.evaluate(read or other, on=on)
    if as_json:
        lost = {"left_out": left_out(read.findings)} if read else {}
        emit({**evaluation.summary(), **evaluation.details(), **lost})
    else:
        tables.show(*(tables.left_out(read) if read else ()))
        tables.show(tables.evaluation(other or on, evaluation))
