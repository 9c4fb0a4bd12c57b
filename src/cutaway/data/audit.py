"""What is wrong with a set of images, said before anything is trained on it."""

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
from cutaway.data.similar_names import alike_classes
from cutaway.data.split_check import given, lacking, leaks
from cutaway.data.target import Classes

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
        noun: what one example is called.
        whole: whether they are all there is, and so were not compared.
        ranges: of numbers to be predicted, the least and the greatest of each, by name.
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

    def summary(self) -> list[str]:
        """A few short sentences."""
        n, grid = len(self.duplicates), grid_text(self.size)
        told = _some(len(self.counts), "class")
        if self.ranges:
            told = ", ".join(f"{k} {low:g} to {high:g}" for k, (low, high) in self.ranges.items())
        said = [f"{_some(n, self.noun)} of {grid}, {_some(self.channels, 'channel')}, {told}"]
        if self.whole:
            who = "It is" if n == 1 else "They are"
            return [f"{said[0]}.", f"{who} all there is: nothing is held out from training."]
        uneven = (
            f"the largest class has {self.imbalance:.1f} times the {self.noun}s of the smallest"
        )
        said[0] += "." if self.ranges else f"; {uneven}."
        for of, what in ((self.exact_clusters, "equal"), (self.near_clusters, "nearly equal")):
            if of:
                said.append(f"{_some(sum(map(len, of)), self.noun)} in {_some(len(of), 'cluster')} "
                            f"of {what} ones: a split keeps them together.")  # fmt: skip
        if self.two_labels:
            said.append(
                f"{_some(len(self.two_labels), 'cluster')} of alike {self.noun}s with two labels."
            )
        if self.tiny:
            said.append(f"{_some(len(self.tiny), 'class')} of fewer than {TINY} {self.noun}s.")
        lost = {name for finding in self.findings if finding.left_out for name in finding.where}
        if lost:
            said.append(f"{_some(len(lost), self.noun)} left out.")
        return said if len(said) > 1 or self.findings else [*said, "No problems were found."]

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
                key: {"count": len(value), "first": [members[:NAMED] for members in value[:NAMED]]}
                for key, value in vars(self).items()
                if key in ("exact_clusters", "near_clusters", "two_labels")
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(images: ImageSet, progress: Callable[[str], None] | None = None) -> Audit:
    """Look for copies, contradicting labels, leaks between parts, uneven and misspelt classes.

    Args:
        progress: told what is being looked for, in a few words.
    """
    if images.whole:
        return _of_all_there_is(images)
    same, alike = copies(images, progress or (lambda _: None))
    value = "value" if len(images.size) == 1 else "pixel"
    equal, every = clusters(same), clusters(alike)
    nearly = [group for group in every if len(same[group].unique()) > 1]
    # The class of a picture with a mask is no label of it.
    told = every if isinstance(images.target, Classes) else []
    labelled = [group for group in told if len(images.targets[group].unique()) > 1]
    counts = np.array(images.counts())
    held = counts[counts > 0]
    tiny = tuple(images.classes[c] for c in np.flatnonzero((counts > 0) & (counts < TINY)))
    imbalance = float(held.max() / held.min()) if len(held) else 1.0
    findings = (
        *images.findings,
        *alike_classes(images.classes),
        *_groups(images, "exact-duplicate", equal, f"equal in every {value}"),
        *_groups(images, "near-duplicate", nearly, "nearly equal"),
        *_groups(
            images, "two-labels", _contrasted(images, labelled), "alike, but of several classes"
        ),
        *_divided(images, alike),
        *_of_targets(images, counts, tiny, imbalance),
    )
    return Audit(
        findings, dict(zip(images.classes, counts.tolist(), strict=True)), alike, equal, nearly,
        labelled, tiny, imbalance, images.size, images.channels, images.noun,
        ranges=_ranges(images),
    )  # fmt: skip


def _ranges(images: ImageSet) -> dict[str, tuple[float, float]]:
    """The least and the greatest of each number to be predicted."""
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


def _of_all_there_is(images: ImageSet) -> Audit:
    """There is nothing to keep apart, and no class too small."""
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


def _some(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _finding(images: ImageSet, kind: str, members: list[int], detail: str) -> Finding:
    """Names the first images, and says how many there are beside."""
    more = f" The first {NAMED} of {len(members)} are named." if len(members) > NAMED else ""
    return Finding(kind, tuple(images.names[i] for i in members[:NAMED]), detail + more)


def _contrasted(images: ImageSet, groups: list[list[int]]) -> list[list[int]]:
    """Clusters with an image of each of their classes before the others."""
    found = []
    for group in groups:
        targets = images.targets[group].tolist()
        firsts = [group[targets.index(c)] for c in dict.fromkeys(targets)]
        found.append([*firsts, *(i for i in group if i not in firsts)])
    return found


def _groups(images: ImageSet, kind: str, groups: list[list[int]], alike: str) -> list[Finding]:
    """A finding a cluster, and one that says how many more there are."""
    findings = []
    for group in groups[:NAMED]:
        labels = ""
        if kind == "two-labels":
            of = sorted({images.classes[c] for c in images.targets[group].tolist()})
            labels = f": {', '.join(map(repr, of[:NAMED]))}"
        said = f"{len(group)} {images.noun}s are {alike}{labels}."
        findings.append(_finding(images, kind, group, said))
    rest = groups[NAMED:]
    if rest:
        said = f"{_some(len(rest), 'more cluster')} of {images.noun}s that are {alike}, not listed."
        findings.append(_finding(images, kind, [group[0] for group in rest], said))
    return findings


def _divided(images: ImageSet, alike: Tensor) -> list[Finding]:
    """What is wrong with the source's own division."""
    if images.parts is None:
        return []
    side = images.parts.numpy()
    own = given(side)
    return [*leaks(images, alike.numpy(), side), *lacking(images, side, own, own=True)]


def _of_targets(
    images: ImageSet, counts: np.ndarray, tiny: tuple[str, ...], imbalance: float
) -> list[Finding]:
    """What is wrong with the targets as a whole."""
    if images.values is not None:
        return _constant(images, images.values)
    if images.masks is not None:
        return _unseen(images)
    return _uneven(images, counts, tiny, imbalance)


def _constant(images: ImageSet, values: Tensor) -> list[Finding]:
    """Numbers that are the same for all."""
    same = (values == values[:1]).all(0).tolist()
    names = tuple(name for name, one in zip(images.quantities, same, strict=True) if one)
    if not names:
        return []
    said = f"The same for all {images.noun}s, so that there is nothing to predict."
    return [Finding("constant-value", names, said)]


def _uneven(
    images: ImageSet, counts: np.ndarray, tiny: tuple[str, ...], imbalance: float
) -> list[Finding]:
    """Classes of few images, of none, and far more of one than of another; one class only."""
    empty = tuple(images.classes[c] for c in np.flatnonzero(counts == 0))
    findings = []
    if tiny:
        few = ", ".join(f"'{name}' ({counts[images.classes.index(name)]})" for name in tiny[:NAMED])
        more = f" and {len(tiny) - NAMED} more" if len(tiny) > NAMED else ""
        noun = images.noun
        said = f"Too few {noun}s to train and to test: {few}{more}. Add {noun}s, or join classes."
        findings.append(Finding("tiny-class", tiny[:NAMED], said))
    if empty:
        said = f"{_some(len(empty), 'class')} without a single {images.noun}."
        findings.append(Finding("empty-class", empty[:NAMED], said))
    if imbalance >= UNEVEN:
        held = torch.from_numpy(np.where(counts > 0, counts, counts.max()))
        names = images.classes[int(counts.argmax())], images.classes[int(held.argmin())]
        said = (
            f"'{names[0]}' has {imbalance:.0f} times the {images.noun}s of '{names[1]}': accuracy "
            "says little here; read the table of classes."
        )
        findings.append(Finding("imbalance", names, said))
    if (counts > 0).sum() == 1:
        said = f"All {images.noun}s are of one class: there is nothing to classify."
        findings.append(Finding("one-class", (images.classes[int(counts.argmax())],), said))
    return findings


def _unseen(images: ImageSet) -> list[Finding]:
    """Classes that no pixel has."""
    assert images.masks is not None
    held = torch.zeros(256, dtype=torch.int64)
    for chunk in images.masks.split(4096):
        held += torch.bincount(chunk.flatten().long(), minlength=256)
    empty = tuple(name for c, name in enumerate(images.classes) if not held[c])
    if not empty:
        return []
    return [Finding("empty-class", empty[:NAMED], f"{_some(len(empty), 'class')} without a pixel.")]
