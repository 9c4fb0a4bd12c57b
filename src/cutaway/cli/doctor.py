"""`cutaway doctor`: what is here, what is missing, and what to install."""

from dataclasses import asdict

import typer

from cutaway.cli.app import Json, app, emit

MARKS = {True: "ok", None: "-", False: "wrong"}


@app.command(epilog="Example: cutaway doctor")
def doctor(as_json: Json = False) -> None:
    """Say what this computer has for Cutaway, what it lacks, and what to do about it.

    Its exit code is 1 where something is wrong, and not only missing.
    """
    from cutaway.doctor import Finding, examine

    def line(one: Finding) -> str:
        advice = f": {one.advice}" if one.advice else ""
        return f"{MARKS[one.fine]:<6}{one.what:<11} {one.told}{advice}"

    findings = examine()
    if as_json:
        emit([asdict(one) for one in findings])
    else:
        for one in findings:
            typer.echo(line(one))
    if any(one.fine is False for one in findings):
        raise typer.Exit(1)
