"""Tables that divide by their names: `train.csv` beside `test.csv`, in one folder."""

from pathlib import Path

from cutaway.data.columns import chosen
from cutaway.data.division import both_mean, likely_part, part_of
from cutaway.data.files import TABLES, division, listed
from cutaway.data.imageset import PARTS, Finding
from cutaway.data.table import opened
from cutaway.data.wanted import Wanted
from cutaway.errors import UsageError


def by_part(root: Path, wanted: Wanted) -> tuple[dict[int, Path], list[Finding]]:
    """The tables of a folder by the part that each names; those without labels are told instead.

    Nothing where there are not several, or where the folder has class folders, which count more.
    Raises DataError where two name the same part.
    """
    if _classed(root):
        return {}, []
    several = _named(root)
    if len(several) < 2 or 0 not in several:
        return {}, []
    found = {part: _only(root, part, paths) for part, paths in several.items()}
    bare = [part for part, path in found.items() if part and not _labelled(path, wanted)]
    told = [Finding("unlabelled-part", (), _to_predict(found[part])) for part in bare]
    return {part: path for part, path in found.items() if part not in bare}, told


def beside(path: Path) -> list[Finding]:
    """That tables are not read which divide: beside class folders, or beside the one named."""
    parts = _named(path if path.is_dir() else path.parent)
    every = [table for tables in parts.values() for table in tables]
    if len(parts) < 2 or 0 not in parts or (path.is_file() and path not in every):
        return []
    others = " and ".join(table.name for table in every if table != path)
    if path.is_dir():
        said = f"The class folders are read, and not {others}: name one of the tables to learn "
        said += "from what it lists."
    else:
        said = f"{path.name} alone is read, and not {others} beside it: name the folder "
        said += f"({path.parent}) to take the tables as its parts."
    return [Finding("table-beside", (), said)]


def _named(root: Path) -> dict[int, list[Path]]:
    """The tables whose name names a part; where one is just called so, that alone."""
    found: dict[int, list[Path]] = {part: [] for part in range(len(PARTS))}
    for path in (root / name for name in listed(root)[1] if name.lower().endswith(TABLES)):
        if (part := likely_part(path.stem)) >= 0:
            found[part].append(path)
    exact = {part: [one for one in paths if part_of(one.stem) == part]
             for part, paths in found.items()}  # fmt: skip
    return {part: exact[part] or paths for part, paths in found.items() if paths}


def _only(root: Path, part: int, paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise both_mean(root, [path.name for path in paths], part)
    return paths[0]


def _classed(root: Path) -> bool:
    """Whether the folder, or its parts, hold folders that can be classes."""
    tops = division(root) or {"": -1}
    return len({name for top in tops for name in listed(root / top)[0]}) > 1


def _labelled(path: Path, wanted: Wanted) -> bool:
    columns = list(opened(path).columns)
    try:
        return all(chosen(path, columns, name) for name in wanted.columns or [""])
    except UsageError:
        return False


def _to_predict(path: Path) -> str:
    return (
        f"{path.name} has no labels: its pictures are used neither for training nor for testing. "
        "Add a column of labels to test on them, or let the network predict them: cutaway "
        "predict RUN FILE."
    )
