"""A folder of TAR files in the way of WebDataset: `7.jpg` beside `7.cls` or `7.json` in each.

They are unpacked once into the cache, with a table of what each picture's other files say.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cutaway.data import cache
from cutaway.data.archive import FILES, is_whole, unpack
from cutaway.data.imageset import PARTS, Finding
from cutaway.data.table_shards import SPLIT, part_of_shard
from cutaway.data.walk import ENDINGS, natural, walk
from cutaway.errors import DataError

TARS = (".tar", ".tar.gz", ".tgz")
TABLE = "pictures.csv"
TELLING = {"cls": "label", "txt": "text"}
"""Files that say one thing of a picture, and what it is called; `json` says several."""


def as_table(root: Path, tars: Sequence[Path]) -> tuple[Path, list[Finding]]:
    """A table of the pictures in all the files, unpacked, and those that are damaged.

    Raises DataError where one cannot be read, or where nothing lies beside the pictures.
    """
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in tars]
    key = cache.digest("webdataset", 1, str(root.resolve()), stamps)
    place, note = cache.entry(key, lambda folder: _build(folder, root, tars), is_whole)
    bad = [Finding("damaged", (name,), detail, True) for name, detail in note["bad"]]
    return place / FILES / TABLE, bad


def _build(folder: Path, root: Path, tars: Sequence[Path]) -> dict[str, Any]:
    files, rows, bad, total = folder / FILES, list[dict[str, Any]](), [], [0, 0]
    files.mkdir()
    for tar in tars:
        name = (
            tar.relative_to(root if root.is_dir() else root.parent)
            .as_posix()
            .partition(".")[0]
            .replace("/", "-")
        )
        note = unpack(tar, files / name)
        bad += note["bad"]
        total = [a + b for a, b in zip(total, note["count"], strict=True)]
        part = part_of_shard(root, tar) if root.is_dir() else -1
        own = {SPLIT: PARTS[part]} if part >= 0 else {}
        rows += [
            {"image": f"{name}{path}", **said, **own} for path, said in _pictures(files / name)
        ]
    if not rows or not any(len(row.keys() - {"image", SPLIT}) for row in rows):
        raise DataError(
            f"{root} holds archives of no pictures with labels: in each, 7.jpg should lie beside "
            "7.cls or 7.json."
        )
    _write(files / TABLE, rows)
    return {"count": [total[0] + 1, total[1] + (files / TABLE).stat().st_size], "bad": bad}


def _pictures(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each picture's path, and what the files of its name say."""
    groups: dict[str, dict[str, str]] = {}
    for path in walk(folder, ""):
        stem, _, ending = path.rpartition("/")[2].partition(".")
        key = f"{path.rpartition('/')[0]}/{stem}"
        groups.setdefault(key, {})[ending.lower()] = path
    for key in sorted(groups, key=natural):
        endings = groups[key]
        picture = next((e for e in endings if f".{e}" in ENDINGS), None)
        if picture is not None:
            yield endings[picture], _said(folder, endings)


def _said(folder: Path, endings: dict[str, str]) -> dict[str, Any]:
    """What the files beside a picture say, by the name of a column."""
    said: dict[str, Any] = {}
    if "json" in endings:
        try:
            told = json.loads((folder / endings["json"].lstrip("/")).read_bytes())
        except ValueError:
            told = None
        if isinstance(told, dict):
            said |= {k: v for k, v in told.items() if isinstance(v, str | int | float)}
    for ending, column in TELLING.items():
        if ending in endings:
            content = (folder / endings[ending].lstrip("/")).read_text("utf-8", "replace")
            said[column] = content.strip()
    return said


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
