"""Decodes a stretch of pictures into a file of raw pixels: in this process, or as a worker.

`python -m cutaway.data.worker` reads one task a line (JSON) and answers each with one line. It is
a plain program and no fork, so that it inherits neither locks nor threads, does not run the user's
script a second time, imports Pillow alone, and ends with the process that started it (end of file).
"""

import json
import sys
from base64 import b64decode
from functools import lru_cache
from typing import Any

from cutaway.data.picture import Picture, Unreadable, padded, quietly, read

Task = dict[str, Any]
Answer = dict[str, Any]


def run(task: Task) -> Answer:
    """Decode `task["sources"]` and write them from row `task["first"]` of `task["file"]`.

    A task names the file, its `side` and `channels`, the `native` size (height, width) that every
    picture must have or None to resize, and the sources. The answer lists `bad` pictures and
    `notes` as (index, kind, sentence), or the first `misfit`: of another size than `native`, or
    `colour` where one channel was planned.
    """
    side, channels = task["side"], task["channels"]
    blank = bytes(side * side * channels)
    rows: list[bytes] = []
    answer: Answer = {"bad": [], "notes": []}
    for index, source in enumerate(task["sources"], task["first"]):
        try:
            picture = read(fetch(source), None if task["native"] else side, channels)
        except Unreadable as error:
            answer["bad"].append((index, error.kind, error.sentence))
            rows.append(blank)
            continue
        if misfit := _misfit(picture, task):
            return {**answer, "misfit": misfit}
        answer["notes"].extend((index, kind) for kind in picture.notes)
        square = picture.height == picture.width
        rows.append(picture.pixels if square else padded(picture, channels))
    with open(task["file"], "r+b", buffering=0) as file:
        file.seek(task["first"] * len(blank))
        _write_all(file, b"".join(rows))
    return answer


def _write_all(file: Any, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _misfit(picture: Picture, task: Task) -> str:
    if task["native"] and (picture.height, picture.width) != tuple(task["native"]):
        return "size"
    return "colour" if task["channels"] == 1 and not picture.grey else ""


def fetch(source: str | dict[str, Any]) -> str | bytes:
    """What a task names: a path, bytes in base 64, or the cell of a Parquet table."""
    if isinstance(source, str):
        return source
    if "base64" in source:
        return b64decode(source["base64"])
    return _cells(source["parquet"], source["column"], source["group"])[source["row"]]


@lru_cache(maxsize=1)
def _cells(path: str, column: str, group: int) -> list[str | bytes]:
    """The pictures in one row group of a Parquet file."""
    from cutaway.data.parquet import cells

    return cells(path, column, group)


def main() -> None:
    """Answer tasks until the input ends."""
    with quietly():
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
