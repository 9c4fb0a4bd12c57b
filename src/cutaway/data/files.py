"""Folders of pictures: `root/class/*`, or `root/train/class/*` beside `val` and `test`."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from cutaway.data.frame import Size
from cutaway.data.imageset import PARTS, Finding, ImageSet
from cutaway.data.pack import Progress, Sample, pack
from cutaway.errors import DataError

PART_NAMES = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
LITTER = {"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}
ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".heic",
    ".heif",
    ".avif",
)
Read = tuple[list[Sample], list[str], list[Finding]]


def folder(root: Path, image_size: Size, progress: Progress | None) -> ImageSet:
    """The pictures below a folder, in classes named by its folders. Raises DataError."""
    samples, classes, findings = folder_samples(root)
    return pack(
        samples,
        classes,
        image_size=image_size,
        name=str(root),
        findings=findings,
        progress=progress,
    )


def folder_samples(root: Path) -> Read:
    """Every file below the class folders of `root`, the classes, and the classes without files."""
    folders, files = listed(root)
    if not folders:
        raise DataError(_no_classes(root, files))
    divided = division(folders)
    tops = divided or {"": -1}
    classes = sorted({c for top in tops for c in listed(root / top)[0]}, key=natural)
    if len(classes) < 2:
        raise DataError(_one_class(root, folders, classes))
    samples = []
    for top, part in tops.items():
        for target, name in enumerate(classes):
            below = f"{top}/{name}" if top else name
            found = sorted(walk(root / below, below))
            samples += [Sample(f"{root}{os.sep}{path}", target, path, part) for path in found]
    if not samples:
        raise DataError(
            f"The class folders of {root} are empty. Put each class's pictures in its own."
        )
    return samples, classes, _loose(files)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sorting key by which `10` comes after `9`."""
    pieces = re.split(r"(\d+)", text)
    return [(0, int(p), p) if p.isdecimal() and p.isascii() else (1, 0, p) for p in pieces if p]


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def listed(root: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in a folder, without those that nobody sees."""
    if not root.is_dir():
        return [], []
    try:
        seen = [entry for entry in os.scandir(root) if not _hidden(entry.name)]
    except OSError as error:
        _refuse(error)
    folders = sorted(entry.name for entry in seen if entry.is_dir())
    return folders, sorted(entry.name for entry in seen if not entry.is_dir())


def walk(path: Path, below: str) -> Iterator[str]:
    """Files at any depth, as paths with `/` from the root; links to folders are not followed."""
    if not path.is_dir():
        return
    for here, folders, files in os.walk(path, onerror=_refuse):
        folders[:] = [name for name in folders if not _hidden(name)]
        inner = os.path.relpath(here, path).replace(os.sep, "/")
        stem = below if inner == "." else f"{below}/{inner}"
        yield from (f"{stem}/{name}" for name in files if not _hidden(name))


def _refuse(error: OSError) -> NoReturn:
    """A folder that cannot be listed is not passed over in silence."""
    raise DataError(f"The folder {error.filename} cannot be read ({error.strerror}).") from error


def division(folders: Sequence[str]) -> dict[str, int]:
    """Folder and part, where all folders are named as parts of a division; else nothing."""
    parts = {name: PART_NAMES.get(name.lower(), -1) for name in folders}
    complete = len(parts) > 1 or 0 in parts.values()
    if -1 in parts.values() or not complete or len(set(parts.values())) < len(parts):
        return {}
    return dict(sorted(parts.items(), key=lambda item: item[1]))


def _loose(files: Sequence[str]) -> list[Finding]:
    """Pictures that lie beside the class folders have no label."""
    loose = tuple(name for name in files if name.lower().endswith(ENDINGS))
    if not loose:
        return []
    said = f"Lies beside the class folders and so has no label ({len(loose)})."
    return [Finding("unlabelled", loose, said, True)]


def _no_classes(root: Path, files: Sequence[str]) -> str:
    tables = [name for name in files if name.lower().endswith((".csv", ".tsv", ".parquet"))]
    if tables:
        return f"{root} holds a table and no class folders. Name the table: {root / tables[0]}."
    if files:
        return (
            f"The {len(files)} files in {root} have no labels. Put the pictures of each class in a "
            f"folder of its own, as in {root / 'cat' / files[0]}, or name a CSV that labels them."
        )
    return f"{root} is empty. It should hold one folder of pictures for each class."


def _one_class(root: Path, folders: Sequence[str], classes: Sequence[str]) -> str:
    if not classes:
        return (
            f"{root} holds {', '.join(folders)} without class folders. Put one in for each class."
        )
    inner = root / classes[0]
    if len(listed(inner)[0]) > 1:
        return f"{root} holds one class only, '{classes[0]}'. Did you mean {inner}?"
    return f"{root} holds one class only, '{classes[0]}'. To tell classes apart there must be two."


assert set(PART_NAMES.values()) == set(range(len(PARTS)))
