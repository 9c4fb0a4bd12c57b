"""What an audit says of several labels an image: how many, and labels too rare to learn."""

import torch

from cutaway.data.imageset import Finding, ImageSet

RARE = 10
"""A label of fewer images is rare: a tenth of them is no validation."""
LISTED = 20


def labels_text(images: ImageSet) -> str:
    """`10 labels, 1.8 an image and 12 images without any`."""
    assert images.labels is not None
    each = images.labels.sum(1, dtype=torch.long)
    none = int((each == 0).sum())
    noun = images.noun
    without = f" and {none:,} {noun}s without any" if none else ""
    return f"{images.labels.shape[1]} labels, {each.double().mean():.1f} for each {noun}{without}"


def of_labels(images: ImageSet) -> list[Finding]:
    """Labels that no image has, that all have, or that few images have or lack."""
    noun, n, counts = images.noun, len(images), images.counts()
    by_count = dict(zip(images.classes, counts, strict=True))
    always = tuple(name for name, count in by_count.items() if count == n)
    never = tuple(name for name, count in by_count.items() if count == 0)
    rare = {k: v for k, v in by_count.items() if 0 < v < RARE}
    common = {k: n - v for k, v in by_count.items() if 0 < n - v < RARE}
    few, lacking = (
        ", ".join(f"'{name}' ({count})" for name, count in [*some.items()][:LISTED])
        for some in (rare, common)
    )
    several = (images.labels is not None) and bool((images.labels.sum(1) > 1).any())
    return [
        *_finding("never-label", never, f"No {noun} has the label {_quoted(never)}: leave it out."),
        *_finding(
            "always-label", always,
            f"Every {noun} has the label {_quoted(always)}: there is nothing to tell of it.",
        ),
        *_finding(
            "rare-label", tuple(rare),
            f"Too few {noun}s to train and to test: {few}. Add {noun}s, or leave the label out.",
        ),
        *_finding(
            "common-label", tuple(common), f"Nearly all {noun}s have a label, but: {lacking}."
        ),
        *_finding(
            "one-label", images.classes if not several else (),
            f"No {noun} has more than one label: if each has exactly one, learn classes.",
        ),
    ]  # fmt: skip


def _finding(kind: str, names: tuple[str, ...], detail: str) -> list[Finding]:
    return [Finding(kind, names[:LISTED], detail)] if names else []


def _quoted(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(repr, names[:LISTED])) + more
