"""Corrected labels: a CSV that `cutaway suspects` writes, and a person fills in."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.sheet import sheet
from cutaway.data.target import Classes
from cutaway.errors import DataError, UsageError, nearest

IMAGE, CORRECT = "image", "correct_label"
"""The columns that are read: the image's name as `ImageSet.names` has it, and its right class."""
COLUMNS = (IMAGE, "label", "suggested", "confidence", CORRECT)
"""The columns that are written."""


def corrected(images: ImageSet, path: str | Path) -> ImageSet:
    """Images with the classes that a CSV gives them; one finding says how many changed.

    Rows whose `correct_label` is empty change nothing.

    Raises:
        UsageError: no such file, or images that have no classes.
        DataError: it lacks a column, corrects nothing, or names an image or a class that is not
            there, or one image twice with different classes.
    """
    if not isinstance(images.target, Classes):
        raise UsageError(f"--fix {path} corrects classes, and these {images.target.description}.")
    right = read_corrections(Path(path))
    numbers = {name: i for i, name in enumerate(images.classes)}
    if unknown := [name for name in right.values() if name not in numbers]:
        raise DataError(
            f"{path} gives the class '{unknown[0]}', which is not among those of the images."
            f"{nearest(unknown[0], numbers)}"
        )
    places = _places(images.names, right, path)
    targets = images.targets.clone()
    for name, place in places.items():
        targets[place] = numbers[right[name]]
    changed = (targets != images.targets).nonzero().flatten().tolist()
    return replace(
        images, targets=targets, findings=(*images.findings, _told(images, changed, path))
    )


def read_corrections(path: Path) -> dict[str, str]:
    """The right class of each image that a CSV corrects.

    Raises:
        UsageError: there is no such file.
        DataError: it is no such table, or corrects nothing.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path} to take corrected labels from. Check the path.")
    columns = sheet(path).columns
    if lacking := [name for name in (IMAGE, CORRECT) if name not in columns]:
        raise DataError(
            f"{path} has no column '{lacking[0]}': corrected labels are a CSV with the columns "
            f"{IMAGE} and {CORRECT}, as `cutaway suspects` writes it."
        )
    right: dict[str, str] = {}
    for cell, correct in zip(columns[IMAGE], columns[CORRECT], strict=True):
        name, label = cell.strip(), correct.strip()
        if label and right.setdefault(name, label) != label:
            raise DataError(
                f"{path} gives {name} two classes, '{right[name]}' and '{label}': keep one."
            )
    if not right:
        raise DataError(
            f"{path} corrects nothing: write the right class of an image into its column {CORRECT}."
        )
    return right


def filled_in(path: Path) -> bool:
    """Whether a file may hold what somebody wrote: any but suspects without a correction."""
    text = io.StringIO(path.read_text(encoding="utf-8", errors="replace"))
    lines = [line for line in csv.reader(text) if line]
    plain = lines[:1] == [list(COLUMNS)] and all(len(line) == len(COLUMNS) for line in lines)
    return not plain or any(line[-1].strip() for line in lines[1:])


def _places(names: Sequence[str], right: dict[str, str], path: str | Path) -> dict[str, int]:
    """The position of each corrected image."""
    places = {name: i for i, name in enumerate(names) if name in right}
    if missing := [name for name in right if name not in places]:
        more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise DataError(
            f"{path} corrects {missing[0]}{more}, which is not among the images: it was made for "
            "others, or files were moved or left out since."
        )
    return places


def _told(images: ImageSet, changed: Sequence[int], path: str | Path) -> Finding:
    noun = "label was" if len(changed) == 1 else "labels were"
    where = tuple(images.names[i] for i in changed)
    return Finding("labels-fixed", where, f"{len(changed):,} {noun} corrected by {path}.")
