"""Split into training, validation and test images, with related images in one part.

Images that are duplicates of each other, or belong to one declared group, form a unit; units are
drawn into the parts, class by class, and never divided. A set that is all there is (a truth table)
is not divided at all.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.duplicates import join_clusters, near
from cutaway.data.folds import read_fold, test_fold
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.split_check import drawn_findings, lacking, leaks, source_parts, unused_division
from cutaway.data.stratify import DROPPED, TEST, TRAIN, VAL, deal, expected_leakage, leakage
from cutaway.errors import DataError, RunError, UsageError
from cutaway.files import read_json, write_json

SIDES = (*PARTS, "dropped")
VERSION = 2  # 1 did not keep the groups
SHARES = {VAL: 0.1, TEST: 0.2}
"""Shares of the training images that are drawn for parts which the source does not bring."""


@dataclass(frozen=True, eq=False)
class Split:
    """The images of each part.

    Attributes:
        train, val, test: image numbers, ascending; no image is in two of them, but for a set that
            is all there is (`ImageSet.whole`), which both trains and tests.
        dropped: images in none of them (empty unless `drop_leaks` was asked for).
        seed: what the draw was made with.
        fingerprint: that of the `ImageSet` that was divided.
        kept_together: how many units of two or more images there are, and how many images in them.
        leakage: share of the test images that have a duplicate or group sibling in training.
            Zero, except where the source's own test part leaks.
        random_leakage: the share expected of a random stratified split with parts of this size.
        findings: leaks of the source's own parts, and classes that could not be divided.
        fold: as asked for, such as `2/5`; empty where none was.
        groups: the units of two or more images, each as the numbers of its images; None where an
            older file does not tell.
    """

    train: Int[Tensor, " train"]
    val: Int[Tensor, " val"]
    test: Int[Tensor, " test"]
    dropped: Int[Tensor, " dropped"]
    seed: int
    fingerprint: str
    kept_together: tuple[int, int]
    leakage: float
    random_leakage: float
    findings: tuple[Finding, ...] = ()
    fold: str = ""
    groups: tuple[tuple[int, ...], ...] | None = ()

    def related(self, index: Int[Tensor, " m"]) -> Int[Tensor, " m"] | None:
        """A group number for each of some images; None where no two are known to be related."""
        unit = {i: -1 - k for k, group in enumerate(self.groups or ()) for i in group}
        of = np.array([unit.get(i, i) for i in index.tolist()], np.int64)
        kinds, number = np.unique(of, return_inverse=True)
        return torch.from_numpy(number.astype(np.int64)) if len(kinds) < len(of) else None

    def save(self, path: str | Path) -> None:
        """Write as JSON, atomically. Raises RunError where it cannot be written."""
        body: dict[str, Any] = {
            key: _ranges(value.tolist()) if isinstance(value, Tensor) else value
            for key, value in vars(self).items()
        }
        body["findings"] = [asdict(finding) for finding in self.findings]
        body["groups"] = None if self.groups is None else [_ranges(one) for one in self.groups]
        body = {"version": VERSION, **body}
        write_json(Path(path), {**body, "digest": _digest(body)})

    @classmethod
    def load(cls, path: str | Path, images: ImageSet | None = None) -> "Split":
        """Read a split that `save` wrote.

        Raises RunError where the file is missing, damaged, of a newer version, or (with `images`)
        made for another image set.
        """
        body = _read(Path(path))
        if images is not None and body["fingerprint"] != images.fingerprint:
            raise RunError(
                f"{path} divides another image set: these images, labels or class names have "
                "changed since. Use the data it was made from, or make a new split."
            )
        body.update({side: torch.tensor(_numbers(body[side])).long() for side in SIDES})
        body["kept_together"] = tuple(body["kept_together"])
        groups = body.get("groups")
        body["groups"] = None if groups is None else tuple(tuple(_numbers(one)) for one in groups)
        body["findings"] = tuple(
            Finding(**{**finding, "where": tuple(finding["where"])}) for finding in body["findings"]
        )
        return cls(**body)


def overlap(splits: Sequence[Split], on: str = "test") -> float:
    """Held-out images over training images where splits divide the same images anew, else 0."""
    parts = [getattr(split, on) for split in splits]
    if all(torch.equal(part, parts[0]) for part in parts):
        return 0.0
    ratios = [len(part) / len(split.train) for part, split in zip(parts, splits, strict=True)]
    return sum(ratios) / len(ratios)


def split(
    images: ImageSet,
    *,
    val: float = SHARES[VAL],
    test: float = SHARES[TEST],
    seed: int = 0,
    duplicates: Int[Tensor, " n"] | None = None,
    drop_leaks: bool = False,
    fold: str = "",
) -> Split:
    """Divide `images`, stratified by class or labels, units undivided.

    A part that the source defines is kept as it is, so that figures stay comparable with published
    ones; what is missing is drawn from its training part. Where the source's own test part repeats
    training images, that is measured and named, and `drop_leaks` leaves the repeated images out of
    training and validation.

    Args:
        val, test: shares of the images that are drawn from; 0 for none.
        duplicates: a cluster number for each image, as `duplicates.near` gives (the default).
        fold: `2/5` makes the second of five equal parts of all images the test part, and draws
            `val` from the rest. The five are the same for each of them, and take the place of the
            source's own parts and of `test`.

    Raises:
        UsageError: for impossible shares or folds.
        DataError: where a part that was asked for would be empty.
    """
    _check_shares(val, test)
    if images.whole:
        return _split_whole(images, seed, fold)
    clusters = near(images.images) if duplicates is None else duplicates
    unit, rng = join_clusters(clusters, images.groups).numpy(), np.random.default_rng(seed)
    side = _folded(images, unit, fold, rng) if fold else _own_parts(images)
    source_findings = [] if fold else [*leaks(images, clusters.numpy(), side)]
    own = [] if fold else source_parts(side)
    source_findings += lacking(images, side, own, own=True)
    _deal_missing(images, unit, side, (0.0, float(val), float(test)), rng)
    drawn_parts = [part for part in source_parts(side) if part not in own]
    source_findings += lacking(images, side, drawn_parts, own=False)
    requested = {part: share for part, share in ((VAL, val), (TEST, test)) if share != SHARES[part]}
    drawn = unused_division(images) if fold else drawn_findings(images, side, own, requested)
    findings = (*source_findings, *drawn)
    if drop_leaks:
        side[(side < TEST) & np.isin(unit, unit[side == TEST])] = DROPPED
    return _as_split(images, unit, side, seed=seed, findings=findings, fold=fold)


def _check_shares(val: float, test: float) -> None:
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise UsageError(
            f"val={val} and test={test} leave nothing to train on: give two shares, not below 0, "
            "that add up to less than 1."
        )


def _folded(images: ImageSet, unit: np.ndarray, fold: str, rng: np.random.Generator) -> np.ndarray:
    """One fold for the test, all else for training."""
    return test_fold(unit, images.strata.numpy(), *read_fold(fold), rng)


def _deal_missing(
    images: ImageSet,
    unit: np.ndarray,
    side: np.ndarray,
    shares: Sequence[float],
    rng: np.random.Generator,
) -> None:
    """Draw the missing parts from the training part; `side` itself is changed."""
    missing_shares = [0.0 if (side == part).any() else share for part, share in enumerate(shares)]
    pool = side == TRAIN
    side[pool] = deal(unit[pool], images.strata.numpy()[pool], missing_shares, rng)
    _check_not_empty(images, side, missing_shares)


def _as_split(images: ImageSet, unit: np.ndarray, side: np.ndarray, **about: Any) -> Split:
    """The `Split` of a division, with its leakage."""
    groups = _groups(unit)
    about |= {
        name: torch.from_numpy(np.flatnonzero(side == part)) for part, name in enumerate(SIDES)
    }
    return Split(
        **about, fingerprint=images.fingerprint, groups=groups,
        kept_together=(len(groups), sum(map(len, groups))), leakage=leakage(unit, side),
        random_leakage=expected_leakage(unit, images.targets.numpy(), side),
    )  # fmt: skip


def _split_whole(images: ImageSet, seed: int, fold: str) -> Split:
    """The split of data that are all there is: nothing is held out."""
    if fold:
        raise UsageError(
            f"{images.name or 'The set'} is all there is and has no folds: leave --fold out."
        )
    n = len(images)
    subject = f"This one {images.noun} is" if n == 1 else f"These {n} {images.noun}s are"
    detail = (
        f"{subject} all there is: nothing is held out, and the network is tested on what it was "
        "trained on."
    )
    every, none = torch.arange(len(images)), torch.arange(0)
    finding = Finding("whole", (), detail)
    return Split(every, none, every, none, seed, images.fingerprint, (0, 0), 0.0, 0.0, (finding,))


def _groups(unit: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The images of each unit that has several."""
    several = np.flatnonzero(np.bincount(unit)[unit] > 1)  # an array for each image takes much more
    order = several[unit[several].argsort(kind="stable")]
    ends = np.flatnonzero(np.diff(unit[order])) + 1
    return tuple(tuple(one.tolist()) for one in np.split(order, ends) if len(one))


def _own_parts(images: ImageSet) -> np.ndarray:
    """The source's own parts; everything is training where there is but one part."""
    if images.parts is None:
        return np.full(len(images), TRAIN)
    side = images.parts.numpy().astype(np.int64)
    if not (side == TRAIN).any():
        raise DataError(
            "The data have a test or validation part but no training part: name one 'train'."
        )
    return side


def _check_not_empty(images: ImageSet, side: np.ndarray, shares: list[float]) -> None:
    for part, name in enumerate(PARTS):
        if (part == TRAIN or shares[part]) and not (side == part).any():
            raise DataError(
                f"No image is left for the {name} part: the {len(images)} images fall into too few "
                "groups of different images, and a group is never divided. Add images"
                f"{_finer(images)}, or do without the part ({name}=0)."
            )


def _finer(images: ImageSet) -> str:
    return "" if images.groups is None else " from other groups, group more finely"


def _ranges(numbers: Sequence[int]) -> str:
    """`0-4,7` for [0, 1, 2, 3, 4, 7]."""
    starts = [i for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1] + 1]
    runs = [(numbers[a], numbers[b - 1]) for a, b in pairwise([*starts, len(numbers)])]
    return ",".join(f"{a}-{b}" if b > a else str(a) for a, b in runs)


def _numbers(ranges: str) -> list[int]:
    runs = [list(map(int, run.split("-"))) for run in ranges.split(",") if run]
    return [n for run in runs for n in range(run[0], run[-1] + 1)]


def _digest(body: dict[str, Any]) -> str:
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Read the fields of a split file, and check that it is unchanged."""
    body = read_json(path)
    advice = "Restore the file, or make a new split."
    if not isinstance(body, dict) or not {"version", "digest"} <= body.keys():
        raise RunError(f"{path} does not hold a split. {advice}")
    version, digest = body.pop("version"), body.pop("digest")
    if version not in range(1, VERSION + 1):
        raise RunError(
            f"{path} is a split of version {version}, and this Cutaway reads up to {VERSION}: "
            "use the Cutaway that made it, or make a new split."
        )
    if digest != _digest({"version": version, **body}):
        raise RunError(f"{path} is damaged: its checksum does not match. {advice}")
    return body
