"""Which column of a table names the pictures: likely names are tried first, files decide."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from cutaway.data.columns import IMAGE, MASK, NUMBER, guess, likely_columns
from cutaway.data.imageset import Finding
from cutaway.data.lookup import Files, Lookup, looks_like_file
from cutaway.errors import DataError, UsageError

RENAME = "Call the one to learn from 'image', and leave the others out or give them other names."
Read = Callable[[str], list[Any]]


def picture_files(
    path: Path,
    columns: Sequence[str],
    read: Read,
    exclude: Collection[str] = (),
    advice: str = "",
) -> tuple[str, Files]:
    """The column of a table whose cells are files, and these files.

    A likely name decides between columns that name files, and one that names none is passed over.
    Numbers (`id`) are taken where no column of another name has cells that are files.

    Args:
        columns: those that may name pictures.
        exclude: columns of these that are labels.
        advice: what to do where no column names pictures, or several name different ones.

    Raises:
        UsageError: there is no such column, or there are several of different pictures.
        DataError: none of the files is there.
    """
    lookup = Lookup(path)
    likely = likely_columns([one for one in columns if one not in exclude], IMAGE)
    named = [one for one in likely if not guess([one], NUMBER)]
    there = _found(lookup, named, read)
    if not there:
        rest = [one for one in likely if one not in named]
        others = [one for one in columns if one not in (*likely, *exclude) and not _is_mask(one)]
        rest += [one for one in others if _names_files(read(one))]
        there = _found(lookup, rest, read)
        if not there:
            if not (named or rest):
                raise UsageError(no_pictures(path, columns, advice))
            first = (named or rest)[0]
            raise DataError(nothing_there(path, first, lookup.files(read(first))))
    numbers = [one for one in there if guess([one], NUMBER)]
    chosen = {one: files for one, files in there.items() if one not in numbers} or there
    if len({tuple(files.paths) for files in chosen.values()}) > 1:
        raise UsageError(ambiguous(path, list(chosen), advice or RENAME))
    column, files = next(iter(chosen.items()))
    passed = [one for one in numbers if there[one].paths != files.paths]
    return column, files._replace(findings=[*files.findings, *_passed_over(column, passed)])


def _passed_over(column: str, numbers: Sequence[str]) -> list[Finding]:
    """The finding that numbers fit other files than those that the column of pictures names."""
    if not numbers:
        return []
    detail = (
        f"Column '{column}' is taken as pictures, not '{numbers[0]}', whose numbers are the names "
        "of other files."
    )
    return [Finding("picture-column", (), detail)]


def _found(lookup: Lookup, columns: Iterable[str], read: Read) -> dict[str, Files]:
    """The files of those columns that name any. Raises DataError where none does, for a name in
    one that fits several files."""
    found, problem = {}, None
    for column in columns:
        try:
            files = lookup.files(read(column))
        except DataError as error:
            problem = error
            continue
        if files.there():
            found[column] = files
    if problem and not found:
        raise problem
    return found


def _is_mask(column: str) -> bool:
    return "mask" in column.lower() or bool(guess([column], MASK))


def _names_files(values: Iterable[Any]) -> bool:
    """Whether all cells that are not empty have the ending of a picture."""
    texts = [value for value in values if isinstance(value, str) and value]
    return bool(texts) and all(map(looks_like_file, texts))


def no_pictures(path: Path, columns: Iterable[str], advice: str) -> str:
    """The message where no column looks like pictures."""
    advice = advice or "Call it 'image' or 'file'."
    return f"{path} has no column that looks like pictures: {', '.join(columns)}. {advice}"


def ambiguous(path: Path, columns: Sequence[str], advice: str = RENAME) -> str:
    """The message where several columns hold different pictures."""
    return f"{path} has several columns of pictures: {', '.join(columns)}. {advice}"


def nothing_there(path: Path, column: str, files: Files) -> str:
    """The message where all files are missing: the paths are wrong (`pack` leaves out a few)."""
    names = [name for name in files.names if name]
    of = f"column '{column}' of {path}"
    if not names:
        return f"All cells of {of} are empty: it should name a picture in each row."
    if any(name.startswith(("http://", "https://")) for name in names[:3]):
        return f"C{of[1:]} holds addresses such as {names[0]}: download the pictures first."
    return (
        f"None of the {len(names)} pictures that {of} names is there, among them "
        f"{', '.join(names[:3])}. Paths count from the folder of the table, or from the current "
        "folder; names alone, also without ending, are looked for below the folder of the table."
    )
