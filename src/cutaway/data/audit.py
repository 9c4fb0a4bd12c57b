"""Audit of an image set, before anything is trained on it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.copies import copies
from cutaway.data.duplicates import clusters
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.label_findings import labels_text, of_labels
from cutaway.data.masks import unseen_classes
from cutaway.data.similar_names import alike_classes
from cutaway.data.split_check import lacking, leaks, source_parts
from cutaway.data.target import Classes, Labels

TINY = 10  # a class of fewer images is called tiny: a tenth of it is no validation
UNEVEN = 10.0  # the largest class may have so many times the images of the smallest
LISTED = 20  # of one kind, so many findings, and so many images in one, are named


@dataclass(frozen=True, eq=False)
class Audit:
    """Contents and problems of an image set.

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
        noun: what one example is called.
        whole: whether they are all there is, and so were not compared.
        ranges: of numbers to be predicted, the least and the greatest of each, by name.
        labels: of several labels an image, how many there are, in words.
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
    noun: str = "image"
    whole: bool = False
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    labels: str = ""

    def summary(self) -> list[str]:
        """A few short sentences."""
        n, grid = len(self.duplicates), grid_text(self.size)
        content = self.labels or _count(len(self.counts), "class")
        if self.ranges:
            content = ", ".join(f"{k} {a:g} to {b:g}" for k, (a, b) in self.ranges.items())
        lines = [f"{_count(n, self.noun)} of {grid}, {_count(self.channels, 'channel')}, {content}"]
        if self.whole:
            subject = "It is" if n == 1 else "They are"
            return [f"{lines[0]}.", f"{subject} all there is: nothing is held out from training."]
        uneven = (
            f"the largest class has {self.imbalance:.1f} times the {self.noun}s of the smallest"
        )
        lines[0] += "." if self.ranges or self.labels else f"; {uneven}."
        likeness = {"equal": self.exact_clusters, "nearly equal": self.near_clusters}
        for word, groups in likeness.items():
            if groups:
                images = _count(sum(map(len, groups)), self.noun)
                cluster_count = _count(len(groups), "cluster")
                lines.append(
                    f"{images} in {cluster_count} of {word} ones: a split keeps them together."
                )
        if self.two_labels:
            lines.append(
                f"{_count(len(self.two_labels), 'cluster')} of alike {self.noun}s with two labels."
            )
        if self.tiny:
            kind = "label" if self.labels else "class"
            lines.append(f"{_count(len(self.tiny), kind)} of fewer than {TINY} {self.noun}s.")
        lost = {name for finding in self.findings if finding.left_out for name in finding.where}
        if lost:
            lines.append(f"{_count(len(lost), self.noun)} left out.")
        return lines if len(lines) > 1 or self.findings else [*lines, "No problems were found."]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the clusters of each kind are counted, and at most 20 given."""
        return {
            "summary": self.summary(),
            "images": len(self.duplicates),
            "noun": self.noun,
            "size": list(self.size),
            "channels": self.channels,
            "counts": self.counts,
            **({"ranges": self.ranges} if self.ranges else {}),
            "imbalance": round(self.imbalance, 3),
            "tiny": list(self.tiny),
            **{
                key: {
                    "count": len(value),
                    "first": [members[:LISTED] for members in value[:LISTED]],
                }
                for key, value in vars(self).items()
                if key in ("exact_clusters", "near_clusters", "two_labels")
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(images: ImageSet, progress: Callable[[str], None] | None = None) -> Audit:
    """Find copies, contradicting labels, leaks between parts, uneven and misspelt classes.

    Args:
        progress: told what is being looked for, in a few words.
    """
    if images.whole:
        return _audit_whole(images)
    same, alike = copies(images, progress or (lambda _: None))
    value = "value" if len(images.size) == 1 else "pixel"
    equal, every = clusters(same), clusters(alike)
    nearly = [group for group in every if len(same[group].unique()) > 1]
    # The class of a picture with a mask is no label of it.
    groups = every if isinstance(images.target, Classes | Labels) else []
    disputed = [group for group in groups if len(images.strata[group].unique(dim=0)) > 1]
    counts = np.array(images.counts())
    present = counts[counts > 0]
    tiny = tuple(images.classes[c] for c in np.flatnonzero((counts > 0) & (counts < TINY)))
    imbalance = float(present.max() / present.min()) if len(present) else 1.0
    findings = (
        *images.findings,
        *alike_classes(images.classes),
        *_groups(images, "exact-duplicate", equal, f"equal in every {value}"),
        *_groups(images, "near-duplicate", nearly, "nearly equal"),
        *_groups(images, "two-labels", _contrasted(images, disputed), _disputed(images)),
        *_divided(images, alike),
        *_of_targets(images, counts, tiny, imbalance),
    )
    return Audit(
        findings, dict(zip(images.classes, counts.tolist(), strict=True)), alike, equal, nearly,
        disputed, tiny, imbalance, images.size, images.channels, images.noun,
        ranges=_ranges(images), labels=labels_text(images) if images.labels is not None else "",
    )  # fmt: skip


def _ranges(images: ImageSet) -> dict[str, tuple[float, float]]:
    """The minimum and the maximum of each number to be predicted."""
    if images.values is None:
        return {}
    ends = zip(images.values.amin(0).tolist(), images.values.amax(0).tolist(), strict=True)
    return dict(zip(images.quantities, ends, strict=True))


def grid_text(size: tuple[int, ...]) -> str:
    """`28 x 28 pixels`, `128 values` or `8 frames of 32 x 32 pixels`."""
    if len(size) == 1:
        return f"{size[0]} values"
    frames = f"{size[0]} frames of " if len(size) == 3 else ""
    return f"{frames}{' x '.join(map(str, size[-2:]))} pixels"


def _audit_whole(images: ImageSet) -> Audit:
    """The audit of data that are all there is: nothing is kept apart, and no class is too small."""
    return Audit(
        images.findings,
        dict(zip(images.classes, images.counts(), strict=True)),
        torch.arange(len(images)),
        exact_clusters=[],
        near_clusters=[],
        two_labels=[],
        tiny=(),
        imbalance=1.0,
        size=images.size,
        channels=images.channels,
        noun=images.noun,
        whole=True,
    )


def _count(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _finding(images: ImageSet, kind: str, members: list[int], detail: str) -> Finding:
    """A finding that names the first images, and says how many more there are."""
    more = f" The first {LISTED} of {len(members)} are named." if len(members) > LISTED else ""
    return Finding(kind, tuple(images.names[i] for i in members[:LISTED]), detail + more)


def _contrasted(images: ImageSet, groups: list[list[int]]) -> list[list[int]]:
    """Clusters, each beginning with one image of each of its classes, or sets of labels."""
    ordered = []
    for group in groups:
        labels = [_label(images, i) for i in group]
        firsts = [group[labels.index(one)] for one in dict.fromkeys(labels)]
        ordered.append([*firsts, *(i for i in group if i not in firsts)])
    return ordered


def _disputed(images: ImageSet) -> str:
    return f"alike, but of several {'classes' if images.labels is None else 'sets of labels'}"


def _label(images: ImageSet, i: int) -> str:
    """The class of an image, or its labels."""
    if images.labels is None:
        return images.classes[int(images.targets[i])]
    return " and ".join(images.classes[k] for k in images.labels[i].nonzero().flatten()) or "none"


def _groups(images: ImageSet, kind: str, groups: list[list[int]], alike: str) -> list[Finding]:
    """One finding per cluster, and one that says how many more there are."""
    findings = []
    for group in groups[:LISTED]:
        labels = ""
        if kind == "two-labels":
            of = sorted({_label(images, i) for i in group})
            labels = f": {', '.join(map(repr, of[:LISTED]))}"
        detail = f"{len(group)} {images.noun}s are {alike}{labels}."
        findings.append(_finding(images, kind, group, detail))
    rest = groups[LISTED:]
    if rest:
        more = _count(len(rest), "more cluster")
        detail = f"{more} of {images.noun}s that are {alike}, not listed."
        findings.append(_finding(images, kind, [group[0] for group in rest], detail))
    return findings


def _divided(images: ImageSet, alike: Tensor) -> list[Finding]:
    """Problems of the source's own division."""
    if images.parts is None:
        return []
    side = images.parts.numpy()
    source = source_parts(side)
    return [*leaks(images, alike.numpy(), side), *lacking(images, side, source, own=True)]


def _of_targets(
    images: ImageSet, counts: np.ndarray, tiny: tuple[str, ...], imbalance: float
) -> list[Finding]:
    """Problems of the targets as a whole."""
    if images.values is not None:
        return _constant(images, images.values)
    if images.labels is not None:
        return of_labels(images)
    if images.masks is not None:
        return unseen_classes(images.masks, images.classes)
    return _uneven(images, counts, tiny, imbalance)


def _constant(images: ImageSet, values: Tensor) -> list[Finding]:
    """Values that are the same for all images."""
    same = (values == values[:1]).all(0).tolist()
    names = tuple(name for name, one in zip(images.quantities, same, strict=True) if one)
    if not names:
        return []
    detail = f"The same for all {images.noun}s, so that there is nothing to predict."
    return [Finding("constant-value", names, detail)]


def _uneven(
    images: ImageSet, counts: np.ndarray, tiny: tuple[str, ...], imbalance: float
) -> list[Finding]:
    """Classes of few images, of none, and far more of one than of another; one class only."""
    empty = tuple(images.classes[c] for c in np.flatnonzero(counts == 0))
    findings = []
    if tiny:
        sizes = {name: counts[images.classes.index(name)] for name in tiny[:LISTED]}
        few = ", ".join(f"'{name}' ({size})" for name, size in sizes.items())
        more = f" and {len(tiny) - LISTED} more" if len(tiny) > LISTED else ""
        noun = images.noun
        detail = f"Too few {noun}s to train and to test: {few}{more}. Add {noun}s, or join classes."
        findings.append(Finding("tiny-class", tiny[:LISTED], detail))
    if empty:
        detail = f"{_count(len(empty), 'class')} without a single {images.noun}."
        findings.append(Finding("empty-class", empty[:LISTED], detail))
    if imbalance >= UNEVEN:
        nonzero = torch.from_numpy(np.where(counts > 0, counts, counts.max()))
        names = images.classes[int(counts.argmax())], images.classes[int(nonzero.argmin())]
        detail = (
            f"'{names[0]}' has {imbalance:.0f} times the {images.noun}s of '{names[1]}': accuracy "
            "says little here. Read balanced accuracy and the table of classes; --class-weights "
            "balanced or --sampling balanced lets rare classes count as much."
        )
        findings.append(Finding("imbalance", names, detail))
    if (counts > 0).sum() == 1:
        detail = f"All {images.noun}s are of one class: there is nothing to classify."
        findings.append(Finding("one-class", (images.classes[int(counts.argmax())],), detail))
    return findings
