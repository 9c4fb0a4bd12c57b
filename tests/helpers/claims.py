"""A claim's experiment, run with small settings."""

import pytest

from cutaway import lab
from cutaway.lab.evidence import Verdict


def verdict_of(number: str, **settings: object) -> Verdict:
    """The verdict of a claim, whose evidence has figures and a reason; skips where data are not
    there."""
    claim = lab.claim(number)
    if claim.lacks():
        pytest.skip(claim.lacks())
    finding = claim.run(**settings)
    assert finding.evidence.figures
    assert finding.evidence.because
    return finding.verdict
