"""What is wrong with a set of images, said before anything is trained on it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.duplicates import clusters, exact, near
from cutaway.data.imageset import PARTS, Finding, ImageSet

TINY = 10  # a class of fewer images is called tiny: a tenth of it is no validation
UNEVEN = 10.0  # the largest class may have so many times the images of the smallest
NAMED = 20  # of one kind, so many findings, and so many images in one, are named


@dataclass(frozen=True, eq=False)
class Audit:
    """What an image set holds, and what was noticed in it.

    Attributes:
        findings: everything noticed, at most 20 of a kind beside those of decoding.
        counts: images of each class, by name.
        duplicates: a cluster number for each image, as `duplicates.near` gives; `split` takes it.
        exact_clusters, near_clusters: image numbers of each cluster of two or more; a near one
            may hold exact copies, but not only such.
        two_labels: those clusters whose images have different classes.
        tiny: names of classes of 1 to 9 images.
        imbalance: images of the largest class over those of the smallest that has any.
        size: height and width in pixels; the grid, where the examples are no pictures.
        channels: 1 for grey, 3 for colour.
    """

    findings: tuple[Finding, ...]
    counts: dict[str, int]
    duplicates: Int[Tensor, " n"] = field(repr=False)
    exact_clusters: list[list[int]] = field(repr=False)
    near_clusters: list[list[int]] = field(repr=False)
    two_labels: list[list[int]] = field(repr=False)
    tiny: tuple[str, ...]
    imbalance: float
    size: tuple[int, ...]
    channels: int

    def summary(self) -> list[str]:
        """A few short sentences."""
        n, grid = sum(self.counts.values()), " x ".join(map(str, self.size))
        said = [
            f"{_some(n, 'image')} of {grid} pixels, "
            f"{_some(self.channels, 'channel')}, {_some(len(self.counts), 'class')}; the largest "
            f"class has {self.imbalance:.1f} times the images of the smallest."
        ]
        for of, what in ((self.exact_clusters, "equal"), (self.near_clusters, "nearly equal")):
            if of:
                said.append(f"{_some(sum(map(len, of)), 'image')} in {_some(len(of), 'cluster')} "
                            f"of {what} ones: a split keeps them together.")  # fmt: skip
        if self.two_labels:
            said.append(
                f"{_some(len(self.two_labels), 'cluster')} of alike images with two labels."
            )
        if self.tiny:
            said.append(f"{_some(len(self.tiny), 'class')} of fewer than {TINY} images.")
        lost = {name for finding in self.findings if finding.left_out for name in finding.where}
        if lost:
            said.append(f"{_some(len(lost), 'image')} left out.")
        return said if len(said) > 1 or self.findings else [*said, "Nothing was noticed."]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the clusters of each kind are counted, and at most 20 given."""
        return {
            "summary": self.summary(),
            "images": sum(self.counts.values()),
            "size": list(self.size),
            "channels": self.channels,
            "counts": self.counts,
            "imbalance": round(self.imbalance, 3),
            "tiny": list(self.tiny),
            **{
                key: {"count": len(value), "first": [members[:NAMED] for members in value[:NAMED]]}
                for key, value in vars(self).items()
                if key in ("exact_clusters", "near_clusters", "two_labels")
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(images: ImageSet, progress: Callable[[str], None] | None = None) -> Audit:
    """Look for copies, contradicting labels, leaks between the set's own parts and uneven classes.

    Args:
        progress: told what is being looked for, in a few words.
    """
    say = progress or (lambda _: None)
    say("looking for exact copies")
    same = exact(images.images)
    say("looking for near copies")
    alike = near(images.images)
    equal, every = clusters(same), clusters(alike)
    nearly = [group for group in every if len(same[group].unique()) > 1]
    labelled = [group for group in every if len(images.targets[group].unique()) > 1]
    counts = np.array(images.counts())
    held = counts[counts > 0]
    tiny = tuple(images.classes[c] for c in np.flatnonzero((counts > 0) & (counts < TINY)))
    imbalance = float(held.max() / held.min()) if len(held) else 1.0
    findings = (
        *images.findings,
        *_groups(images, "exact-duplicate", equal, "equal in every pixel"),
        *_groups(images, "near-duplicate", nearly, "nearly equal"),
        *_groups(images, "two-labels", labelled, "alike, but of several classes"),
        *_across(images, every),
        *_uneven(images, counts, tiny, imbalance),
    )
    return Audit(
        findings,
        dict(zip(images.classes, counts.tolist(), strict=True)),
        alike,
        equal,
        nearly,
        labelled,
        tiny,
        imbalance,
        images.size,
        images.channels,
    )


def _some(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _finding(images: ImageSet, kind: str, members: list[int], detail: str) -> Finding:
    """Names the first images, and says how many there are beside."""
    more = f" The first {NAMED} of {len(members)} are named." if len(members) > NAMED else ""
    return Finding(kind, tuple(images.names[i] for i in members[:NAMED]), detail + more)


def _groups(images: ImageSet, kind: str, groups: list[list[int]], alike: str) -> list[Finding]:
    """A finding a cluster, and one that says how many more there are."""
    findings = []
    for group in groups[:NAMED]:
        of = sorted({images.classes[c] for c in images.targets[group].tolist()})
        labels = f": {', '.join(map(repr, of[:NAMED]))}" if kind == "two-labels" else ""
        findings.append(_finding(images, kind, group, f"{len(group)} images are {alike}{labels}."))
    rest = groups[NAMED:]
    if rest:
        said = f"{_some(len(rest), 'more cluster')} of images that are {alike}, not listed."
        findings.append(_finding(images, kind, [group[0] for group in rest], said))
    return findings


def _across(images: ImageSet, groups: list[list[int]]) -> list[Finding]:
    """Validation and test images of the source that repeat one of its training images."""
    if images.parts is None:
        return []
    findings = []
    parts = [images.parts[group] for group in groups]
    for part in range(1, len(PARTS)):
        repeated = [
            i
            for group, of in zip(groups, parts, strict=True)
            if (of == 0).any()
            for i, own in zip(group, of.tolist(), strict=True)
            if own == part
        ]
        if repeated:
            detail = (
                f"{len(repeated)} of {int((images.parts == part).sum()):,} {PARTS[part]} images "
                "equal or nearly equal to a training image: accuracy is flattered by as many."
            )
            findings.append(_finding(images, "duplicate-across-parts", repeated, detail))
    return findings


def _uneven(
    images: ImageSet, counts: np.ndarray, tiny: tuple[str, ...], imbalance: float
) -> list[Finding]:
    """Classes of few images, of none, and far more of one than of another; one class only."""
    empty = tuple(images.classes[c] for c in np.flatnonzero(counts == 0))
    findings = []
    if tiny:
        few = ", ".join(f"'{name}' ({counts[images.classes.index(name)]})" for name in tiny[:NAMED])
        more = f" and {len(tiny) - NAMED} more" if len(tiny) > NAMED else ""
        said = f"Too few images to learn and to test: {few}{more}. Add images, or join classes."
        findings.append(Finding("tiny-class", tiny[:NAMED], said))
    if empty:
        said = f"{_some(len(empty), 'class')} without an image."
        findings.append(Finding("empty-class", empty[:NAMED], said))
    if imbalance >= UNEVEN:
        held = torch.from_numpy(np.where(counts > 0, counts, counts.max()))
        names = images.classes[int(counts.argmax())], images.classes[int(held.argmin())]
        said = (
            f"'{names[0]}' has {imbalance:.0f} times the images of '{names[1]}': accuracy says "
            "little here; read the table of classes."
        )
        findings.append(Finding("imbalance", names, said))
    if (counts > 0).sum() == 1:
        said = "All images are of one class: there is nothing to tell apart."
        findings.append(Finding("one-class", (images.classes[int(counts.argmax())],), said))
    return findings
