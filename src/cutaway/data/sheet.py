"""Tables as text, as spreadsheets write them: encoding, separator, line of column names."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cutaway.data.columns import IMAGE, LABEL, guess
from cutaway.data.imageset import Finding
from cutaway.data.lookup import Lookup, looks_like_file
from cutaway.errors import DataError

SEPARATORS = ",;\t|"
LOOKED_AT = 50  # lines by which the separator is chosen
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ENCODINGS = {"cp949": "Korean", "cp1252": "Western European"}  # of Windows, the likeliest first


class NoRows(DataError):
    """A table without rows."""


class Sheet(NamedTuple):
    """Columns by name, each with its cells as text, findings, and the line of each row."""

    columns: dict[str, list[str]]
    findings: list[Finding]
    lines: list[int]


def sheet(path: Path) -> Sheet:
    """The cells of a CSV or TSV file.

    Raises DataError where it is no text, has no rows, or two columns of one name.
    """
    text, findings = _text(path)
    rows = _rows(path, text)
    header, header_findings = _header(path, rows)
    numbered = [(n, row) for n, row in rows if row is not header]
    wide = {n for n, row in numbered if any(cell.strip() for cell in row[len(header) :])}
    good = {n: row for n, row in numbered if n not in wide}
    long = [f"line {n}" for n, _ in numbered if n in wide]
    if not good:
        raise NoRows(f"{path} has no rows below its line of column names.")
    if long:
        detail = (
            "Has more cells than there are columns: a cell with the separator in it needs quotes"
        )
        detail = f"{detail} ({len(long)})."
        findings += [Finding("ragged-row", tuple(long), detail, True)]
    columns = {
        name.strip(): [row[i] if i < len(row) else "" for row in good.values()]
        for i, name in enumerate(header)
        if name.strip()
    }
    return Sheet(columns, [*findings, *header_findings], [*good])


def _text(path: Path) -> tuple[str, list[Finding]]:
    """Decode the file: UTF-8, UTF-16 by its mark, or an encoding of Windows, with a finding."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read as a table ({error.strerror}).") from None
    marked = next(
        (code for mark, code in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8"
    )
    try:
        return _without_nulls(path, content.decode(marked)), []
    except UnicodeDecodeError:
        pass
    for code, language in ENCODINGS.items():
        try:
            text = content.decode(code)
        except UnicodeDecodeError:
            continue
        if code != "cp949" or _is_korean(text):
            odd = next(word for word in text.split() if not word.isascii())
            detail = (
                f"The table is not in UTF-8 and was read as {language} ({code}): '{odd}'. If that "
                "is not what you wrote, save it as CSV in UTF-8."
            )
            return _without_nulls(path, text), [Finding("encoding", (), detail)]
    raise DataError(f"{path} cannot be read as a table: save it as CSV in UTF-8.")


def _is_korean(text: str) -> bool:
    """Whether most of what is not ASCII is Hangul, as in a right guess."""
    odd = [sign for sign in text if not sign.isascii()]
    return 2 * sum("\uac00" <= sign <= "\ud7a3" for sign in odd) > len(odd)


def _without_nulls(path: Path, text: str) -> str:
    if "\0" in text:
        raise DataError(
            f"{path} cannot be read as a table: it is not text. Save it as CSV in UTF-8."
        )
    return text


def _rows(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Number of the line and cells of each row that has any; `sep=;` of Excel is obeyed."""
    first, _, rest = text.partition("\n")
    directive = first.strip().lower()
    if directive.startswith("sep=") and len(directive) == 5:
        text, sign = rest, directive[-1]
    else:
        sign = max(SEPARATORS, key=lambda sign: _width(text, sign))
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table ({error}).") from None
    if not rows:
        raise NoRows(f"{path} is empty: it has no rows.")
    return rows


def _width(text: str, sign: str) -> int:
    """The number of columns that a separator gives the first line, or 1 where others have fewer."""
    lines = text[: 1 << 20].splitlines()[:LOOKED_AT]
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
    except csv.Error:
        return 0
    return widths[0] if widths and min(widths) > 1 else 1


def _header(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[list[str], list[Finding]]:
    """The line of column names; made up, with a finding, where the first line names a picture
    already."""
    first = rows[0][1]
    pictures = _pictures_in(path, first)
    if not pictures:
        names = [name.strip() for name in first if name.strip()]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise DataError(f"{path} has two columns of the name '{twice}': rename one.")
        return first, []
    header = [str(i + 1) for i in range(len(first))]
    header[pictures[0]] = "image"
    if len(first) == 2:
        header[1 - pictures[0]] = "label"
    detail = (
        f"The table has no line of column names: column {pictures[0] + 1} is read as pictures"
        + (f" and column {2 - pictures[0]} as labels." if len(first) == 2 else ".")
    )
    return header, [Finding("no-header", (), detail)]


def _pictures_in(path: Path, row: Sequence[str]) -> list[int]:
    """The cells of a first row that name a picture, and so are no column names."""
    if pictures := [i for i, cell in enumerate(row) if looks_like_file(cell)]:
        return pictures
    if guess(row, IMAGE) or guess(row, LABEL) or len(row) < 2:
        return []
    there = [Lookup(path).files([cell]).there() for cell in row]
    return [i for i, count in enumerate(there) if count]
