"""`cutaway prove`: the claims of the course put to the test."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cutaway.cli.app import CpusOption, GpusOption, Json, OnOption, app, emit
from cutaway.errors import CutawayError, UsageError

if TYPE_CHECKING:
    from cutaway.lab.experiment import Scale


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: cutaway prove 1.3 --activation tanh --replicates 256",
)
def prove(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="CLAIM...", help="Such as 4.2, or a chapter: 4.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Embedded and generated data, minutes: the default.")
    ] = False,
    evening: Annotated[
        bool, typer.Option("--evening", help="MNIST, CIFAR-10 and rocks: three hours on two cores.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="As large as the papers: days, or many machines.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(help="Experiments at once; by default as many as cores.", min=1),
    ] = None,
    on: OnOption = "",
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    book: Annotated[
        Path | None,
        typer.Option(help="Write the book there, a page for each chapter.", metavar="DIR"),
    ] = None,
    own: Annotated[
        list[Path] | None,
        typer.Option("--claims", help="A file with claims of your own.", metavar="FILE.py"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also test again what has a result.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Test claims by experiment: all, some, or one with settings of its own.

    What has been found is kept, by the claim's own code and settings: a second call goes on where
    the first one ended, however it ended. Settings of one claim are given by name:
    cutaway prove 4.2 --depth 50
    """
    from cutaway import lab
    from cutaway.lab.proving import NoFinding
    from cutaway.show import findings
    from cutaway.workplaces.opening import opened

    added = [one.number for file in own or [] for one in lab.add(file)]
    numbers, changes = read_words(words or [])
    numbers = numbers or (added if changes else [])
    if changes and len(numbers) != 1:
        flag = "--" + next(iter(changes)).replace("_", "-")
        raise UsageError(f"{flag} cannot be given for several claims: name one claim.")
    scale, total = _scale(quick=quick, evening=evening, full=full), len(lab.claims(*numbers))
    with opened(on, cpus, gpus) as place:
        outcomes = lab.prove(
            numbers, scale=scale, again=again, changes=changes,
            processes=processes or place.slots(1), place=place,
        )  # fmt: skip
        results = list(outcomes if as_json else findings.with_progress(outcomes, total))
    if book:
        from cutaway.show.book import write

        write(results, book)
    if as_json:
        emit([findings.as_dict(one) for one in results])
    else:
        findings.show(results)
        if book:
            typer.echo(f"Book: {(book / 'index.html').resolve().as_uri()}")
    broken = [one for one in results if isinstance(one, NoFinding) and one.broken]
    if broken:
        raise CutawayError(f"Without a result: {', '.join(one.claim.number for one in broken)}.")


def _scale(**asked: bool) -> "Scale":
    chosen = [name for name, one in asked.items() if one]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} cannot both be given.")
    return cast("Scale", chosen[0]) if chosen else "quick"


def read_words(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Claims, and settings: `4.2 --depth 50 --activation=gelu`.

    Raises:
        UsageError: a setting without its value.
    """
    claims, settings, rest = [], {}, list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if not word.startswith("--"):
            claims.append(word + equals + value)
        elif equals or rest:
            settings[word[2:].replace("-", "_")] = value if equals else rest.pop(0)
        else:
            raise UsageError(f"{word} needs a value, or is not known: see cutaway prove --help.")
    return claims, settings
