"""Which findings somebody must know before believing a figure, one sentence a kind."""

from collections.abc import Iterable, Sequence

from cutaway.data.imageset import Finding

HARM = (
    "leak",
    "duplicate-across-parts",
    "two-labels",
    "undivided-class",
    "varying",
    "alike-classes",
    "blank-class",
    "labels-joined",
    "negative-label",
    "dark",
    "16-bit-colour",
    "parts",
    "data-loader",
    "no-header",
    "encoding",
    "left-out",
    "empty-class",
    "one-class",
    "tiny-class",
    "imbalance",
)
"""Kinds of findings that decide what a figure is worth, the most harmful first."""
SOME = 3
"""Names that a sentence gives of what was left out."""


def notable(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Kind and sentence of what must be known, the most harmful first."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kind = "left-out" if finding.left_out else finding.kind
        kinds.setdefault(kind, []).append(finding)
    return [(kind, _sentence(kind, kinds[kind])) for kind in HARM if kind in kinds]


def rank(kind: str) -> int:
    """A sorting key: the most harmful kinds of findings first, kinds of others last."""
    return HARM.index(kind) if kind in HARM else len(HARM)


def _sentence(kind: str, findings: Sequence[Finding]) -> str:
    if kind == "left-out":
        return _left_out(findings)
    more = f" There are {len(findings) - 1} more of the kind." if len(findings) > 1 else ""
    return findings[0].detail + more


def _left_out(findings: Iterable[Finding]) -> str:
    """How many were left out, and a few with the reason."""
    reasons = {name: finding.kind for finding in findings for name in finding.where}
    named = ", ".join(f"{name} ({why})" for name, why in list(reasons.items())[:SOME])
    more = f" and {len(reasons) - SOME} more" if len(reasons) > SOME else ""
    what = "1 file was" if len(reasons) == 1 else f"{len(reasons)} files were"
    return f"{what} left out: {named}{more}. Mend or delete them."
