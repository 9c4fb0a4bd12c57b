"""Findings that a reader must know before trusting a figure, one sentence a kind."""

from collections.abc import Collection, Iterable, Sequence

from cutaway.data.imageset import Finding

BY_SEVERITY = (
    "leak",
    "torn-group",
    "untrained-class",
    "untrained-label",
    "baseline",
    "outdone",
    "unlabelled-part",
    "empty-part",
    "division-unused",
    "share-unused",
    "table-beside",
    "inner-folders",
    "no-split",
    "two-labels",
    "several-labels",
    "alike-classes",
    "blank-class",
    "labels-joined",
    "negative-label",
    "dark",
    "varying",
    "16-bit-colour",
    "16-bit",
    "untested-class",
    "untested-label",
    "undivided-class",
    "few-tests",
    "few-for-cost",
    "labels-fixed",
    "left-out",
    "unlabelled",
    "empty-class",
    "one-class",
    "always-label",
    "never-label",
    "multi-label",
    "one-hot",
    "blank-label",
    "one-label",
    "parts",
    "stream",
    "drawn-test",
    "data-loader",
    "no-header",
    "picture-column",
    "encoding",
    "tiny-class",
    "rare-label",
    "imbalance",
)
"""Kinds of findings that affect the results, the most harmful first."""
CLASSES = ("untrained-class", "untested-class", "undivided-class", "two-labels", "tiny-class",
           "imbalance", "one-class")  # fmt: skip
"""Kinds that matter only where classes are predicted."""
DIVISION = ("leak", "torn-group", "untrained-class", "untested-class", "untrained-label",
            "untested-label")  # fmt: skip
"""Kinds of a division of the source's own, which folds replace."""
MAX_NAMES = 3
"""Number of names that a sentence about left-out files gives."""


def notable(findings: Sequence[Finding], exclude: Collection[str] = ()) -> list[tuple[str, str]]:
    """Kind and sentence of each important finding, the most harmful first.

    Args:
        exclude: kinds that do not matter to what is learned.
    """
    kinds: dict[str, list[Finding]] = {}
    for finding in (one for one in dict.fromkeys(findings) if one.kind not in exclude):
        kind = "left-out" if finding.left_out and finding.kind not in BY_SEVERITY else finding.kind
        kinds.setdefault(kind, []).append(finding)
    return [(kind, _sentence(kind, kinds[kind])) for kind in BY_SEVERITY if kind in kinds]


def left_out(findings: Sequence[Finding]) -> dict[str, str]:
    """The files and images that were left out of a set, by name, each with the reason in a word."""
    return {name: one.kind for one in findings if one.left_out for name in one.where}


def said_left_out(findings: Sequence[Finding]) -> list[str]:
    """What a reader must know of what was left out of a set: a sentence a kind."""
    return [sentence for _, sentence in notable([one for one in findings if one.left_out])]


def rank(kind: str) -> int:
    """A sort key: the most harmful kinds of findings first, other kinds last."""
    return BY_SEVERITY.index(kind) if kind in BY_SEVERITY else len(BY_SEVERITY)


def _sentence(kind: str, findings: Sequence[Finding]) -> str:
    if kind == "left-out":
        return _left_out(findings)
    if kind == "two-labels":
        return _two_labels(findings)
    return " ".join(finding.detail for finding in findings[:2])


def _two_labels(findings: Sequence[Finding]) -> str:
    """One pair for all, since there may be many."""
    first, more = findings[0], len(findings) - 1
    others = f" ({more} more such)" if more else ""
    return (
        f"{' and '.join(first.where[:2])} are alike but of several classes{others}: correct the "
        "labels, or delete the copies."
    )


def _left_out(findings: Iterable[Finding]) -> str:
    """The number of files left out, and a few with the reason."""
    reasons = {name: finding.kind for finding in findings for name in finding.where}
    examples = ", ".join(f"{name} ({reason})" for name, reason in list(reasons.items())[:MAX_NAMES])
    more = f" and {len(reasons) - MAX_NAMES} more" if len(reasons) > MAX_NAMES else ""
    subject = "1 file was" if len(reasons) == 1 else f"{len(reasons)} files were"
    return f"{subject} left out: {examples}{more}. Mend or delete them."
