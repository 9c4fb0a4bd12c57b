"""The catalogue of known data sets. Nothing heavy is imported here."""

import os
from dataclasses import dataclass
from pathlib import Path

from cutaway.data import cache


@dataclass(frozen=True)
class Remote:
    """A file to download: its name, the addresses that have it, and its checksum.

    `hash` is `sha256:...` or `md5:...`; None where its publisher makes the archive anew at each
    request, so that only the content can be checked.
    """

    name: str
    urls: tuple[str, ...]
    hash: str | None


@dataclass(frozen=True)
class Source:
    """A named data set, as `cutaway data` lists it.

    `megabytes` is the size of the download, None where it is not known. `generated` says that
    Cutaway makes it itself, `of` what from, where that is another data set. `otherwise` is what
    else helps where it cannot be downloaded.
    """

    name: str
    title: str
    classes: int
    count: int
    licence: str
    homepage: str
    megabytes: float | None
    files: tuple[Remote, ...] = ()
    generated: bool = False
    of: str = ""
    otherwise: str = ""

    @property
    def downloaded(self) -> Path:
        """The folder that a download fills."""
        return cache.root() / "downloads" / self.name

    @property
    def local(self) -> Path | None:
        """The folder that holds it here: `$CUTAWAY_DATA/name`, or an earlier download."""
        folders = [self.downloaded]
        if parent := os.environ.get("CUTAWAY_DATA"):
            folders.insert(0, Path(parent).expanduser() / self.name)
        return next((folder for folder in folders if folder.is_dir()), None)

    @property
    def available(self) -> bool:
        """Whether it can be used without a download."""
        if self.of:
            return SOURCES[self.of].available
        return not self.files or self.local is not None


def _mnist(name: str, sha256: str) -> Remote:
    bases = (
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    )
    return Remote(name, tuple(f"{base}/{name}" for base in bases), f"sha256:{sha256}")


MNIST = (
    "CC BY-SA 3.0; Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, "
    "1998"
)
MNIST_PAGE = "http://yann.lecun.com/exdb/mnist/"


def _generated(name: str, title: str, classes: int, count: int) -> Source:
    """A data set that Cutaway generates."""
    return Source(
        name, title, classes, count, "Free to use: made by Cutaway", "", 0.0, generated=True
    )


def _from_mnist(name: str, title: str, classes: int, count: int) -> Source:
    """A data set that Cutaway generates from MNIST's digits, which have to be there or
    downloaded."""
    licence = f"Made by Cutaway from MNIST: {MNIST}"
    return Source(
        name, title, classes, count, licence, MNIST_PAGE, 11.6, generated=True, of="mnist"
    )


# The checksums of MNIST and CIFAR-10 are those of the TensorFlow Datasets catalogue, and agree with
# the MD5 sums that the publishers give.
SOURCES = {
    source.name: source
    for source in (
        Source(
            name="digits",
            title="Handwritten digits, 8 x 8 (UCI, shipped with scikit-learn)",
            classes=10,
            count=1797,
            licence="CC BY 4.0; E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten "
            "Digits, UCI Machine Learning Repository, 1998",
            homepage="https://archive.ics.uci.edu/dataset/80",
            megabytes=0.0,
        ),
        Source(
            name="mnist",
            title="Handwritten digits, 28 x 28",
            classes=10,
            count=70_000,
            licence=MNIST,
            homepage=MNIST_PAGE,
            megabytes=11.6,
            files=(
                _mnist(
                    "train-images-idx3-ubyte.gz",
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                _mnist(
                    "train-labels-idx1-ubyte.gz",
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                _mnist(
                    "t10k-images-idx3-ubyte.gz",
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                _mnist(
                    "t10k-labels-idx1-ubyte.gz",
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            ),
        ),
        Source(
            name="cifar10",
            title="Colour pictures of ten kinds of things, 32 x 32",
            classes=10,
            count=60_000,
            licence="No licence is stated; its author asks to cite A. Krizhevsky, Learning "
            "Multiple Layers of Features from Tiny Images, 2009",
            homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
            megabytes=170.1,
            files=(
                Remote(
                    "cifar-10-binary.tar.gz",
                    (
                        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                        "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/"
                        "datasets/cifar-10-binary.tar.gz",
                    ),
                    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
        ),
        Source(
            name="rocks",
            title="Apollo rocks, basalt or highland (photographs by NASA)",
            classes=2,
            count=155,
            licence="Public domain (NASA); as collected for Microsoft Learn's space rocks module",
            homepage="https://github.com/Rafsan7238/MS-Pathway-Space-Rocks-AI",
            megabytes=None,
            files=(
                # GitHub packs this archive at each request and promises no checksum.
                Remote(
                    "rocks.zip",
                    (
                        "https://codeload.github.com/Rafsan7238/MS-Pathway-Space-Rocks-AI/zip/HEAD",
                        "https://api.github.com/repos/Rafsan7238/MS-Pathway-Space-Rocks-AI/zipball",
                    ),
                    None,
                ),
            ),
        ),
        _generated("and", "Truth table of AND", 2, 4),
        _generated("or", "Truth table of OR", 2, 4),
        _generated("nand", "Truth table of NAND", 2, 4),
        _generated("nor", "Truth table of NOR", 2, 4),
        _generated("xor", "Truth table of XOR, which no single unit computes", 2, 4),
        _generated("shadows", "Shadows of things of any height, along 10 cells", 3, 300),
        _generated("waveforms", "Signals of four shapes in noise, 128 values", 4, 4_000),
        _from_mnist("moving_digits", "Videos of a digit that moves, 8 x 32 x 32", 4, 2_500),
        _from_mnist("scenes", "Digits on patterned grounds, 64 x 64, with masks", 2, 5_000),
        _from_mnist("digit_scenes", "The same, with a class for each digit", 11, 5_000),
        Source(
            name="china",
            title="One photograph of a temple, grey (shipped with scikit-learn)",
            classes=1,
            count=1,
            licence="CC BY 2.0; danielbuechele, by way of scikit-learn",
            homepage="https://www.flickr.com/photos/danielbuechele/6061409035/",
            megabytes=0.0,
            generated=True,
        ),
    )
}
