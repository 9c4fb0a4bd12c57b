"""MNIST's own file format: a header that gives the shape, then bytes."""

import gzip
from hashlib import md5
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from cutaway.data import cache
from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set
from cutaway.data.pixels import PixelsAndNote, stored
from cutaway.errors import DataError

# Part, images, labels: file name and MD5 of its uncompressed content.
FILES = (
    ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
    ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
    ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
    ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
)


def mnist(folder: Path) -> ImageSet:
    """MNIST from its four files, compressed or not. Raises DataError where one is not genuine."""
    files = [_find(folder, name) for name, _ in FILES]
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    images, note = stored(cache.digest("mnist", 1, stamps), lambda: _make(files))
    return named_set("mnist", images, note, [str(digit) for digit in range(10)])


def _find(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise DataError(
        f"{folder} lacks {name}.gz. Put MNIST's four files there, or remove the folder to download."
    )


def _make(files: list[Path]) -> PixelsAndNote:
    arrays = [_read(file, known) for file, (_, known) in zip(files, FILES, strict=True)]
    train, train_targets, test, test_targets = arrays
    counts = {"train": len(train), "test": len(test)}
    targets = np.concatenate([train_targets, test_targets]).tolist()
    return np.concatenate([train, test])[..., None], {"targets": targets, "counts": counts}


def _read(file: Path, known: str) -> UInt8[np.ndarray, "..."]:
    """The array in a file whose uncompressed content has the MD5 sum `known`."""
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise DataError(
            f"{file} cannot be read ({error}). Remove it to download it again."
        ) from None
    if md5(content, usedforsecurity=False).hexdigest() != known:
        raise DataError(f"{file} is not MNIST's own (checksum). Remove it to download it again.")
    return parse(content)


def parse(content: bytes) -> UInt8[np.ndarray, "..."]:
    """The array in an IDX file of bytes. Raises ValueError where it is none."""
    if content[:3] != b"\0\0\x08":
        raise ValueError("not an IDX file of unsigned bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
