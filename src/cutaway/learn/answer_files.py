"""Answers in a file: CSV, lines of JSON or Parquet, written as they come.

They grow in `NAME.part`, which gets its name once all are there. Of a run that was stopped that
file stays, with what had been answered.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cutaway.errors import UsageError
from cutaway.files import finite, writing
from cutaway.learn.answers import Answered
from cutaway.learn.prediction import Prediction

PART = ".part"
GROUP = 10_000
"""Rows that a Parquet file keeps together, and that wait in memory."""


@contextmanager
def answer_file(path: Path, overwrite: bool = False) -> Iterator[Callable[[Answered], None]]:
    """A function that adds an answer to the file, whose ending decides its format.

    Raises:
        UsageError: there is something at `path` already, or `NAME.part` beside it.
        RunError: it cannot be written.
    """
    with growing(path, overwrite) as part:
        file = FORMATS[path.suffix.lower()](part)

        def add(one: Answered) -> None:
            with writing(path):
                file.add(one.prediction)

        try:
            yield add
            with writing(path):
                file.finish()
        finally:
            file.close()


@contextmanager
def growing(path: Path, overwrite: bool) -> Iterator[Path]:
    """A path to write to, which becomes `path` if all goes well, and stays if it does not.

    Raises:
        UsageError: there is something at one of them.
        RunError: it cannot be written.
    """
    refuse_existing(path, overwrite)
    part = path.with_name(path.name + PART)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            open(part, "wb" if overwrite else "xb").close()
        except FileExistsError:
            raise UsageError(
                f"{part} is there: another predict is writing it, or one was stopped and left its "
                "answers. Move it away, or add --overwrite."
            ) from None
    try:
        yield part
    except BaseException:
        if not part.stat().st_size:
            part.unlink()
        raise
    with writing(path):
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise UsageError where something would be overwritten that nobody asked for."""
    if os.path.lexists(path) and (path.is_dir() or not overwrite):
        advice = "" if path.is_dir() else ", or add --overwrite"
        raise UsageError(
            f"{path} exists already and is not overwritten: choose another name{advice}."
        )


class _Rows:
    """Predictions as rows with the columns of the first answer; broken ones before it wait.

    Attributes:
        group: rows that are written at once.
    """

    group = 100

    def __init__(self, part: Path):
        self.part = part
        self.columns: tuple[str, ...] = ()
        self.waiting: list[dict[str, Any]] = []

    def add(self, one: Prediction) -> None:
        answer = {} if one.error else {**one.row(), **one.likeness()}
        self.waiting.append({"image": one.name, **answer, "error": one.error or None})
        if answer and not self.columns:
            self.begin(("image", *answer, "error"))
        if self.columns and len(self.waiting) >= self.group:
            self.flush()

    def begin(self, columns: tuple[str, ...]) -> None:
        self.columns = columns

    def flush(self) -> None:
        """Write the rows that wait."""
        raise NotImplementedError

    def finish(self) -> None:
        if not self.columns:  # no image could be read
            self.begin(("image", "error"))
        self.flush()

    def close(self) -> None:
        """Close what is open, also after a failure."""


class Csv(_Rows):
    """A line of column names, then one for each image; `error` says why an answer is missing."""

    def __init__(self, part: Path):
        super().__init__(part)
        self.file = open(part, "w", newline="", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
        self.writer = csv.writer(self.file)

    def begin(self, columns: tuple[str, ...]) -> None:
        super().begin(columns)
        self.writer.writerow(columns)

    def flush(self) -> None:
        self.writer.writerows([row.get(name) for name in self.columns] for row in self.waiting)
        self.waiting.clear()

    def close(self) -> None:
        self.file.close()


class Parquet(_Rows):
    """The same as columns of text and numbers, by pyarrow.

    Raises:
        UsageError: the package is not there.
    """

    group = GROUP

    def __init__(self, part: Path):
        super().__init__(part)
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise UsageError(
                "Parquet files need pyarrow: pip install 'cutaway[parquet]', or choose .csv."
            ) from None
        self.arrow: Any = pyarrow
        self.writer: Any = None

    def flush(self) -> None:
        if self.writer is None:
            self.schema = self.arrow.schema([(one, self._kind(one)) for one in self.columns])
            self.writer = self.arrow.parquet.ParquetWriter(self.part, self.schema)
        rows = [{name: _text(row.get(name)) for name in self.columns} for row in self.waiting]
        self.writer.write_table(self.arrow.Table.from_pylist(rows, self.schema))
        self.waiting.clear()

    def _kind(self, column: str) -> Any:
        """The type of a column, by its first value."""
        known = (row[column] for row in self.waiting if row.get(column) is not None)
        number = isinstance(next(known, ""), float)
        return self.arrow.float64() if number else self.arrow.string()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _text(value: Any) -> Any:
    """A value whose text is UTF-8, which names of files need not be."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


class JsonLines:
    """An object a line, as `--json` prints them."""

    def __init__(self, part: Path):
        # A name that is not UTF-8 becomes \udcff and so on, which JSON reads.
        self.file = open(part, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115

    def add(self, one: Prediction) -> None:
        self.file.write(json.dumps(finite(one.to_dict()), ensure_ascii=False) + "\n")

    def finish(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()


FORMATS: dict[str, Callable[[Path], Any]] = {
    ".csv": Csv, ".jsonl": JsonLines, ".parquet": Parquet,
}  # fmt: skip
"""By the ending of a file's name."""
