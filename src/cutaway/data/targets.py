"""Labels of a source as class numbers: names, numbers, one-hot rows."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cutaway.data.imageset import Finding
from cutaway.data.walk import natural
from cutaway.errors import DataError

NONE = {"", "nan", "<na>", "#n/a", "null", "nat"}
"""Texts that stand for a missing label, in lower case."""
MAX_UNCHECKED = 100  # distinct labels from which on it is asked whether they are classes
SHOWN = 5  # values that a message gives as examples
PLACES = 3  # rows that a message names
Place = Callable[[int], str]
"""Where the row of a number stands in its table: `line 3`."""


def row_place(row: int) -> str:
    """Where a row stands in a table without lines."""
    return f"row {row + 1}"


def listed_places(rows: Sequence[int], place: Place) -> str:
    """`line 3, line 9, line 12 and 4 more`."""
    more = f" and {len(rows) - PLACES:,} more" if len(rows) > PLACES else ""
    return ", ".join(map(place, rows[:PLACES])) + more


class Labels(NamedTuple):
    """A class for each image: an index into `classes`, or -1 where the source gives no label.

    Attributes:
        values: of numbers to be predicted, those of each of the `classes`.
        quantities: what these numbers are called.
    """

    numbers: list[int]
    classes: list[str]
    findings: list[Finding]
    values: tuple[tuple[float, ...], ...] = ()
    quantities: tuple[str, ...] = ()


def labels_of(
    values: Sequence[Any], known: Sequence[str] | None = None, of: str = "The data"
) -> Labels:
    """Classes from one name or number for each image.

    Spaces around a name do not count, `1` and `1.0` are one number, and what programs write for no
    value (`nan`, an empty cell) is no class. What that joins is told in the findings.

    Args:
        known: names of the classes, where the source has such: numbers are then indices into them.
        of: what is named in messages.

    Raises:
        DataError: the labels are no classes: numbers to be predicted, a different one for nearly
            each image, or beyond the known names.
    """
    texts = [text_of(value) for value in values]
    if not any(text is not None for text in texts):
        raise DataError(f"{of} gives no label for any image, so there is nothing to train on.")
    if known and not any(isinstance(value, str | bytes) for value in values):
        return Labels(_indices(texts, known, of), list(known), [])
    numeric = _numbers(text for text in texts if text is not None)
    read = [text if text is None else numeric.get(text, text) for text in texts]
    findings = [*_joined(values, read), *_negative(read)]
    if known:
        return Labels(_named(read, known, of), list(known), findings)
    _check_classes(Counter(text for text in read if text is not None), bool(numeric), of)
    classes = sorted({text for text in read if text is not None}, key=natural)
    return Labels(_named(read, classes, of), classes, findings)


def text_of(value: Any) -> str | None:
    """A label as text without spaces around it, None where there is no label."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, dict):
        raise DataError(
            f"A target is a dictionary of {', '.join(map(str, value))}: a target is one class for "
            "each image, or a mask; objects within an image (boxes) are not learned here."
        )
    if isinstance(value, list | tuple | set | np.ndarray):
        raise DataError(
            f"A cell holds a {type(value).__name__} ({str(value)[:60]}) where one name or number "
            "is needed."
        )
    text = unicodedata.normalize("NFC", str(value).strip())
    return None if text.lower() in NONE else text


def one_hot(rows: np.ndarray, of: str = "The data") -> list[int]:
    """The classes of one-hot rows. Raises DataError for any other rows."""
    ones, zeros = rows == 1, rows == 0
    if not (ones | zeros).all():
        raise DataError(
            f"{of} gives {rows.shape[1]} numbers for each image, such as "
            f"{[round(float(v), 3) for v in rows[0][:SHOWN]]}: a target is one class for each "
            "image, or a one-hot row with a single 1. Probabilities are not learned from."
        )
    count = ones.sum(1)
    if (count != 1).any():
        row = int((count != 1).argmax())
        raise DataError(
            f"{of} gives row {row} of its one-hot targets {count[row] or 'no'} 1: leave images "
            "without a class out, or learn several labels an image (--task multi-label)."
        )
    classes: list[int] = ones.argmax(1).tolist()
    return classes


def _indices(texts: Sequence[str | None], known: Sequence[str], of: str) -> list[int]:
    """Class numbers for known names; -1 usually means no label."""
    indices = [-1 if text is None else _whole(text, of) for text in texts]
    low, high = min(indices), max(indices)
    if low >= -1 and high < len(known):
        return indices
    hint = " Classes are counted from 0: subtract 1." if (low, high) == (1, len(known)) else ""
    wrong = low if low < -1 else high
    raise DataError(
        f"Target {wrong} has no name among the {len(known)} classes; targets go from {low} to "
        f"{high}.{hint}"
    )


def _whole(text: str, of: str) -> int:
    if text in ("True", "False"):
        return int(text == "True")
    number = float(text)
    if not number.is_integer():
        raise _regression(of, [text])
    return int(number)


def _named(texts: Sequence[str | None], classes: Sequence[str], of: str) -> list[int]:
    number = {name: i for i, name in enumerate(classes)}
    if unknown := sorted({text for text in texts if text is not None} - number.keys()):
        raise DataError(
            f"Target '{unknown[0]}' is not among the {len(classes)} classes that {of} names."
        )
    return [-1 if text is None else number[text] for text in texts]


def _numbers(texts: Iterable[str]) -> dict[str, str]:
    """For labels that are all numbers, how each is written: `1.0` as `1`; else empty."""
    spellings = {}
    for text in set(texts):
        try:
            value = float(text)
        except ValueError:
            return {}
        if not math.isfinite(value):
            return {}
        spellings[text] = text.split(".")[0] if re.fullmatch(r"[+-]?\d+\.0*", text) else text
    return spellings


def _joined(values: Sequence[Any], read: Sequence[str | None]) -> list[Finding]:
    """Findings for labels that are spelt in several ways and taken as one."""
    spellings = defaultdict(set)
    for value, text in zip(values, read, strict=True):
        if text is not None:
            spellings[text].add(str(value))
    return [
        Finding(
            "labels-joined",
            tuple(sorted(of)),
            f"The labels {', '.join(map(repr, sorted(of)))} are taken as one class, '{text}'.",
        )
        for text, of in sorted(spellings.items())
        if len(of) > 1
    ]


def _negative(read: Sequence[str | None]) -> list[Finding]:
    """The finding that -1 among other numbers may mean no label."""
    count = Counter(read)
    if "-1" not in count or len(count.keys() - {"-1", None}) < 2:
        return []
    detail = (
        f"Label -1 is taken as a class of its own ({count['-1']} images). If it stands for images "
        "without a label, leave them out."
    )
    return [Finding("negative-label", ("-1",), detail)]


def _check_classes(count: Counter[str], numeric: bool, of: str) -> None:
    """Refuse labels that are no classes."""
    total, distinct = count.total(), len(count)
    if numeric:
        if any(not float(text).is_integer() for text in count):
            raise _regression(of, count)
        if distinct > MAX_UNCHECKED and total < 5 * distinct:
            raise _regression(of, count)
    elif distinct > MAX_UNCHECKED and total < 2 * distinct:
        raise DataError(
            f"{of} has {distinct:,} different labels for {total:,} images, such as "
            f"'{next(iter(count))}': these are not classes. Name the right column with --label "
            "(label=...)."
        )


def _regression(of: str, texts: Iterable[str]) -> DataError:
    values = sorted(set(map(float, texts)))
    description = f"{len(values):,} different numbers, from {values[0]:g} to {values[-1]:g}"
    description = description if len(values) > 1 else f"the number {values[0]:g}"
    return DataError(
        f"{of} has {description} as labels: these are numbers to be predicted (regression), not "
        "classes. Give --task regress (task='regress') to predict them, divide them into a few "
        "classes such as 'low' and 'high', or name another column with --label (label=...)."
    )
