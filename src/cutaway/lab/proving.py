"""Putting claims to the test one after the other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cutaway.errors import CutawayError
from cutaway.lab import finding_cache
from cutaway.lab.experiment import Claim, Finding
from cutaway.lab.registry import claims


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
    full: bool = False,
    again: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Iterator[Finding | NoFinding]:
    """Test claims in order; each finding is written to disk before the next claim begins.

    A call that was killed goes on where it was when it is started again.

    Args:
        words: numbers of claims or chapters; all where there are none.
        full: with the settings of the full experiment.
        again: also what has been found before.
        changes: settings of each of them.

    Raises:
        UsageError: an unknown claim or setting, or a value that it cannot have.
    """
    asked = [(one, one.settle(full, **(changes or {}))) for one in claims(*words)]
    return (_test(one, settings, again) for one, settings in asked)


def _test(claim: Claim, settings: dict[str, Any], again: bool) -> Finding | NoFinding:
    if not again and (finding := finding_cache.load(claim, settings)):
        return finding
    if lacking := claim.lacks():
        return NoFinding(claim, lacking)
    try:
        finding = claim.run(**settings)
    except CutawayError as error:
        return NoFinding(claim, str(error), broken=True)
    except Exception as error:  # one claim that fails leaves the others their turn
        said = f"{type(error).__name__}: {error}"
        if settings not in (claim.settle(full=False), claim.settle(full=True)):
            said = f"Its experiment cannot be made with these settings ({said})."
        return NoFinding(claim, said, broken=True)
    finding_cache.save(finding)
    return finding
