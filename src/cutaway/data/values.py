"""Numbers to be predicted, from columns of a table or from an array."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from cutaway.data.targets import Labels, Place, listed_places, row_place, text_of
from cutaway.errors import DataError


def values_of(
    columns: Mapping[str, Sequence[Any]], place: Place = row_place, of: str = "the data"
) -> Labels:
    """The numbers of each row; a row that lacks one has none.

    Rows of the same numbers have one number among `Labels.numbers`, as rows of one class have.

    Args:
        place, of: where a row stands, and in what, for messages.

    Raises:
        DataError: a cell that is no number, or a column without any.
    """
    read = {name: _numbers(cells, name, place, of) for name, cells in columns.items()}
    for name, numbers in read.items():
        if all(number is None for number in numbers):
            raise DataError(f"Column '{name}' holds no number, so there is nothing to train on.")
    rows = list(zip(*read.values(), strict=True))
    whole = {row: i for i, row in enumerate(dict.fromkeys(r for r in rows if None not in r))}
    texts = [", ".join(f"{value:g}" for value in row) for row in whole]
    return Labels([whole.get(row, -1) for row in rows], texts, [], tuple(whole), tuple(columns))


def _numbers(cells: Sequence[Any], column: str, place: Place, of: str) -> list[float | None]:
    read: list[float | None] = []
    bad = []
    for row, cell in enumerate(cells):
        try:
            read.append(_number(cell))
        except ValueError:
            bad.append(row)
    if bad:
        raise DataError(
            f"Column '{column}' of {of} holds '{text_of(cells[bad[0]])}', which is not a number, "
            f"in {listed_places(bad, place)}: correct it, or leave the cell empty. Columns of "
            "numbers are named with --label (label=...); classes are learned with --task classify."
        )
    return read


def _number(cell: Any) -> float | None:
    """A cell as a number; None where it is empty. Raises ValueError where it is a word."""
    text = text_of(cell)
    number = math.nan if text is None else float(text)
    return number if math.isfinite(number) else None


def value_array(targets: Any) -> Float[np.ndarray, "n m"]:
    """Numbers in memory, a row for each image; NaN where there is none.

    Raises:
        DataError: they are no numbers.
    """
    try:
        array = np.asarray(targets, np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "The targets are not numbers: give an array with a row for each image, or learn "
            'classes (task="classify").'
        ) from None
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(f"Numbers to be predicted have the shape n or n m, not {array.shape}.")
    array[~np.isfinite(array)] = np.nan
    return array


def quantity_names(count: int, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the numbers: as given, or `value 1`, `value 2`.

    Raises:
        DataError: other names than there are numbers.
    """
    if names and len(names) != count:
        raise DataError(f"There are {count} numbers for each image, and {len(names)} names.")
    plain = ("value",) if count == 1 else tuple(f"value {i + 1}" for i in range(count))
    return tuple(names) or plain
