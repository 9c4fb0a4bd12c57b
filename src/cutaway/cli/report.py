"""`cutaway report`: write the report of a finished run, fleet or search again."""

import typer

from cutaway.cli.app import Json, RunPath, app, emit


@app.command(epilog="Example: cutaway report runs/lenet5-digits-1")
def report(run: RunPath, as_json: Json = False) -> None:
    """Write the report of a finished run, fleet or search again."""
    from cutaway.learn.kinds import open_job

    path = open_job(run).report()
    emit({"report": str(path)}) if as_json else typer.echo(path)
