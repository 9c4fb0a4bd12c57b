"""Folders of pictures and masks: every pixel keeps its class, and what is wrong is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, image, write
from PIL import Image

from cutaway.data.imageset import scaled_masks
from cutaway.data.masks import main_classes
from cutaway.data.sources import load
from cutaway.errors import DataError


def bands(height: int, width: int, classes: int = 3) -> np.ndarray:
    """A mask whose columns are of one class after another."""
    return np.tile((np.arange(width) * classes // width).astype(np.uint8), (height, 1))


def a_folder(root: Path, n: int = 4, size: tuple[int, int] = (12, 12), **options) -> Path:
    """Pictures 0..n-1 of noise, each with a mask of bands."""
    for i in range(n):
        write(root, f"images/{i}.png", image(*size, seed=i))
        write(root, f"masks/{i}.png", Image.fromarray(bands(*size, **options)))
    return root


def test_pictures_of_one_size_keep_it_and_so_do_their_masks(tmp_path: Path) -> None:
    images = load(a_folder(tmp_path))
    assert images.images.shape == (4, 12, 12, 3)
    assert images.masks is not None
    assert (images.masks.numpy() == bands(12, 12)).all()
    assert images.classes == ("background", "1", "2")
    assert images.targets.tolist() == [1] * 4
    assert images.names[2] == "images/2.png"
    assert images.parts is None
    assert load(tmp_path).fingerprint == images.fingerprint


def test_masks_are_padded_as_their_pictures_are(tmp_path: Path) -> None:
    a_folder(tmp_path, size=(8, 14))
    mask = bands(8, 14)
    for i in range(4):  # pictures that show their masks
        write(tmp_path, f"images/{i}.png", Image.fromarray(mask * 100))
    images = load(tmp_path)
    assert images.masks is not None
    assert images.size == (14, 14)
    assert torch.equal(images.images[..., 0], images.masks * 100)


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (45, 45)])
def test_masks_are_cut_as_their_pictures_are(tmp_path: Path, size: tuple[int, int]) -> None:
    a_folder(tmp_path, size=size)
    for i in range(4):
        write(tmp_path, f"images/{i}.png", Image.fromarray(bands(*size) * 100))
    images = load(tmp_path, image_size=20)
    assert images.masks is not None
    assert images.masks.shape == (4, 20, 20)
    agree = (images.images[..., 0].float() / 100 - images.masks).abs() < 0.51
    assert agree.float().mean() > 0.97


def test_two_classes_may_be_black_and_white(tmp_path: Path) -> None:
    a_folder(tmp_path, classes=2)
    for i in range(4):
        write(tmp_path, f"masks/{i}.png", Image.fromarray(bands(12, 12, 2) * 255))
    images = load(tmp_path)
    assert images.classes == ("background", "object")
    assert images.masks is not None
    assert (images.masks.numpy() == bands(12, 12, 2)).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_grey_values_and_palette_indices_of_few_bits(tmp_path: Path, mode: str, bits: int) -> None:
    a_folder(tmp_path)
    for i in range(4):
        mask = Image.fromarray(bands(12, 12))
        if mode == "P":
            mask.putpalette([200, 0, 0, 0, 200, 0, 9, 9, 9])
        write(tmp_path, f"masks/{i}.png", grey_png(bands(12, 12), bits) if mode == "L" else mask)
    masks = load(tmp_path).masks
    assert masks is not None
    assert (masks.numpy() == bands(12, 12)).all()


def grey_png(values: np.ndarray, bits: int) -> bytes:
    """A PNG file of grey values of 2, 4 or 8 bits, which Pillow does not write itself."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    places = np.unpackbits(values[..., None], axis=-1)[..., 8 - bits :]
    rows = np.packbits(places.reshape(len(values), -1), axis=1)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_parts_and_names_of_classes(tmp_path: Path) -> None:
    for part, n in (("train", 3), ("test", 2)):
        a_folder(tmp_path / part, n)
    (tmp_path / "classes.txt").write_text("sky\nland\nsea\nship\n")
    images = load(tmp_path)
    assert images.classes == ("sky", "land", "sea", "ship")
    assert images.parts is not None
    assert images.parts.tolist() == [0, 0, 0, 2, 2]
    assert images.names[3] == "test/images/0.png"


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    a_folder(tmp_path, 9)
    for i in range(5):
        (tmp_path / f"masks/{i}.png").unlink()
    write(tmp_path, "masks/4.jpg", image(12, 12, 1))
    with pytest.raises(
        DataError, match=r"^images/0.png, images/1.png, images/2.png and 2 more hav"
    ):
        load(tmp_path)


def test_a_mask_of_another_size_or_in_colour_is_named(tmp_path: Path) -> None:
    a_folder(tmp_path)
    write(tmp_path, "masks/1.png", Image.fromarray(bands(12, 13)))
    write(tmp_path, "masks/3.png", image(12, 12, 3))
    with pytest.raises(DataError, match=r"^masks/1.png, masks/3.png must be grey"):
        load(tmp_path)


def test_a_number_that_is_no_class_is_named(tmp_path: Path) -> None:
    a_folder(tmp_path)
    write(tmp_path, "masks/2.png", Image.fromarray(bands(12, 12) * 7))
    with pytest.raises(DataError, match=r"hold class 14 but no class 3: number the classes"):
        load(tmp_path)
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(DataError, match=r"^masks/2.png hold numbers beyond the 3 classes"):
        load(tmp_path)
    (tmp_path / "classes.txt").write_text("a\na\n")
    with pytest.raises(DataError, match=r"no two the same"):
        load(tmp_path)


def test_damaged_files_are_left_out_and_named(tmp_path: Path) -> None:
    a_folder(tmp_path, 6)
    content = encoded(image(12, 12))
    write(tmp_path, "images/1.png", content[: len(content) // 2])
    write(tmp_path, "masks/3.png", b"\x89PNG\r\n\x1a\n junk")
    write(tmp_path, "masks/9.png", Image.fromarray(bands(12, 12)))
    write(tmp_path, "images/read me.txt", b"hello")
    images = load(tmp_path)
    assert images.names == [f"images/{i}.png" for i in (0, 2, 4, 5)]
    assert images.masks is not None
    assert len(images.masks) == len(images.targets) == 4
    where = {finding.where[0]: finding.kind for finding in images.findings}
    assert where == {
        "images/1.png": "truncated",
        "masks/3.png": "truncated",
        "masks/9.png": "unused-mask",
        "images/read me.txt": "not-an-image",
    }
    assert all(finding.left_out for finding in images.findings)


def test_a_changed_mask_is_read_again(tmp_path: Path) -> None:
    before = load(a_folder(tmp_path)).fingerprint
    write(tmp_path, "masks/2.png", Image.fromarray(bands(12, 12)[:, ::-1]))
    assert load(tmp_path).fingerprint != before


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=r"There is no picture in .*images"):
        load(tmp_path)


def test_the_main_class_is_the_largest_but_the_first() -> None:
    masks = torch.zeros(3, 4, 4, dtype=torch.uint8)
    masks[0, 0, 0] = 2
    masks[1, :2] = 1
    masks[1, 2, :3] = 3
    assert main_classes(masks, 4).tolist() == [2, 1, 0]
    assert main_classes(masks[:0], 4).tolist() == []


def test_masks_are_resized_by_the_nearest_pixel(tmp_path: Path) -> None:
    images = load(a_folder(tmp_path))
    small = images.resized(6)
    assert images.masks is not None
    assert small.masks is not None
    assert torch.equal(small.masks, images.masks[:, 1::2, 1::2])
    assert torch.equal(scaled_masks(small.masks, (12, 12))[:, ::2, ::2], small.masks)
    assert small.fingerprint != images.fingerprint
