"""Decode a range of pictures into a file of raw pixels: in this process, or as a worker.

`python -m cutaway.data.worker` reads one task a line (JSON) and answers each with one line. It is
a plain program and no fork, so that it inherits neither locks nor threads, does not run the user's
script a second time, imports Pillow alone, and ends with the process that started it (end of file).
"""

import json
import sys
from base64 import b64decode
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from cutaway.data.frame import Frame
from cutaway.data.picture import Picture, Unreadable, read, silenced, values

Task = dict[str, Any]
Answer = dict[str, Any]


def run(task: Task) -> Answer:
    """Decode `task["sources"]` and write them from row `task["first"]` of `task["file"]`.

    A task names the file, the `frame` that all are brought to, the `native` size (height, width)
    that every picture must have before that, or None, and the sources. The answer lists `bad`
    pictures and `notes` as (index, kind, sentence), or the first `misfit` with a plan that is not
    `fixed`: of another size than `native`, `colour` where one channel was planned, or `levels`
    where it has more than 8 bits and no levels were. A task to `measure` writes nothing, and is
    answered by the `levels` of each.
    """
    if task.get("measure"):
        return {"levels": [_value_range(source) for source in task["sources"]]}
    frame = _frame(task["frame"])
    assert frame.size is not None
    blank = bytes(frame.size[0] * frame.size[1] * frame.channels)
    reading = read if task["fixed"] else partial(_read, native=task["native"])
    rows: list[bytes] = []
    answer: Answer = {"bad": [], "notes": []}
    for index, source in enumerate(task["sources"], task["first"]):
        try:
            picture = reading(fetch(source), frame)
        except Misfit as misfit:
            return {**answer, "misfit": str(misfit)}
        except Unreadable as error:
            answer["bad"].append((index, error.kind, error.sentence))
            rows.append(blank)
            continue
        answer["notes"].extend((index, kind) for kind in picture.notes)
        rows.append(picture.pixels)
    with open(task["file"], "r+b", buffering=0) as file:
        file.seek(task["first"] * len(blank))
        _write_all(file, b"".join(rows))
    return answer


def _frame(values: Sequence[Any]) -> Frame:
    """A frame as JSON gives it back."""
    channels, size, fit, levels = values
    return Frame(channels, tuple(size), fit, (levels[0], levels[1]) if levels else None)


class Misfit(Exception):
    """A picture that the plan for all of them does not fit."""


def _read(source: str | bytes, frame: Frame, native: Sequence[int] | None) -> Picture:
    """As `picture.read`. Raises `Misfit`."""
    try:
        picture = read(source, frame)
    except Unreadable as error:
        if error.kind == "range" and frame.levels is None:
            raise Misfit("levels") from None
        raise
    if native and picture.own != tuple(native):
        raise Misfit("size")
    if picture.deep and frame.levels is None:
        raise Misfit("levels")
    if frame.channels == 1 and not picture.grey:
        raise Misfit("colour")
    return picture


def _value_range(source: str | dict[str, Any]) -> list[float] | None:
    """The minimum and maximum of a picture of more than 8 bits."""
    try:
        value_range = values(fetch(source))
    except Unreadable:  # reported when it is decoded
        return None
    return list(value_range) if value_range else None


def _write_all(file: Any, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def fetch(source: str | dict[str, Any]) -> str | bytes:
    """The source that a task names: a path, bytes in base 64, or the cell of a Parquet table.

    Raises `Unreadable` where there is none.
    """
    if isinstance(source, str):
        return source
    if "base64" in source:
        return b64decode(source["base64"])
    if "absent" in source:
        raise Unreadable("empty", source["absent"])
    content = _cells(source["parquet"], source["column"], source["group"])[source["row"]]
    if not content:
        raise Unreadable("empty", "Its cell of the table is empty.")
    return content


@lru_cache(maxsize=1)
def _cells(path: str, column: str, group: int) -> list[str | bytes]:
    """The pictures in one row group of a Parquet file."""
    from cutaway.data.parquet import cells

    return cells(path, column, group)


def main() -> None:
    """Answer tasks until the input ends."""
    with silenced():
        say({"ready": True})
        for line in sys.stdin.buffer:
            try:
                answer = run(json.loads(line))
            except OSError as error:  # the disk, not a picture: the parent gives up
                answer = {"error": [error.errno, str(error.strerror)]}
            say(answer)


def say(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
