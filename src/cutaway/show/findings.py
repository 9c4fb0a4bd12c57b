"""Findings on a terminal and as JSON."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cutaway.lab.evidence import Effect, Verdict
from cutaway.lab.experiment import Finding
from cutaway.lab.proving import NoFinding
from cutaway.lab.serialization import plain
from cutaway.show.words import capital, duration

COLOURS = {
    Verdict.HOLDS: "green",
    Verdict.LIMITED: "yellow",
    Verdict.FAILS: "red",
    Verdict.UNDECIDED: "magenta",
    Verdict.UNTESTED: "blue",
}

OPEN = (Verdict.UNDECIDED, Verdict.UNTESTED)
"""Verdicts that say what it would take to decide."""


def with_progress(
    findings: Iterable[Finding | NoFinding], total: int
) -> Iterator[Finding | NoFinding]:
    """Yield them with a line for each on standard error, and a bar below them on a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    bar = Progress(
        TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    )  # fmt: skip
    with bar if sys.stderr.isatty() else nullcontext():
        task = bar.add_task("", total=total)
        for one in findings:
            console.print(
                f"{one.claim.number:>5}  {outcome(one):18}  {one.claim.says}", markup=False
            )
            bar.advance(task)
            yield one


def show(findings: Sequence[Finding | NoFinding]) -> None:
    """A table of all claims and verdicts, and how many there are of each."""
    console = Console(highlight=False)
    if len(findings) == 1:
        _alone(console, findings[0])
    grid = Table(title="Claims", title_justify="left", header_style="bold")
    for name, more in (("claim", {}), ("claim", {"overflow": "fold"}), ("verdict", {})):
        grid.add_column(name, no_wrap=name != "claim", **more)  # type: ignore[arg-type]
    grid.add_column("seconds", justify="right")
    for one in findings:
        colour = COLOURS[one.verdict] if isinstance(one, Finding) else "dim"
        verdict = outcome(one) if isinstance(one, Finding) else "left"
        about = one.claim.says if isinstance(one, Finding) else f"{one.claim.says} [{one.reason}]"
        seconds = f"{one.seconds:.1f}" if isinstance(one, Finding) else ""
        grid.add_row(one.claim.number, _escaped(about), f"[{colour}]{verdict}[/]", seconds)
    console.print(grid)
    console.print(summary(findings), markup=False)


def summary(findings: Sequence[Finding | NoFinding]) -> str:
    """`60 hold, 14 hold with limits, ...; 9 min 3 s.`"""
    done = [one for one in findings if isinstance(one, Finding)]
    counts = [(v.value, sum(one.verdict is v for one in done)) for v in Verdict]
    counts.append(("left out", len(findings) - len(done)))
    counted = ", ".join(f"{name}: {count}" for name, count in counts if count)
    return f"{capital(counted)}. Experiments: {duration(sum(one.seconds for one in done))}."


def outcome(one: Finding | NoFinding) -> str:
    """The verdict, or why there is none."""
    return one.verdict.value if isinstance(one, Finding) else f"left: {one.reason}"


def _alone(console: Console, one: Finding | NoFinding) -> None:
    """Effects, rule and reason of a single claim."""
    if not isinstance(one, Finding):
        return
    for effect in one.evidence.effects.values():
        console.print(f"{capital(effect.what)}: {measured(effect)}", markup=False)
    rule, baseline = one.claim.rule_in_words, one.claim.baseline
    console.print(f"\nRule: {rule}\n", markup=False)
    if baseline:
        console.print(f"Baseline: {baseline}\n", markup=False)
    console.print(one.evidence.because, markup=False)
    if one.verdict in OPEN:
        console.print(f"What it would take: {takes(one)}", markup=False)
    console.print()


def takes(one: Finding) -> str:
    """The evidence that it would take to decide."""
    return one.evidence.takes or one.claim.otherwise


def measured(effect: Effect) -> str:
    """`22.3 % (95 % interval 17.6 to 27.8, n = 256)`, or the exact value."""
    unit = f" {effect.unit}" if effect.unit else ""
    if effect.exact:
        return f"{effect.value:.4g}{unit}"
    ends = f"{effect.low:.4g} to {effect.high:.4g}"
    return f"{effect.value:.4g}{unit} (95 % interval {ends}, n = {effect.n:,})"


def as_dict(one: Finding | NoFinding) -> dict[str, Any]:
    """A finding as plain data, for JSON."""
    row = {"claim": one.claim.number, "says": one.claim.says, "source": one.claim.source}
    if isinstance(one, NoFinding):
        return row | {"verdict": None, "left": one.reason, "broken": one.broken}
    return row | {
        "verdict": one.verdict.value,
        "rule": one.claim.rule_in_words,
        "baseline": one.claim.baseline,
        "revised": one.claim.revised,
        "effects": plain(one.evidence.effects),
        "because": one.evidence.because,
        "otherwise": one.claim.otherwise,
        "takes": takes(one) if one.verdict in OPEN else "",
        "tables": plain(one.evidence.tables),
        "settings": one.settings,
        "seconds": one.seconds,
        "environment": one.environment,
    }


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
