"""Data in pieces: a folder of Parquet files, or of archives in the way of WebDataset."""

from dataclasses import replace
from pathlib import Path

from cutaway.data.frame import Size
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress
from cutaway.data.siblings import has_class_folders
from cutaway.data.table import from_table, open_table
from cutaway.data.table_shards import open_shards, shards_in
from cutaway.data.target_spec import TargetSpec
from cutaway.data.walk import ENDINGS, walk
from cutaway.data.webdataset import TARS, as_table


def pieces_in(root: Path) -> list[Path]:
    """The Parquet files or archives in a folder that are one set; none where pictures lie there."""
    return shards_in(root, (".parquet",)) or shards_in(root, TARS)


def in_pieces(
    root: Path, pieces: list[Path], size: Size, group_by: str, spec: TargetSpec,
    progress: Progress | None,
) -> tuple[ImageSet, bool]:  # fmt: skip
    """Read them as one set; and whether a column has grouped it. Raises what `table` does."""
    if pieces[0].suffix == ".parquet":
        return from_table(open_shards(root, pieces), str(root), size, group_by, spec, progress)
    table, damaged = as_table(root, pieces)
    images, by_column = from_table(open_table(table), str(root), size, group_by, spec, progress)
    return replace(images, findings=(*damaged, *images.findings)), by_column


def tells_labels(folder: Path) -> bool:
    """Whether what was unpacked has labels in files beside the pictures: `7.cls`, `7.json`."""
    if not folder.is_dir() or has_class_folders(folder):
        return False
    pictures = {path.partition(".")[0] for path in walk(folder, "") if path.endswith(ENDINGS)}
    told = (path for path in walk(folder, "") if path.endswith((".cls", ".json")))
    return any(path.partition(".")[0] in pictures for path in told)
