"""The bytes of the data sets, as NumPy arrays: what a peer does with them is its own affair."""

import gzip
import io
import os
from pathlib import Path

import numpy as np

MNIST_MEAN, MNIST_STD = 0.1307, 0.3081
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
Arrays = tuple[np.ndarray, np.ndarray]


def mnist(part: str = "train") -> Arrays:
    """Images as uint8 (n, 28, 28), and their digits."""
    stem = root() / "mnist" / ("train" if part == "train" else "t10k")
    images = _read(Path(f"{stem}-images-idx3-ubyte.gz"), 16).reshape(-1, 28, 28)
    return images, _read(Path(f"{stem}-labels-idx1-ubyte.gz"), 8).astype(np.int64)


def cifar10(count: int) -> Arrays:
    """Images of the training set as uint8 (n, 32, 32, 3), and their classes.

    They are evenly chosen, since the file has one class after the other.
    """
    from PIL import Image
    from pyarrow import parquet

    table = parquet.read_table(root() / "cifar10" / "cifar10-jpeg-train.parquet")
    table = table.take(evenly(len(table), count))
    cells = table["image"].to_pylist()
    images = np.stack([np.asarray(Image.open(io.BytesIO(cell)).convert("RGB")) for cell in cells])
    return images, table["label"].to_numpy().astype(np.int64)


def digits() -> Arrays:
    """scikit-learn's digits as numbers of 0 to 16 (n, 8, 8), the first 1,437."""
    from sklearn.datasets import load_digits

    images, targets = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8)[:1437], targets[:1437]


def xor() -> Arrays:
    """The four rows of the table (4, 2), and their truth."""
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])


def rocks() -> tuple[list[Path], np.ndarray]:
    """Files of four photographs in five, and 0 for basalt, 1 for highland."""
    files = sorted((root() / "rocks").glob("*/*.jp*g"))
    files = [file for i, file in enumerate(files) if i % 5]
    return files, np.array([int(file.parent.name == "Highland") for file in files])


def evenly(of: int, count: int) -> np.ndarray:
    """`count` of so many positions, spread over them."""
    return np.linspace(0, of - 1, count).astype(np.int64)


def root() -> Path:
    """The folder that CUTAWAY_DATA names."""
    return Path(os.environ["CUTAWAY_DATA"])


def _read(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)
