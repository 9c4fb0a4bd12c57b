"""Numbers to be predicted, as a source gives them: columns of a table, or an array."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from cutaway.data.targets import Labels, text_of
from cutaway.errors import DataError


def values_of(columns: Mapping[str, Sequence[Any]]) -> Labels:
    """The numbers of each row; a row that lacks one has none.

    Rows of the same numbers have one number among `Labels.numbers`, as rows of one class have.

    Raises:
        DataError: a cell that is no number, or a column without any.
    """
    read = {name: [_number(cell, name) for cell in cells] for name, cells in columns.items()}
    for name, numbers in read.items():
        if all(number is None for number in numbers):
            raise DataError(f"Column '{name}' holds no number, so there is nothing to train on.")
    rows = list(zip(*read.values(), strict=True))
    whole = {row: i for i, row in enumerate(dict.fromkeys(r for r in rows if None not in r))}
    texts = [", ".join(f"{value:g}" for value in row) for row in whole]
    return Labels([whole.get(row, -1) for row in rows], texts, [], tuple(whole), tuple(columns))


def _number(cell: Any, column: str) -> float | None:
    text = text_of(cell)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        raise DataError(
            f"Column '{column}' holds '{text}', which is not a number: name columns of numbers "
            "with --label (label=...), or learn classes (--task classify)."
        ) from None
    return number if math.isfinite(number) else None


def value_array(targets: Any) -> Float[np.ndarray, "n m"]:
    """Numbers in memory, a row for each image; NaN where there is none.

    Raises:
        DataError: they are no numbers.
    """
    try:
        found = np.asarray(targets, np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "The targets are not numbers: give an array with a row for each image, or learn "
            'classes (task="classify").'
        ) from None
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2:
        raise DataError(f"Numbers to be predicted have the shape n or n m, not {found.shape}.")
    found[~np.isfinite(found)] = np.nan
    return found


def quantity_names(count: int, named: Sequence[str] = ()) -> tuple[str, ...]:
    """What the numbers are called: as they are named, or `value 1`, `value 2`.

    Raises:
        DataError: other names than there are numbers.
    """
    if named and len(named) != count:
        raise DataError(f"There are {count} numbers for each image, and {len(named)} names.")
    plain = ("value",) if count == 1 else tuple(f"value {i + 1}" for i in range(count))
    return tuple(named) or plain
