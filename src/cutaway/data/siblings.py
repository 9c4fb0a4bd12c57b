"""Tables of one folder that are parts by their names: `train.csv` beside `test.csv`."""

from pathlib import Path

from cutaway.data.division import ambiguous_parts, likely_part, part_of
from cutaway.data.files import TABLES, division
from cutaway.data.imageset import PARTS, Finding
from cutaway.data.table import open_table, target_columns
from cutaway.data.target_spec import TargetSpec
from cutaway.data.walk import list_folder
from cutaway.errors import UsageError


def tables_by_part(root: Path, spec: TargetSpec) -> tuple[dict[int, Path], list[Finding]]:
    """The tables of a folder by the part that each names; those without labels become findings.

    Nothing where there are not several, or where the folder has class folders, which count more.
    Raises DataError where two name the same part.
    """
    if has_class_folders(root):
        return {}, []
    several = _named(root)
    if len(several) < 2 or 0 not in several:
        return {}, []
    tables = {part: _only(root, part, paths) for part, paths in several.items()}
    bare = [part for part, path in tables.items() if part and not _labelled(path, spec)]
    findings = [Finding("unlabelled-part", (), _to_predict(tables[part])) for part in bare]
    return {part: path for part, path in tables.items() if part not in bare}, findings


def unread_tables(path: Path) -> list[Finding]:
    """The finding that tables which divide are not read: beside class folders, or beside the one
    named."""
    parts = _named(path if path.is_dir() else path.parent)
    every = [table for tables in parts.values() for table in tables]
    if len(parts) < 2 or 0 not in parts or (path.is_file() and path not in every):
        return []
    others = " and ".join(table.name for table in every if table != path)
    if path.is_dir():
        detail = f"The class folders are read, and not {others}: name one of the tables to learn "
        detail += "from what it lists."
    else:
        detail = f"{path.name} alone is read, and not {others} beside it: name the folder "
        detail += f"({path.parent}) to take the tables as its parts."
    return [Finding("table-beside", (), detail)]


def _named(root: Path) -> dict[int, list[Path]]:
    """The tables whose name names a part; where one is just called so, that alone."""
    tables: dict[int, list[Path]] = {part: [] for part in range(len(PARTS))}
    for path in (root / name for name in list_folder(root)[1] if name.lower().endswith(TABLES)):
        if (part := likely_part(path.stem)) >= 0:
            tables[part].append(path)
    exact = {part: [one for one in paths if part_of(one.stem) == part]
             for part, paths in tables.items()}  # fmt: skip
    return {part: exact[part] or paths for part, paths in tables.items() if paths}


def _only(root: Path, part: int, paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise ambiguous_parts(root, [path.name for path in paths], part)
    return paths[0]


def has_class_folders(root: Path) -> bool:
    """Whether the folder, or its parts, hold folders that can be classes."""
    tops = division(root) or {"": -1}
    return len({name for top in tops for name in list_folder(root / top)[0]}) > 1


def _labelled(path: Path, spec: TargetSpec) -> bool:
    try:
        return bool(target_columns(open_table(path), spec))
    except UsageError:
        return False


def _to_predict(path: Path) -> str:
    return (
        f"{path.name} has no labels: its pictures are used neither for training nor for testing. "
        "Add a column of labels to test on them, or let the network predict them: cutaway "
        "predict RUN FILE."
    )
