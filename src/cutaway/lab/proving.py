"""Putting claims to the test one after the other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cutaway.errors import CutawayError
from cutaway.lab import finding_cache
from cutaway.lab.experiment import Claim, Finding
from cutaway.lab.registry import claims


@dataclass(frozen=True)
class Left:
    """A claim without a finding, and the reason.

    Attributes:
        broken: its experiment failed, and does not only lack something.
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
) -> Iterator[Finding | Left]:
    """Test claims in order; each finding is kept on disk before the next claim begins.

    So what was killed goes on where it was when it is started again.

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


def _test(claim: Claim, settings: dict[str, Any], again: bool) -> Finding | Left:
    if not again and (found := finding_cache.load(claim, settings)):
        return found
    if lacking := claim.lacks():
        return Left(claim, lacking)
    try:
        found = claim.run(**settings)
    except CutawayError as error:
        return Left(claim, str(error), broken=True)
    except Exception as error:  # one claim that fails leaves the others their turn
        said = f"{type(error).__name__}: {error}"
        if settings not in (claim.settle(full=False), claim.settle(full=True)):
            said = f"Its experiment cannot be made with these settings ({said})."
        return Left(claim, said, broken=True)
    finding_cache.save(found)
    return found
