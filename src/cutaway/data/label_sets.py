"""Several labels an image: from columns of 0 and 1, from lists in one column, from an array."""

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from cutaway.data.files import natural
from cutaway.data.imageset import Finding
from cutaway.data.targets import MAX_UNCHECKED, Labels, Place, listed_places, row_place, text_of
from cutaway.errors import DataError

FLAGS = {"0": 0, "0.0": 0, "false": 0, "no": 0, "1": 1, "1.0": 1, "true": 1, "yes": 1}
"""How a cell says whether an image has a label, in lower case."""
SEPARATORS = "|;,"
"""What stands between several labels in one cell, the clearest first."""
SHOWN = 10  # labels that a message names


class LabelSets(NamedTuple):
    """The labels of each image: ascending indices into `names`; None where none are told."""

    sets: list[tuple[int, ...] | None]
    names: list[str]
    findings: list[Finding]


def flag_columns(columns: Iterable[str], read: Callable[[str], list[Any]]) -> list[str]:
    """The columns that hold 0 and 1 alone (or yes and no); none where there are not several."""
    words = {name: {*map(_plain, read(name))} - {""} for name in columns}
    found = [name for name, some in words.items() if some and some <= FLAGS.keys()]
    return found if len(found) > 1 else []


def sets_of_columns(
    columns: Mapping[str, Sequence[Any]], place: Place = row_place, of: str = "the data"
) -> LabelSets:
    """The labels of each row of a table that has a column of 0 and 1 for each.

    An empty cell is a 0 in a row that says anything of the other labels, which is told; a row of
    empty cells has no labels.

    Args:
        place, of: where a row stands, and in what, for messages.

    Raises:
        DataError: a cell is neither 0 nor 1.
    """
    flags = [_flags(cells, name, place, of) for name, cells in columns.items()]
    rows = list(zip(*flags, strict=True))
    names = list(columns)
    sets = [
        None if all(one is None for one in row) else tuple(k for k, one in enumerate(row) if one)
        for row in rows
    ]
    detail = f"The columns {listed(names)} are taken as labels, of which an image may have several."
    findings = [Finding("multi-label", (), detail)]
    blank = sum(None in row for row, labels in zip(rows, sets, strict=True) if labels is not None)
    if blank:
        detail = (
            f"Rows with empty cells beside others ({blank:,}): empty is taken as 0, without it."
        )
        findings.append(Finding("blank-label", (), detail))
    return LabelSets(sets, names, findings)


def one_each(labels: LabelSets) -> Labels | None:
    """Columns of which each row has exactly one 1, as classes (one-hot); else None."""
    told = [some for some in labels.sets if some is not None]
    if not told or any(len(some) != 1 for some in told):
        return None
    detail = f"The columns {listed(labels.names)} have one 1 in each row, and are taken as classes."
    findings = [Finding("one-hot", (), detail), *labels.findings[1:]]
    return Labels([-1 if some is None else some[0] for some in labels.sets], labels.names, findings)


def sets_of_cells(
    cells: Sequence[Any], known: Sequence[str] | None = None, of: str = "The data",
    several: bool = False,
) -> LabelSets | None:  # fmt: skip
    """The labels of each image from cells that hold lists; None where they hold one label each.

    Lists are objects, text such as `["cat", "dog"]`, or labels between `|`, `;` or commas. Of text
    an empty cell is an image without any of the labels.

    Args:
        known: names of the classes, where the source has such: numbers are then indices into them.
        several: take every `|` and `;` for what divides labels.

    Raises:
        DataError: the lists hold something else than labels.
    """
    lists, taken = _lists(cells, several)
    if lists is None:
        return None
    texts = [None if one is None else [*filter(None, map(text_of, one))] for one in lists]
    found = [*dict.fromkeys(text for one in texts if one for text in one)]
    names = [*known] if known else sorted(found, key=natural)
    _check_labels(found, len(cells), known, of)
    place = {str(k): k for k in range(len(known or ()))} | {name: k for k, name in enumerate(names)}
    sets = [None if one is None else tuple(sorted({place[text] for text in one})) for one in texts]
    empty = sum(labels == () for labels in sets)
    detail = f"{of} is taken as several labels an image ({taken}): {listed(names)}."
    detail += f" Images with none of them: {empty:,}." if empty else ""
    return LabelSets(sets, names, [Finding("multi-label", (), detail)])


def _check_labels(found: Sequence[str], images: int, known: Sequence[str] | None, of: str) -> None:
    """Refuse no labels, far too many, or others than are known."""
    if not found:
        raise DataError(f"{of} gives no label for any image, so there is nothing to train on.")
    if len(found) > max(MAX_UNCHECKED, images // 2):
        raise DataError(
            f"{of} has {len(found):,} different labels for {images:,} images, such as "
            f"'{found[0]}': name the right column with --label (label=...)."
        )
    numbers = {str(k) for k in range(len(known or ()))}
    if known and (strangers := [text for text in found if text not in {*known} | numbers]):
        raise DataError(f"Label '{strangers[0]}' is not among the {len(known)} that {of} names.")


def sets_of_rows(
    targets: Any, names: Sequence[str] = (), several: bool = False
) -> LabelSets | None:
    """The labels of each image from rows of 0 and 1, some of several ones; None for all else.

    Args:
        names: of the labels; by default `label 1`, `label 2`.
        several: take rows of one 1, or of none, for such, too.

    Raises:
        DataError: there are other names than columns.
    """
    if not (isinstance(targets, np.ndarray) and targets.ndim == 2 and targets.shape[1] > 1):
        return None
    if targets.dtype.kind not in "fiub" or not ((targets == 0) | (targets == 1)).all():
        return None
    if not (several or (targets.sum(1) > 1).any()):
        return None
    names = list(names) or [f"label {k + 1}" for k in range(targets.shape[1])]
    if len(names) != targets.shape[1]:
        raise DataError(f"There are {targets.shape[1]} labels an image, and {len(names)} names.")
    detail = f"Rows of 0 and 1 are taken as several labels an image: {listed(names)}."
    sets = [tuple(np.flatnonzero(row).tolist()) for row in targets]
    return LabelSets([*sets], [*names], [Finding("multi-label", (), detail)])


def separator(texts: Collection[str]) -> str:
    """What divides the cells into several labels: `|`, `;` or a comma; empty where nothing does.

    A sign does where at least half of the pieces between it stand in other cells as well (of
    commas more than half): `crane, bird` is one name beside `crane, machine`.
    """
    for sign in SEPARATORS:
        pieces = Counter(piece for text in texts for piece in {*_pieces(text, sign)})
        inside = {piece for text in texts if sign in text for piece in _pieces(text, sign)}
        again = sum(pieces[piece] > 1 for piece in inside)
        if inside and 2 * again >= len(inside) + (sign == ","):
            return sign
    return ""


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """`cat, dog and 3 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _lists(cells: Sequence[Any], several: bool) -> tuple[list[list[Any] | None] | None, str]:
    """The lists that cells hold, and how; no lists where they hold one label each."""
    if any(isinstance(cell, list | tuple | set | np.ndarray) for cell in cells):
        return [_as_list(cell) for cell in cells], "lists"
    texts = [text_of(cell) or "" for cell in cells]
    distinct = {*texts} - {""}
    if (read := {text: _literal(text) for text in distinct}) and all(
        value is not None for value in read.values()
    ):
        return [read.get(text, []) for text in texts], "lists in brackets"
    sign = separator(distinct)
    if several and not sign:
        sign = next((one for one in "|;" if any(one in text for text in distinct)), "")
    if not sign:
        return None, ""
    return [_pieces(text, sign) for text in texts], f"between '{sign}'"


def _as_list(cell: Any) -> list[Any] | None:
    if isinstance(cell, list | tuple | set | np.ndarray):
        return sorted(cell, key=str) if isinstance(cell, set) else list(cell)
    return None if text_of(cell) is None else [cell]


def _literal(text: str) -> list[Any] | None:
    """A list that is written out, as JSON and Python do."""
    if text.startswith("[") and text.endswith("]"):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return list(ast.literal_eval(text))
    return None


def _pieces(text: str, sign: str) -> list[str]:
    return [piece.strip() for piece in text.split(sign) if piece.strip()]


def _plain(cell: Any) -> str:
    listy = isinstance(cell, list | tuple | set | dict | np.ndarray)
    return "list" if listy else (text_of(cell) or "").lower()


def _flags(cells: Sequence[Any], column: str, place: Place, of: str) -> list[int | None]:
    texts = [_plain(cell) for cell in cells]
    if bad := [row for row, text in enumerate(texts) if text not in ("", *FLAGS)]:
        raise DataError(
            f"Column '{column}' of {of} holds '{texts[bad[0]]}', which is neither 0 nor 1, in "
            f"{listed_places(bad, place)}: a column of a label says of each image whether it has "
            "that label. Name other columns with --label (label=...), or add --task regress "
            '(task="regress") where numbers are to be predicted.'
        )
    return [FLAGS.get(text) for text in texts]
