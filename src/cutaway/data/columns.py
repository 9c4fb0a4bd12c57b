"""Choice of the columns of a table that hold pictures, labels, and the given parts."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cutaway.errors import UsageError, nearest

# The likeliest names of columns, the likeliest first.
IMAGE = ["image", "img", "picture", "photo", "file", "filename", "file_name", "filepath"]
IMAGE += ["file_path", "path", "image_path", "img_path", "image_file", "image_name", "img_name"]
IMAGE += ["images", "pixel_values", "fname", "image_filename", "image_filepath", "image_index"]
NUMBER = ["image_id", "img_id", "imageid", "id_code", "id"]  # names a file, often without ending
IMAGE += NUMBER
LABEL = ["label", "class", "target", "category", "labels", "class_name", "classname", "species"]
LABEL += ["y", "class_label", "label_name", "category_name", "finding_labels", "targets"]
LABEL += ["tags", "tag", "keywords"]
MASK = ["mask", "masks", "segmentation_mask", "annotation"]


def guess(columns: Iterable[str], likely: Sequence[str]) -> str:
    """The column with the likeliest name, or an empty string."""
    return next(iter(likely_columns(columns, likely)), "")


def likely_columns(columns: Iterable[str], likely: Sequence[str]) -> list[str]:
    """The columns with a likely name, the likeliest first."""
    plain = {column: re.sub(r"[\s-]+", "_", str(column).strip().lower()) for column in columns}
    return [column for name in likely for column in plain if plain[column] == name]


def label_column(
    source: Any,
    columns: Sequence[str],
    name: str,
    read: Callable[[str], list[Any]] | None = None,
    exclude: str = "",
) -> str:
    """The column of labels: the named one, else the one with a likely name.

    Args:
        source: named in messages.
        read: gives a column, to tell two that say the same (`label` 0 and `class` cat) from two
            that do not; of two that say the same the one with text is taken.

    Raises UsageError where there is none of that name, none by its name, or more than one.
    """
    if name:
        if name in columns:
            return name
        raise UsageError(f"{source} has no column '{name}'.{nearest(name, columns)}")
    listed = ", ".join(map(str, columns))
    rest = [column for column in columns if column != exclude]
    candidates = likely_columns(rest, LABEL) or _ending(rest)
    if not candidates:
        raise UsageError(
            f"{source} has no column that looks like labels: {listed}. Name it with --label "
            "(label=...)."
        )
    if len(candidates) > 1 and read:
        candidates = _distinct({column: list(map(str, read(column))) for column in candidates})
    if len(candidates) > 1:
        raise UsageError(
            f"{source} has several columns that look like labels: {', '.join(candidates)}. "
            "Name one with --label (label=...)."
        )
    return candidates[0]


def _ending(columns: Sequence[str]) -> list[str]:
    """Columns with an ending such as in `fine_label`."""
    return [column for column in columns if re.search(r"[_\s-](label|class)$", str(column), re.I)]


def _distinct(columns: dict[str, list[str]]) -> list[str]:
    """One column where all divide the rows alike, else all; rather one of text than of numbers."""
    values = list(columns.values())
    pairs = set(zip(*values, strict=True))
    if any(len(set(column)) != len(pairs) for column in values):
        return list(columns)
    text = [c for c, v in columns.items() if not all(re.fullmatch(r"[\d.]*", one) for one in v)]
    return (text or list(columns))[:1]
