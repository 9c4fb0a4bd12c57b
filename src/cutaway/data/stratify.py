"""Stratified division of images, with units (images that belong together) undivided.

Grouped and stratified splitting as in scikit-learn's `StratifiedGroupKFold`, which takes 0.3 ms
a group (2.3 s for 8,000); this takes a hundredth of that.
"""

from bisect import bisect
from collections import defaultdict
from itertools import accumulate, pairwise

import numpy as np
import torch

TRAIN, VAL, TEST, DROPPED = range(4)  # the first three as in `imageset.PARTS`


def deal(
    unit: np.ndarray, target: np.ndarray, shares: list[float], rng: np.random.Generator
) -> np.ndarray:
    """A part for each image, without dividing a unit.

    Args:
        target: a class for each image; or its labels, a row of 0 and 1, see `_deal_labels`.

    First one unit of each class to each part, then the units of several images, at random by the
    room that is left (so that no part is all singles); single images fill the rest exactly.
    """
    of, cls, count = totals(unit, target)
    size = np.bincount(unit)
    if target.ndim == 2:
        return _deal_labels(of, cls, count, size, shares, rng)[unit]
    chance = rng.random(len(size))
    order = np.lexsort((chance[of], size[of], cls))
    of, cls, count = of[order], cls[order], count[order]
    parts = [TRAIN, *(part for part in (TEST, VAL) if shares[part])]
    place = np.full(len(size), -1)
    classes = np.split(of, np.flatnonzero(np.diff(cls)) + 1)
    for units in sorted(classes, key=len):
        _one_each(units, place, parts)
    room = _room(cls, count, shares, parts)
    placed = place[of] >= 0
    np.subtract.at(room, (place[of[placed]], cls[placed]), count[placed])
    rows = np.flatnonzero(~placed & (size[of] > 1))
    rows = rows[np.lexsort((of[rows], chance[of[rows]], -size[of[rows]]))]
    _spread(of[rows], cls[rows], count[rows], place, room, parts, rng)
    rows = np.flatnonzero(~placed & (size[of] == 1))
    _fill(of[rows], cls[rows], place, room)
    return place[unit]


def totals(unit: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row for each class in each unit: unit, class, number of images.

    Of labels, a row for each label; images without any count as one more label.
    """
    if target.ndim == 2:
        target = np.column_stack([target, ~target.any(1)])
        image, target = target.nonzero()
        unit = unit[image]
    width = target.max() + 1
    key, count = np.unique(unit * width + target, return_counts=True)
    return key // width, key % width, count


def _one_each(units: np.ndarray, place: np.ndarray, parts: list[int]) -> None:
    """Give each wanted part one of a class's `units` (ascending in size).

    Training comes first where there are too few, then the test; the smallest go to validation,
    larger ones to the test and the largest to training.
    """
    for part in sorted(parts[: len(units)], key=[VAL, TEST, TRAIN].index):
        free = units[place[units] < 0]
        if len(free) and part not in place[units]:
            place[free[-1 if part == TRAIN else 0]] = part


def _room(cls: np.ndarray, count: np.ndarray, shares: list[float], parts: list[int]) -> np.ndarray:
    """Number of images of each class that each part should get, shape (part, class)."""
    units, images = np.bincount(cls), np.bincount(cls, count).astype(np.int64)
    room = np.zeros((3, len(images)), np.int64)
    left = images - 1  # training keeps at least one
    for rank, part in enumerate(parts[1:], 2):
        most = np.maximum(left - (len(parts) - rank), 1)
        goal = np.rint(shares[part] * images).astype(np.int64).clip(1, most)
        room[part] = np.where(units >= rank, goal, 0)
        left = left - room[part]
    room[TRAIN] = images - room.sum(0)
    return room


def _spread(
    of: np.ndarray,
    cls: np.ndarray,
    count: np.ndarray,
    place: np.ndarray,
    room: np.ndarray,
    parts: list[int],
    rng: np.random.Generator,
) -> None:
    """Place units of several images, in the order given, each where it fits; updates `room`."""
    contents_of: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for unit, c, k in zip(of.tolist(), cls.tolist(), count.tolist(), strict=True):
        contents_of[unit].append((c, k))
    space = room.tolist()  # plain lists: one step of this loop must take a microsecond or two
    for (unit, contents), chance in zip(
        contents_of.items(), rng.random(len(contents_of)).tolist(), strict=True
    ):
        part = _choose(contents, space, parts, chance)
        place[unit] = part
        for c, k in contents:
            space[part][c] -= k
    room[:] = space


def _choose(
    contents: list[tuple[int, int]], space: list[list[int]], parts: list[int], chance: float
) -> int:
    """A part drawn by its room among those where the unit fits; else the one it overfills least."""
    slack = [min(space[part][c] - k for c, k in contents) for part in parts]
    if max(slack) < 0:
        return parts[slack.index(max(slack))]
    fitting = [part for part, spare in zip(parts, slack, strict=True) if spare >= 0]
    rooms = list(accumulate(sum(space[part][c] for c, _ in contents) for part in fitting))
    return fitting[bisect(rooms, chance * rooms[-1], hi=len(rooms) - 1)]


def _fill(of: np.ndarray, cls: np.ndarray, place: np.ndarray, room: np.ndarray) -> None:
    """Deal single images, sorted by class and shuffled within it: test, validation, training."""
    starts = np.searchsorted(cls, np.arange(room.shape[1]))
    rank = np.arange(len(cls)) - starts[cls]
    test, val = room[TEST].clip(0)[cls], room[VAL].clip(0)[cls]
    place[of] = np.where(rank < test, TEST, np.where(rank < test + val, VAL, TRAIN))


def _deal_labels(
    of: np.ndarray, label: np.ndarray, count: np.ndarray, size: np.ndarray, shares: list[float],
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """A part for each unit, of images with several labels, by iterative stratification.

    The label with the fewest images left comes first: each unit that has it goes to the part that
    lacks most images of this label, of such parts to the one with most room.

    Source: Sechidis, Tsoumakas and Vlahavas 2011, 'On the stratification of multi-label data',
    algorithm 1, for units of images; images without labels are a label of their own.
    """
    parts = [TRAIN, *(part for part in (TEST, VAL) if shares[part])]
    lack = _room(label, count, shares, parts).astype(float)
    room = np.array([1 - shares[TEST] - shares[VAL], shares[VAL], shares[TEST]]) * size.sum()
    labels_of = _rows_of(of, len(size))
    place, left = np.full(len(size), -1), np.bincount(label, count)
    chance = rng.random(len(size))
    while left.any():
        rarest = int(np.where(left > 0, left, np.inf).argmin())
        having = of[label == rarest]
        having = having[np.lexsort((chance[having], -size[having]))]
        for unit in having[place[having] < 0].tolist():
            part = max(parts, key=lambda part: (lack[part, rarest], room[part]))
            rows = labels_of[unit]
            place[unit] = part
            lack[part, label[rows]] -= count[rows]
            left[label[rows]] -= count[rows]
            room[part] -= size[unit]
    return place


def _rows_of(of: np.ndarray, units: int) -> list[slice]:
    """The rows of each unit, in rows that are sorted by their units."""
    ends = np.searchsorted(of, np.arange(units + 1)).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]


def expected_leakage(unit: np.ndarray, target: np.ndarray, side: np.ndarray) -> float:
    """Share of test images with a sibling in training, if each class were dealt at random.

    Exact: class by class the siblings in training are hypergeometric, and the classes independent.
    """
    sides = np.stack([np.bincount(target[side == part], minlength=target.max() + 1)
                      for part in range(3)])  # fmt: skip
    unit, target = unit[side < DROPPED], target[side < DROPPED]
    of, cls, count = totals(unit, target)
    n, train, test = sides.sum(0)[cls], sides[TRAIN][cls], sides[TEST][cls]
    none = _log_none(n, train, count)  # of these siblings is in training
    none_else = np.bincount(of, none)[of] - none + _log_none(n - 1, train, count - 1)
    leaking = count * test / n * -np.expm1(none_else)
    return float(leaking.sum() / max(1, sides[TEST].sum()))


def _log_none(n: np.ndarray, excluded: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Log chance that none of `k` of `n` is among the `excluded` e: C(n - e, k) / C(n, k)."""
    left = n - excluded
    log_chance = _log_factorial(left) - _log_factorial(np.maximum(left - k, 0))
    log_chance = log_chance - _log_factorial(n) + _log_factorial(np.maximum(n - k, 0))
    never = -1e9  # finite, so that it can be taken off again
    return np.where(k == 0, 0.0, np.where(left < k, never, log_chance))


def _log_factorial(n: np.ndarray) -> np.ndarray:
    # PyTorch's, which is there already; SciPy takes half a second to import.
    return torch.lgamma(torch.from_numpy(n + 1.0)).numpy()


def leakage(unit: np.ndarray, side: np.ndarray) -> float:
    """Share of test images with a sibling in training."""
    return float(np.isin(unit[side == TEST], unit[side == TRAIN]).mean()) if TEST in side else 0.0
