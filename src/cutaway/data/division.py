"""The division that a source brings: which images train, validate and test, by its own names.

A division that is only half understood is refused: the images that somebody put aside to test on
would be learned from. The words are those that Hugging Face's `datasets` takes, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import PARTS, Finding
from cutaway.errors import DataError

WORDS = (
    ("train", "training"),
    ("val", "valid", "validation", "dev", "development"),
    ("test", "testing", "eval", "evaluation"),
)
PART_NAMES = {word: part for part, words in enumerate(WORDS) for word in words}
ACCEPTED = "train (or training), val (or valid, validation, dev), test (or testing, eval)"
COLUMNS = ("split", "part", "partition", "subset")
SURE = ("split", "partition")  # a column of this name with few values can mean nothing else
MAX_WORDS = 10  # a division has no more different words than this
FLAGS = {"", "0", "1", "0.0", "1.0", "true", "false", "yes", "no", "y", "n", "t", "f"}
FLAG_WORDS = {"is", "in", "set", "image", "flag", *PART_NAMES}
MAX_NAMES = 5

Read = Callable[[str], Sequence[Any]]


def part_of(word: Any) -> int:
    """The part (an index into `PARTS`) that a word names; -1 where it names none."""
    return PART_NAMES.get(_plain(word), -1)


def likely_part(word: Any) -> int:
    """The part that a longer name suggests, as `seg_train` or `PublicTest` do; else -1."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", str(word))
    parts = {PART_NAMES[piece] for piece in re.findall(r"[a-z]+", spaced.lower())
             if piece in PART_NAMES}  # fmt: skip
    return parts.pop() if len(parts) == 1 else -1


def of_table(
    path: Any, columns: Iterable[str], read: Read, names: Sequence[str]
) -> tuple[list[int], list[Finding]]:
    """The part of each row of a table, -1 for all where no column divides them; and findings.

    A column divides by its name (`split`) or by what it holds. Raises DataError where one does so
    in words that are not known, or leaves some rows out.

    Args:
        columns: those that hold neither pictures, labels nor groups.
        names: of the pictures, a row each.
    """
    columns = list(columns)
    by_name = [column for word in COLUMNS for column in columns if _plain(column) == word]
    findings: list[Finding] = []
    for column in by_name:
        words = _words(read(column))
        if any(likely_part(word) >= 0 for word in set(words)):
            return _parts(path, column, words, names), findings
        if _plain(column) in SURE and len(set(words) - {""}) <= MAX_WORDS and any(words):
            return _parts(path, column, words, names), findings
        findings.append(_no_split(column, words))
    by_value = {column: words for column in columns if column not in by_name
                if _divides(words := _words(read(column)))}  # fmt: skip
    _refuse_flags(path, [column for column in columns if column not in by_value], read)
    divided = {column: _parts(path, column, words, names) for column, words in by_value.items()}
    if not divided:
        return [-1] * len(names), findings
    first, *others = divided
    if any(divided[other] != divided[first] for other in others):
        raise DataError(
            f"{path} is divided by several columns: {', '.join(divided)}. Call the one that counts "
            "'split'."
        )
    return divided[first], findings


def of_rows(
    rows: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> tuple[Int[Tensor, " n"] | None, list[Finding]]:
    """The part of each named image by its row, as `of_table`; None where no row names one.

    Args:
        rows: for each image the other columns of its row.
    """
    every = [rows.get(name, {}) for name in names]
    first = every[0] if every else {}
    columns = [name for name in first if all(is_word(row.get(name)) for row in every)]
    parts, noticed = of_table(
        "the data set", columns, lambda column: [row.get(column) for row in every], names
    )
    return None if -1 in parts or not parts else torch.tensor(parts), noticed


def is_word(value: Any) -> bool:
    """Whether a cell holds text or a number, which may name a part; so does an empty one."""
    return value is None or isinstance(value, str | int | float | np.generic)


def named_as_parts(classes: Sequence[str]) -> bool:
    """Whether the classes are the parts of a division that was not seen as one."""
    parts = [part_of(name) for name in classes]
    return len(parts) > 1 and -1 not in parts and 0 in parts


def ambiguous_parts(root: Any, names: Sequence[str], part: int) -> DataError:
    """The error for two folders or tables that name the same part."""
    return DataError(
        f"{root} holds {' and '.join(names)}, which both mean the {PARTS[part]} part: make one of "
        "them, or move one elsewhere."
    )


def empty_parts(before: Iterable[int], after: Iterable[int]) -> list[Finding]:
    """Findings for parts that the source has, and of which nothing is left."""
    missing = sorted(set(before) - set(after) - {-1})
    return [Finding("empty-part", (), _nothing_left(PARTS[part])) for part in missing]


def _nothing_left(name: str) -> str:
    return (
        f"The {name} part of the data holds no labelled image that can be used, so it is ignored: "
        "mend it, or use images drawn from the training part."
    )


def _plain(word: Any) -> str:
    return _word(word).lower()


def _word(value: Any) -> str:
    """A cell as text; an empty string where it is empty, also in the way of pandas."""
    return "" if value is None or value != value else str(value).strip()


def _words(values: Iterable[Any]) -> list[str]:
    return [_word(value) for value in values]


def _divides(words: Sequence[str]) -> bool:
    """Whether a column names training and another part, and little else."""
    different = set(words) - {""}
    if not 1 < len(different) <= MAX_WORDS:
        return False
    parts = {word: likely_part(word) for word in different}
    spoken = sum(parts.get(word, -1) >= 0 for word in words)
    return 0 in parts.values() and len(set(parts.values()) - {-1}) > 1 and 2 * spoken >= len(words)


def _parts(path: Any, column: str, words: Sequence[str], names: Sequence[str]) -> list[int]:
    parts = [part_of(word) for word in words]
    if -1 in parts:
        raise DataError(_not_understood(path, column, words, names, parts))
    return parts


def _not_understood(
    path: Any, column: str, words: Sequence[str], names: Sequence[str], parts: Sequence[int]
) -> str:
    wrong = [(name, word) for name, word, part in zip(names, words, parts, strict=True) if part < 0]
    examples = ", ".join(f"{name} ({word!r})" if word else f"{name} (empty)" for name, word in
                      wrong[:MAX_NAMES])  # fmt: skip
    more = f" and {len(wrong) - MAX_NAMES:,} more" if len(wrong) > MAX_NAMES else ""
    rows = "1 row" if len(wrong) == 1 else f"{len(wrong):,} rows"
    return (
        f"The column '{column}' of {path} divides the images, but not in {rows}: {examples}{more}. "
        f"Write one of {ACCEPTED} in each; rename the column if it is something else."
    )


def _no_split(column: str, words: Sequence[str]) -> Finding:
    different = sorted(set(words) - {""})
    some = ", ".join(map(repr, different[:3])) + (", ..." if len(different) > 3 else "")
    detail = (
        f"The column '{column}' holds {some or 'nothing'} and so does not divide the images. If it "
        f"should, write one of {ACCEPTED} in each row."
    )
    return Finding("no-split", (), detail)


def _refuse_flags(path: Any, columns: Sequence[str], read: Read) -> None:
    """Refuse columns such as `is_test` with yes and no, which would be ignored silently."""
    for column in columns:
        is_flag = likely_part(column) >= 0 and {*re.findall("[a-z]+", column.lower())} <= FLAG_WORDS
        if is_flag and {*map(_plain, read(column))} <= FLAGS:
            raise DataError(
                f"The column '{column}' of {path} seems to divide the images by yes and no, which "
                f"is not read. Add a column 'split' that says one of {ACCEPTED} in each row."
            )


def files_by_part(paths: Iterable[str]) -> Iterator[int]:
    """The part that the second folder of each path names, as in `cat/train/1.png`; else -1."""
    for path in paths:
        folders = path.split("/")[:-1]
        yield part_of(folders[1]) if len(folders) > 1 else -1
