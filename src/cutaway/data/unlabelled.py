"""Pictures without labels: every picture below a folder."""

import os
from pathlib import Path

from cutaway.data.files import ENDINGS, natural, walk
from cutaway.data.frame import Size
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress, Sample, pack
from cutaway.data.sources import load
from cutaway.errors import DataError

ONE = ("unlabelled",)
"""The only class of pictures that have none."""


def load_unlabelled(data: str, size: Size = None, progress: Progress | None = None) -> ImageSet:
    """The pictures below a folder at any depth, whatever its folders are called; of anything else
    what `load` gives, whose labels are then not looked at.

    Raises:
        UsageError: there is no such data.
        DataError: there is no picture, or none can be read.
    """
    root = Path(data).expanduser()
    if not root.is_dir():
        return load(data, image_size=size, progress=progress)
    names = sorted((p.removeprefix("./") for p in walk(root, ".") if _is_picture(p)), key=natural)
    if not names:
        raise DataError(f"{root} holds no picture ({', '.join(ENDINGS)}). Check the path.")
    samples = [Sample(f"{root}{os.sep}{name}", 0, name) for name in names]
    return pack(samples, ONE, image_size=size, name=str(root), progress=progress)


def _is_picture(path: str) -> bool:
    return path.lower().endswith(ENDINGS)
