import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, image, noise, two_classes, write

from cutaway.data import pack as packing
from cutaway.data import pool
from cutaway.data.decode import decode
from cutaway.data.pack import Sample, pack
from cutaway.data.sources import load
from cutaway.errors import DataError


def samples_in(root: Path) -> list[Sample]:
    return [
        Sample(str(path), "ab".index(path.parent.name), f"{path.parent.name}/{path.name}")
        for path in sorted(root.glob("*/*"))
    ]


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers for the smallest set, with few pictures a task."""
    monkeypatch.setattr(packing, "STARTING", 1e-9)
    monkeypatch.setattr(packing, "SECONDS_PER_PICTURE", 0.02)
    monkeypatch.setattr(packing, "cpus", lambda: 2)


def test_pixels_are_those_of_the_files(tmp_path: Path) -> None:
    images = load(two_classes(tmp_path))
    assert images.images.shape == (6, 12, 12, 3)
    for name, pixels in zip(images.names, images.images, strict=True):
        assert (pixels.numpy() == decode(tmp_path / name, None, 3)).all()
    assert images.classes == ("a", "b")
    assert images.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.parts is None
    assert images.groups is None


def test_workers_give_the_same_as_one_process(tmp_path: Path, own_cache, side_by_side) -> None:
    root = two_classes(tmp_path, each=9)
    write(root, "a/3.png", b"broken")
    seen = []
    one = load(root, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (18, 18)
    assert len(seen) > 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "cpus", lambda: 1)
        patch.setenv("CUTAWAY_CACHE", str(own_cache / "other"))
        two = load(root)
    assert one.fingerprint == two.fingerprint
    assert one.findings == two.findings


def test_content_in_memory_is_packed_too(side_by_side) -> None:
    samples = [Sample(encoded(image(5, 5, seed=i)), i % 2, f"{i}") for i in range(4)]
    assert (pack(samples, ["a", "b"]).images[2].numpy() == noise(5, 5, seed=2)).all()


def test_a_second_start_reads_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = two_classes(tmp_path)
    first = load(root)

    def fail(*_: object) -> None:
        raise AssertionError("a picture was read")

    monkeypatch.setattr("cutaway.data.picture.read", fail)
    monkeypatch.setattr("cutaway.data.worker.read", fail)
    monkeypatch.setattr("cutaway.data.plan.read_header", fail)
    assert load(root).fingerprint == first.fingerprint


def test_a_changed_file_is_packed_again(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    first = load(root)
    status = (root / "a/0.png").stat()
    write(root, "a/0.png", image(12, 12, seed=99))
    os.utime(root / "a/0.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(root).fingerprint != first.fingerprint


def test_another_size_is_another_entry(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    assert load(root, image_size=8).size == (8, 8)
    assert load(root).size == (12, 12)


def test_writing_to_the_images_never_reaches_the_cache(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    before = load(root)
    print_ = before.fingerprint
    before.images.zero_()
    assert load(root).fingerprint == print_


def test_bad_files_are_named_and_left_out(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    write(root, "a/1.png", b"")
    write(root, "a/notes.txt", b"not a picture")
    write(root, "b/2.png", encoded(image(12, 12))[:200])
    images = load(root)
    assert images.names == ["a/0.png", "a/2.png", "b/0.png", "b/1.png"]
    for name, pixels in zip(images.names, images.images, strict=True):
        assert (pixels.numpy() == decode(root / name, None, 3)).all()
    bad = {(finding.kind, finding.where, finding.left_out) for finding in images.findings}
    assert bad == {
        ("empty", ("a/1.png",), True),
        ("not-an-image", ("a/notes.txt",), True),
        ("truncated", ("b/2.png",), True),
    }


def test_what_was_handled_is_named(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    write(root, "a/9.png", image(12, 12).convert("RGBA"))
    write(root, "b/9.tif", image(12, 12).convert("CMYK"))
    (finding,) = load(root).findings
    assert (finding.kind, finding.where, finding.left_out) == ("cmyk", ("b/9.tif",), False)


def test_where_nothing_is_left_it_says_so(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        write(tmp_path, name, b"broken")
    with pytest.raises(DataError, match=r"None of the 2 files .* a/1\.png: The file is not"):
        load(tmp_path)


def test_a_class_whose_pictures_are_all_bad_is_dropped(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    write(root, "aa/1.png", b"broken")
    images = load(root)
    assert images.classes == ("a", "b")
    assert images.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.findings[-1].kind == "empty-class"


def test_small_pictures_of_one_size_keep_it_and_are_padded_to_a_square(tmp_path: Path) -> None:
    for i, name in enumerate("ab"):
        write(tmp_path, f"{name}/1.png", image(20, 10, seed=i))
    images = load(tmp_path)
    assert images.size == (20, 20)
    assert (images.images[0, :, 5:15].numpy() == noise(20, 10)).all()
    assert (images.images[0, :, :5] == images.images[0, :, 5:6]).all()


@pytest.mark.parametrize(
    ("sizes", "side"), [((12, 13), 12), ((97, 97), 96), ((300, 200), 128), ((60, 300), 48)]
)
def test_other_pictures_are_brought_to_one_size(
    tmp_path: Path, sizes: tuple[int, int], side: int
) -> None:
    for name, size in zip("ab", sizes, strict=True):
        write(tmp_path, f"{name}/1.png", image(size, size))
    assert load(tmp_path).size == (side, side)


def test_grey_pictures_have_one_channel(tmp_path: Path) -> None:
    assert load(two_classes(tmp_path, channels=1)).channels == 1


@pytest.mark.parametrize(("odd", "shape"), [((12, 12, 3), (12, 3)), ((9, 9, 1), (12, 1))])
@pytest.mark.parametrize("cpus", [1, 2])
def test_an_odd_picture_among_many_changes_the_plan(
    tmp_path: Path, monkeypatch, side_by_side, odd, shape, cpus: int
) -> None:
    """It is not among those that are looked at first."""
    monkeypatch.setattr(packing, "cpus", lambda: cpus)
    monkeypatch.setattr("cutaway.data.plan.SAMPLED", 2)
    root = two_classes(tmp_path, each=10, channels=1)
    write(root, "a/1.png", image(*odd))
    images = load(root)
    assert (images.size[0], images.channels) == shape
    wanted = decode(root / "a/1.png", 12, shape[1])
    assert (images.images[images.names.index("a/1.png")].numpy() == wanted).all()


def test_a_file_that_kills_the_decoder_is_found_and_left_out() -> None:
    class Deadly(pool._Worker):
        """Its process, a real one, is killed when it is given the file."""

        def send(self, task: pool.Task) -> pool.Answer:
            if "deadly" not in task["sources"]:
                return {"bad": [], "notes": []}
            self.program.kill()
            while True:
                self.program.heard()

    worker = Deadly()
    task = {"first": 5, "sources": ["x", "x", "deadly", "x", "x"]}
    assert worker.answer(task)["bad"] == [(7, "crash", pool.CRASH)]
    worker.program.close()


def test_without_workers_it_is_done_here(tmp_path: Path, monkeypatch, side_by_side) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert len(load(two_classes(tmp_path))) == 6


def test_groups_and_parts_come_through() -> None:
    content = [encoded(image(4, 4, seed=i)) for i in range(4)]
    samples = [
        Sample(c, i % 2, str(i), i % 2, ["x", "", "x", ""][i]) for i, c in enumerate(content)
    ]
    images = pack(samples, ["a", "b"], name="n", licence="l")
    assert images.parts is not None
    assert images.parts.tolist() == [0, 1, 0, 1]
    assert images.groups is not None
    assert images.groups.tolist() == [0, 1, 0, 2]
    assert (images.name, images.licence) == ("n", "l")
    assert images.images.dtype == torch.uint8
    assert np.array_equal(images.images[3], noise(4, 4, seed=3))
