"""Claims beside a room, with the lab's verdicts where it has been asked on this computer."""

from collections.abc import Iterable
from typing import Any

from cutaway.errors import UsageError
from cutaway.lab import finding_cache, proving, registry
from cutaway.lab.experiment import Claim, Scale

LOOKED_FOR: tuple[Scale, ...] = ("evening", "quick")
"""The larger experiment counts for more."""


def verdicts(numbers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """For each claim what it says, and the verdict that was found here, if one was.

    Raises:
        UsageError: there is no such claim.
    """
    return {number: _told(registry.claim(number)) for number in numbers}


def tested(number: str) -> dict[str, dict[str, Any]]:
    """The same of one claim, once its quick experiment has been made here.

    Raises:
        UsageError: it could not be made; the text says why.
    """
    claim = registry.claim(number)
    found = proving.test(claim, claim.settle("quick"), again=False)
    if isinstance(found, proving.NoFinding):
        raise UsageError(f"Claim {number} was not tested: {found.reason}.")
    return verdicts([number])


def _told(claim: Claim) -> dict[str, Any]:
    told = {"says": claim.says, "source": claim.source, "command": f"cutaway prove {claim.number}"}
    for scale in LOOKED_FOR:
        if scale == "evening" and not claim.evening:
            continue
        found = finding_cache.load(claim, claim.settle(scale))
        if found is not None:
            return told | {
                "verdict": found.verdict.value, "scale": scale, "because": found.evidence.because,
            }  # fmt: skip
    return told | {"verdict": "", "scale": "", "because": ""}
