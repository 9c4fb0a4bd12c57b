"""Putting claims to the test, one after the other or side by side."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from cutaway.errors import CutawayError
from cutaway.lab import crew, finding_cache, registry
from cutaway.lab.crew import Task
from cutaway.lab.experiment import SCALES, Claim, Finding, Scale
from cutaway.lab.library import with_sets
from cutaway.lab.registry import claims
from cutaway.workplaces import HERE, Work, Workplace


@dataclass(frozen=True)
class NoFinding:
    """A claim without a finding, and the reason.

    Attributes:
        broken: whether its experiment failed; else it lacks data or a package.
    """

    claim: Claim
    reason: str
    broken: bool = False


def prove(
    words: Iterable[str] = (),
    *,
    scale: Scale = "quick",
    again: bool = False,
    changes: Mapping[str, Any] | None = None,
    processes: int = 1,
    place: Workplace = HERE,
) -> Iterator[Finding | NoFinding]:
    """Test claims in order; each finding is written to disk before the next claim begins.

    A call that was killed goes on where it was when it is started again.

    Args:
        words: numbers of claims or chapters; all where there are none.
        scale: quick, evening or full.
        again: also what has been found before.
        changes: settings of each of them.
        processes: experiments at once. Each computes with one thread, where its claim does not ask
            for more, and times itself by what its own process spends.
        place: where these experiments are done.

    Raises:
        UsageError: an unknown claim or setting, or a value that it cannot have.
    """
    asked = [(one, one.settle(scale, **(changes or {}))) for one in claims(*words)]
    if place.apart or (processes > 1 and len(asked) > 1):
        return _side_by_side(asked, again, place, processes)
    return (test(one, settings, again) for one, settings in asked)


def _side_by_side(
    asked: list[tuple[Claim, dict[str, Any]]], again: bool, place: Workplace, processes: int
) -> Iterator[Finding | NoFinding]:
    """Only for what was not found before are processes started."""
    known = [None if again else finding_cache.load(*one) for one in asked]
    tasks = [
        Task(one.number, settings, again)
        for (one, settings), finding in zip(asked, known, strict=True)
        if finding is None
    ]
    by_number = {one.number: (one, settings) for one, settings in asked}

    def keep(task: Task, found: finding_cache.Content) -> None:
        if place.apart:  # else it lies there already
            finding_cache.keep(*by_number[task.number], found)

    own = tuple(sorted({one.file for one in registry.OWN.values()}))
    threads = {"OMP_NUM_THREADS": str(place.cpus)} if place.apart else {}
    alone = Work("cutaway.lab.worker", files=own, environment=threads)
    needing = [pair for pair, finding in zip(asked, known, strict=True) if finding is None]
    count = min(processes, len(tasks))
    with (
        with_sets(alone, needing, place) as work,
        closing(crew.answers(tasks, work, place, count, keep)) as answers,
    ):
        for (one, settings), finding in zip(asked, known, strict=True):
            if finding is None and (missing := next(answers)):
                yield NoFinding(one, *missing)
            else:
                yield finding or test(one, settings, again=False)


def test(claim: Claim, settings: dict[str, Any], again: bool) -> Finding | NoFinding:
    """Test a claim in this process, unless it was found before; the finding is left on disk."""
    if not again and (finding := finding_cache.load(claim, settings)):
        return finding
    if lacking := claim.lacks(settings):
        return NoFinding(claim, lacking)
    try:
        finding = claim.run(**settings)
    except CutawayError as error:
        return NoFinding(claim, str(error), broken=True)
    except Exception as error:  # one claim that fails leaves the others their turn
        said = f"{type(error).__name__}: {error}"
        if settings not in map(claim.settle, SCALES):
            said = f"Its experiment cannot be made with these settings ({said})."
        return NoFinding(claim, said, broken=True)
    finding_cache.save(finding)
    return finding
