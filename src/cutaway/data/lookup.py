"""Find the files that the cells of a table name: as paths, or by name below the table's folder."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from cutaway.data.imageset import Finding
from cutaway.data.targets import text_of
from cutaway.data.walk import ENDINGS, walk
from cutaway.errors import DataError


class Files(NamedTuple):
    """For each cell the path of its file, there or not, and what reports call it."""

    paths: list[str]
    names: list[str]
    findings: list[Finding]

    def there(self) -> int:
        """Number of the files that exist."""
        return sum(map(os.path.isfile, self.paths))


class Lookup:
    """Finds the pictures of a table.

    A path counts from the folder of the table, or else from the current folder. What is in neither
    is looked for below the table's folder, by its last parts, with or without the ending of a
    picture: so `0001` finds `train/0001.jpg`.

    Args:
        table: its file; where there are pictures of one name in several folders, that of the
            folder with the table's name is meant (`train.csv`, `train/`).
    """

    def __init__(self, table: Path):
        self.folder, self.stem = table.parent, table.stem.lower()

    def files(self, cells: Sequence[Any]) -> Files:
        """The files of all cells. Raises DataError where a name fits several."""
        cells = [(text_of(cell) or "").replace("\\", "/") for cell in cells]
        paths_found = [self._direct(cell) for cell in cells]
        missing = [i for i, path in enumerate(paths_found) if not path and cells[i]]
        names = list(cells)
        below = self._below([cells[i] for i in missing]) if missing else {}
        for i in missing:
            if inner := below.get(cells[i]):
                paths_found[i], names[i] = os.path.join(self.folder, inner), inner
        paths = [
            path or os.path.join(self.folder, cell)
            for path, cell in zip(paths_found, cells, strict=True)
        ]
        return Files(paths, names, _found_by_name(below, len(missing)))

    def _direct(self, cell: str) -> str:
        """The path from the folder of the table or from the current one; empty if there is none."""
        places = (os.path.join(self.folder, cell), os.path.expanduser(cell))
        return next((path for path in places if cell and os.path.isfile(path)), "")

    def _below(self, cells: Sequence[str]) -> dict[str, str]:
        """Paths from the table's folder, for those cells that fit a picture there."""
        fits = {cell: self._fitting(cell) for cell in cells}
        folders = Counter(
            str(PurePosixPath(one[0]).parent) for one in fits.values() if len(one) == 1
        )
        found = {cell: self._one_of(cell, paths, folders) for cell, paths in fits.items() if paths}
        return {cell: path for cell, path in found.items() if path}

    def _fitting(self, cell: str) -> list[str]:
        """All pictures that a cell may mean."""
        tail = cell.removeprefix("./").lower()
        key = tail.rsplit("/", 1)[-1]
        inside = [p for p in self._index[key] if self._ends(p.lower(), tail)]
        if inside or not _absolute(cell):
            return inside
        return self._index[key]  # a path of another computer

    @staticmethod
    def _ends(path: str, tail: str) -> bool:
        stem = path[: -len(_ending(path))]
        return any(one == tail or one.endswith(f"/{tail}") for one in (path, stem))

    def _one_of(self, cell: str, paths: list[str], folders: Counter[str]) -> str:
        """The one in the folder with the table's name, or where the others are."""
        if len(paths) == 1:
            return paths[0]
        own = [p for p in paths if p.lower().startswith(self.stem)]
        usual = [p for p in paths if str(PurePosixPath(p).parent) in folders]
        for some in (own, usual):
            if len(some) == 1:
                return some[0]
        raise DataError(
            f"'{cell}' may be {' or '.join(paths[:3])}: write the folder into the table as well."
        )

    @cached_property
    def _index(self) -> defaultdict[str, list[str]]:
        """Pictures below the folder, by their name with and without ending, in lower case."""
        index: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(walk(self.folder, ".")):
            inner = path.removeprefix("./")
            if ending := _ending(inner):
                name = inner.rsplit("/", 1)[-1].lower()
                index[name].append(inner)
                index[name[: -len(ending)]].append(inner)
        return index


def looks_like_file(cell: str) -> bool:
    """Whether a cell has the ending of a picture."""
    return bool(_ending(cell.strip()))


def _ending(path: str) -> str:
    return next((ending for ending in ENDINGS if path.lower().endswith(ending)), "")


def _absolute(cell: str) -> bool:
    return cell.startswith("/") or bool(PureWindowsPath(cell).drive)


def _found_by_name(below: dict[str, str], lost: int) -> list[Finding]:
    """The finding that pictures were searched for by name, and where they were found."""
    if not below:
        return []
    folders = sorted({str(PurePosixPath(path).parent) for path in below.values()})
    cell, path = next(iter(below.items()))
    detail = (
        f"{len(below):,} of the {lost:,} pictures that are not where the table says are found by "
        f"their names in {', '.join(folders[:3])}{' and other folders' * (len(folders) > 3)}, such "
        f"as {path} for '{cell}'."
    )
    return [Finding("found-by-name", (), detail)]
