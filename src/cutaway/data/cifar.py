"""CIFAR-10: the official binary form, or Parquet files with the pictures encoded."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cutaway.data import cache, parquet
from cutaway.data.catalog import SOURCES
from cutaway.data.imageset import PARTS, ImageSet
from cutaway.data.named_sets import named_set
from cutaway.data.pack import Progress, Sample, pack
from cutaway.data.pixels import PixelsAndNote, stored
from cutaway.data.table import cells
from cutaway.errors import DataError

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
ARCHIVE = "cifar-10-binary.tar.gz"
BATCHES = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
RECORD = 1 + 3 * 32 * 32  # the label, then the red, the green and the blue plane
BATCH = 10_000 * RECORD
PER_CLASS = 6_000
COUNTS = {"train": 50_000, "test": 10_000}


def cifar10(folder: Path, progress: Progress | None) -> ImageSet:
    """CIFAR-10 from the form that the folder holds. Raises DataError where it is incomplete."""
    files = {part: sorted(folder.glob(f"*{part}*.parquet")) for part in ("train", "test")}
    if all(files.values()):
        return _from_parquet(files, progress)
    source = _binary(folder)
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in source]
    images, note = stored(cache.digest("cifar10", 1, stamps), lambda: _make(source))
    return named_set("cifar10", images, note, CLASSES)


def _from_parquet(files: dict[str, list[Path]], progress: Progress | None) -> ImageSet:
    samples = []
    for part, paths in files.items():
        labels = [label for path in paths for label in parquet.values(path, "label")]
        pictures = [cell for path in paths for cell in cells(path, "image")]
        number = PARTS.index(part)
        samples += [
            Sample(picture, label, f"cifar10/{part}/{i}", number)
            for i, (picture, label) in enumerate(zip(pictures, labels, strict=True))
        ]
    licence = SOURCES["cifar10"].licence
    return pack(samples, CLASSES, name="cifar10", licence=licence, progress=progress)


def _binary(folder: Path) -> list[Path]:
    """The six batches, or the archive that holds them."""
    for place in (folder, folder / "cifar-10-batches-bin"):
        files = [place / name for name in BATCHES]
        if all(file.is_file() for file in files):
            return files
    if (folder / ARCHIVE).is_file():
        return [folder / ARCHIVE]
    raise DataError(
        f"{folder} does not hold CIFAR-10 in a known form. Put {ARCHIVE} there, or Parquet files "
        "named train and test."
    )


def _make(files: list[Path]) -> PixelsAndNote:
    contents = dict(_in_archive(files[0]) if len(files) == 1 else _in_folder(files))
    wrong = [name for name in BATCHES if len(contents.get(name, b"")) != BATCH]
    if wrong:
        raise DataError(f"{files[0]}: {', '.join(wrong)} is incomplete. Remove it to download it.")
    records = np.frombuffer(b"".join(contents[name] for name in BATCHES), np.uint8)
    records = records.reshape(-1, RECORD)
    targets = records[:, 0]
    if np.bincount(targets, minlength=10).tolist() != [PER_CLASS] * 10:
        raise DataError(f"{files[0].parent} does not hold {PER_CLASS} pictures of each class.")
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, {"targets": targets.tolist(), "counts": COUNTS}


def _in_folder(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        yield file.name, file.read_bytes()


def _in_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The batches in the archive, read and never unpacked, so no path in it can do harm."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = Path(member.name).name
                if name in BATCHES and member.isfile() and member.size == BATCH:
                    file = tar.extractfile(member)
                    assert file is not None
                    yield name, file.read()
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataError(f"{archive} cannot be read ({error}). Remove it to download it.") from None
