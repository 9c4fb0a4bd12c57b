"""Cross-validation: folds of almost equal size, each of which is the test part once."""

import re

import numpy as np

from cutaway.data.stratify import TEST, TRAIN, totals
from cutaway.errors import DataError, UsageError


def read_fold(text: str) -> tuple[int, int]:
    """The number of a fold and how many there are, from `2/5`. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (count >= 2 and 1 <= number <= count):
        raise UsageError(f"'{text}' is not a fold: write 2/5 for the second of five.")
    return number, count


def test_fold(
    unit: np.ndarray, target: np.ndarray, number: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """A part for each image: one fold of `count` tests, the others train.

    Raises DataError where there are fewer units than folds.
    """
    if unit.max(initial=-1) + 1 < count:
        raise DataError(
            f"The {len(unit)} images fall into {unit.max(initial=-1) + 1} groups of different "
            f"images, too few for {count} folds: ask for fewer."
        )
    return np.where(folds(unit, target, count, rng) == number - 1, TEST, TRAIN)


def folds(unit: np.ndarray, target: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """A fold for each image, without dividing a unit.

    Units are dealt out, larger ones first, each to the fold that has least of its classes, and of
    such folds to the smallest (as in scikit-learn's `StratifiedGroupKFold`, but unit by unit).
    """
    contents: dict[int, list[tuple[int, int]]] = {}
    rows = totals(unit, target)
    for of, c, k in zip(*(column.tolist() for column in rows), strict=True):
        contents.setdefault(of, []).append((c, k))
    size = np.bincount(unit)
    order = np.lexsort((rng.random(len(size)), -size)).tolist()
    has = [[0] * (int(rows[1].max()) + 1) for _ in range(count)]
    total, place = [0] * count, np.empty(len(size), np.int64)
    for one in order:
        needs = [sum(row[c] * k for c, k in contents[one]) for row in has]
        fold = min(range(count), key=lambda f: (needs[f], total[f]))
        place[one] = fold
        total[fold] += int(size[one])
        for c, k in contents[one]:
            has[fold][c] += k
    return place[unit]
