import gzip
import io
import shutil
import subprocess
import sys
import tarfile
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import two_classes
from PIL import Image

from cutaway.data import cifar, idx, named_sets
from cutaway.data.catalog import SOURCES
from cutaway.data.rocks import stones
from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    images, theirs = load("digits"), load_digits()
    assert (images.images[..., 0].numpy() == np.rint(theirs.images * 255 / 16)).all()
    assert (images.targets.numpy() == theirs.target).all()
    assert images.classes == tuple("0123456789")
    assert images.names[17] == "digits/17"
    assert images.parts is None
    assert "UCI" in images.licence


def test_a_second_start_does_not_parse_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("digits").fingerprint
    monkeypatch.setattr(named_sets, "_make_digits", lambda: pytest.fail("parsed again"))
    assert load("digits").fingerprint == first


def test_names_are_listed_without_torch() -> None:
    code = (
        "import sys; from cutaway.data.catalog import SOURCES; s = SOURCES['mnist']; s.available; "
        "print(*SOURCES, {'torch', 'numpy', 'PIL', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *names, rest = done.stdout.split(maxsplit=len(SOURCES))
    assert names == list(SOURCES)
    assert rest == "set()\n"


@pytest.mark.parametrize("name", SOURCES)
def test_the_catalogue_is_complete(name: str) -> None:
    source = SOURCES[name]
    assert source.name == name
    assert source.count > 100 or source.generated
    assert source.licence
    assert source.homepage.startswith("http") or (source.generated and not source.of)
    for file in source.files:
        assert len(file.urls) >= 2
        assert all(url.startswith("https://") for url in file.urls)


def test_a_mistyped_name() -> None:
    with pytest.raises(UsageError, match=r"no folder 'minst'. Did you mean 'mnist'\?"):
        load("minst")
    with pytest.raises(
        UsageError,
        match=r"Choose one of: and, china, cifar10, digit_scenes, digits, mnist, .*, rocks",
    ):
        load("zzz")


def test_an_image_size_that_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"image size of 0"):
        load(two_classes(tmp_path), image_size=0)


def test_a_local_copy_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    assert SOURCES["digits"].available
    assert not SOURCES["mnist"].available
    assert SOURCES["xor"].available
    assert not SOURCES["scenes"].available
    (tmp_path / "mnist").mkdir()
    assert SOURCES["mnist"].local == tmp_path / "mnist"
    assert SOURCES["scenes"].available


def idx_file(array: np.ndarray) -> bytes:
    shape = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(3,), (2, 4, 5)])
def test_idx_files_are_parsed(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert (idx.parse(idx_file(array)) == array).all()
    with pytest.raises(ValueError, match=r"not an IDX file"):
        idx.parse(b"\0\0\x0d\x01")


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for MNIST: its own checksums are made the known ones."""
    arrays = [np.arange(3 * 784).reshape(3, 28, 28), [0, 1, 2], np.ones((2, 28, 28)), [1, 0]]
    contents = [idx_file(np.asarray(array)) for array in arrays]
    names = [name for name, _ in idx.FILES]
    known = [(name, md5(c).hexdigest()) for name, c in zip(names, contents, strict=True)]
    monkeypatch.setattr(idx, "FILES", known)
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for i, (name, content) in enumerate(zip(names, contents, strict=True)):
        packed = gzip.compress(content) if i % 2 else content
        (tmp_path / "mnist" / f"{name}{'.gz' if i % 2 else ''}").write_bytes(packed)
    return tmp_path / "mnist"


def test_mnist_is_read_compressed_or_not(small_mnist: Path) -> None:
    images = load("mnist")
    assert images.images.shape == (5, 28, 28, 1)
    assert images.images[0, 1, 2] == 30
    assert images.targets.tolist() == [0, 1, 2, 1, 0]
    assert images.parts is not None
    assert images.parts.tolist() == [0, 0, 0, 2, 2]
    assert images.names[3:] == ["mnist/test/0", "mnist/test/1"]
    assert load("mnist", image_size=14).size == (14, 14)


def test_mnist_that_is_not_genuine_is_refused(small_mnist: Path) -> None:
    labels = small_mnist / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_file(np.array([1, 1]))))
    with pytest.raises(DataError, match=r"t10k-labels.* not MNIST's own \(checksum\)"):
        load("mnist")
    labels.write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"cannot be read"):
        load("mnist")
    labels.unlink()
    with pytest.raises(DataError, match=r"lacks t10k-labels-idx1-ubyte.gz"):
        load("mnist")


@pytest.mark.parametrize("form", ["archive", "folder", "flat"])
def test_cifar_in_its_binary_form(tmp_path: Path, monkeypatch, form: str) -> None:
    monkeypatch.setattr(cifar, "BATCH", 20 * cifar.RECORD)
    monkeypatch.setattr(cifar, "PER_CLASS", 12)
    monkeypatch.setattr(cifar, "COUNTS", {"train": 100, "test": 20})
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    records = np.random.default_rng(0).integers(0, 256, (120, cifar.RECORD), dtype=np.uint8)
    records[:, 0] = np.arange(120) % 10
    batches = dict(zip(cifar.BATCHES, records.reshape(6, -1), strict=True))
    write_cifar(tmp_path / "cifar10", form, {n: b.tobytes() for n, b in batches.items()})
    images = load("cifar10")
    assert images.images.shape == (120, 32, 32, 3)
    wanted = records[7, 1:].reshape(3, 32, 32).transpose(1, 2, 0)
    assert (images.images[7].numpy() == wanted).all()
    assert images.classes[int(images.targets[7])] == "horse"
    assert images.names[100] == "cifar10/test/0"


def write_cifar(folder: Path, form: str, batches: dict[str, bytes]) -> None:
    inner = folder / "cifar-10-batches-bin" if form == "folder" else folder
    inner.mkdir(parents=True)
    if form != "archive":
        for name, content in batches.items():
            (inner / name).write_bytes(content)
        return
    with tarfile.open(folder / cifar.ARCHIVE, "w:gz") as tar:
        for name, content in [("../../evil.bin", b"x"), *batches.items()]:
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_cifar_that_is_not_whole_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    folder = tmp_path / "cifar10"
    folder.mkdir()
    with pytest.raises(DataError, match=r"in a known form"):
        load("cifar10")
    (folder / cifar.ARCHIVE).write_bytes(b"x")
    with pytest.raises(DataError, match=r"cannot be read"):
        load("cifar10")
    (folder / cifar.ARCHIVE).unlink()
    for name in cifar.BATCHES:
        (folder / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"is incomplete"):
        load("cifar10")


def test_photographs_of_one_stone_are_one_group() -> None:
    names = [f"{'Basalt' if n[0] == 'b' else 'Highland'}/x_{n[1:]}.jpg" for n in (
        "bs69-45539", "bs69-47328", "bs75-31692", "bs69-47327", "hs72-41777 (1)", "hs72-41777",
        "hs72-52529", "bs99-10001", "bs99-10020", "bs99-10060", "hs99-10061",
    )]  # fmt: skip
    groups = stones(names)
    assert groups[:7] == ["10044", "10044", "10044", "10045", "62236", "62236", "62236"]
    assert groups[7] == groups[8]
    assert len(set(groups[8:])) == 3


def test_real_mnist(real_data: Path) -> None:
    images = load("mnist")
    assert images.images.shape == (70_000, 28, 28, 1)
    assert images.counts() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    assert images.parts is not None
    assert torch.bincount(images.parts).tolist() == [60_000, 0, 10_000]
    assert images.targets[:5].tolist() == [5, 0, 4, 1, 9]


def test_real_rocks(real_data: Path) -> None:
    images = load("rocks", image_size=32)
    assert images.images.shape == (155, 32, 32, 3)
    assert images.groups is not None
    sizes = dict(zip(stones(list(images.names)), images.groups.tolist(), strict=True))
    assert len(set(sizes.values())) == len(sizes) == 11
    assert [finding for finding in images.findings if finding.left_out] == []


def test_real_cifar_test_pictures(real_data: Path) -> None:
    (file,) = (real_data / "cifar10").glob("*test*.parquet")
    images = load(file)
    assert images.images.shape == (10_000, 32, 32, 3)
    assert images.counts() == [1000] * 10


@pytest.mark.parametrize("zipped", [False, True])
def test_a_label_is_refused_where_no_column_can_have_it(tmp_path: Path, zipped: bool) -> None:
    folder = tmp_path / "photos"
    for k, name in enumerate(("healthy", "ill")):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            Image.new("L", (8, 8), 80 * k + i).save(folder / name / f"{i}.png")
    data = shutil.make_archive(str(folder), "zip", folder) if zipped else folder
    assert len(load(data)) == 6
    for source in (data, "digits"):
        with pytest.raises(UsageError, match=r"--label names the column .*leave it out"):
            load(source, label="healthy")


def test_groups_and_a_size_are_honoured_of_a_named_set() -> None:
    images = load("digits", group_by=r"(\d)$", image_size=12)
    assert images.size == (12, 12)
    assert images.groups is not None
    assert len(images.groups.unique()) == 10
    with pytest.raises(UsageError, match="fits no image"):
        load("digits", group_by="patient")
