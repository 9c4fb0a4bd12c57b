"""More than 8 bits: one range for all pictures of a set, at every door."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, image, write
from PIL import Image

from cutaway.data.audit import audit
from cutaway.data.decode import Unreadable, decode, decode_to
from cutaway.data.frame import Frame
from cutaway.data.levels import extent, to_bytes, type_levels, union
from cutaway.data.sources import load
from cutaway.errors import DataError
from cutaway.learn.inputs import read_inputs


def ramps(root: Path, bits: int, format: str = "png") -> Path:
    """Six pictures of their own brightness; together they hold 0 to 2^bits - 1."""
    draw = np.random.default_rng(0)
    for i in range(6):
        top = (2**bits - 1) * (i + 1) // 6
        values = draw.integers(0, top + 1, (20, 20)).astype(np.uint16)
        values[0, 0], values[0, 1] = 0, top
        write(root, f"{'ab'[i % 2]}/{i}.{format}", Image.fromarray(values))
    return root


@pytest.mark.parametrize("format", ["png", "tif"])
def test_twelve_bits_in_sixteen_fill_the_greys(tmp_path: Path, format: str) -> None:
    images = load(ramps(tmp_path, 12, format))
    assert images.levels == (0, 4095)
    assert len(images.images.unique()) > 240
    for name, pixels in zip(images.names, images.images, strict=True):
        values = np.asarray(Image.open(tmp_path / name)).astype(float)
        assert (pixels[..., 0].numpy() == np.floor(values * 255 / 4095 + 0.5)).all()
    (finding,) = images.findings
    assert finding.detail == (
        "Pictures deeper than 8 bits: 0 to 4095, the range that they share, became 0 to 255 (6)."
    )
    assert audit(images).exact_clusters == []


def test_the_range_is_the_sets_and_not_each_pictures(tmp_path: Path) -> None:
    maxima = load(ramps(tmp_path, 16)).images.flatten(1).max(1).values
    assert sorted(maxima.tolist()) == [42, 85, 127, 170, 212, 255]


def test_floats_share_a_range_and_no_number_is_the_least(tmp_path: Path) -> None:
    for i, name in enumerate("ab"):
        values = np.linspace(-3, 5 + 5 * i, 100, dtype=np.float32).reshape(10, 10)
        values[0, 0] = np.nan
        write(tmp_path, f"{name}/1.tif", Image.fromarray(values))
    images = load(tmp_path)
    assert images.levels is not None
    assert images.levels == pytest.approx((-3 + 8 / 99, 10), abs=1e-5)
    assert images.images[:, 0, 0].flatten().tolist() == [0, 0]
    assert images.images[1].max() == 255
    assert images.images[0].max() == pytest.approx(255 * 8 / 13, abs=2)


def test_one_deep_picture_among_many_is_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("cutaway.data.plan.SAMPLED", 2)
    for i in range(9):
        write(tmp_path, f"{'ab'[i % 2]}/{i}.png", image(8, 8, 1, seed=i))
    write(tmp_path, "a/1.png", Image.fromarray(np.full((8, 8), 1000, np.uint16)))
    write(tmp_path, "a/3.png", Image.fromarray(np.full((8, 8), 3000, np.uint16)))
    images = load(tmp_path)
    assert images.levels == (1000, 3000)
    assert images.images[images.names.index("a/3.png")].unique().tolist() == [255]
    assert images.names.index("a/2.png") >= 0
    eight = decode(tmp_path / "a/2.png", None, 1)
    assert (images.images[images.names.index("a/2.png")].numpy() == eight).all()


def test_a_new_picture_is_read_by_the_levels_of_the_set() -> None:
    values = np.array([[0, 2000, 4000, 9000]], np.uint16)
    content = encoded(Image.fromarray(values))
    assert decode_to(content, Frame(1, levels=(0, 4000))).ravel().tolist() == [0, 128, 255, 255]
    assert decode(content, None, 1).ravel().tolist() == [0, 8, 16, 35]  # nothing is known of it


def test_floats_that_nothing_is_known_of_are_refused() -> None:
    content = encoded(Image.fromarray(np.array([[0, 4000]], np.float32)), "TIFF")
    with pytest.raises(Unreadable, match="save it with 8 bits"):
        decode(content, None, 1)


def test_colours_of_sixteen_bits_are_noted(tmp_path: Path) -> None:
    """Pillow writes none: a file of one pixel, by hand."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body))  # fmt: skip

    row = b"\0" + struct.pack(">3H", 0x1234, 0x80FF, 0xFFFF)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    content += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    for name in ("a/1.png", "b/2.png"):
        write(tmp_path, name, content)
    images = load(tmp_path)
    assert images.images[0].flatten().tolist() == [0x12, 0x80, 0xFF]
    assert images.findings[0].kind == "16-bit-colour"


def test_ranges() -> None:
    assert extent(np.array([np.nan, np.inf, 2.0, -1.0])) == (-1, 2)
    assert extent(np.array([np.nan])) is None
    assert union([(1, 2), None, (0, 1)]) == (0, 2)
    assert union([None]) == (0, 1)
    assert type_levels(np.array([0.0, 200.0])) == (0, 255)
    assert type_levels(np.array([-1.0])) is None
    assert to_bytes(np.array([5, 5], np.uint16), (5, 5)).tolist() == [0, 0]
    assert to_bytes(np.array([-np.inf, np.nan, np.inf]), (0, 1)).tolist() == [0, 0, 255]


def in_memory() -> tuple[list[np.ndarray], list[int]]:
    """Twelve bits: the images of the first class are so dark that 8 would do for them."""
    draw = np.random.default_rng(0)
    dark = [draw.integers(0, 200, (9, 9)).astype(np.uint16) for _ in range(4)]
    bright = [draw.integers(2000, 4096, (9, 9)).astype(np.uint16) for _ in range(4)]
    dark[0][0, 0], bright[0][0, 0] = 0, 4095
    return [*dark, *bright], [0] * 4 + [1] * 4


@pytest.mark.parametrize("kind", ["array", "tensor", "items", "PIL", "content", "parts"])
def test_objects_in_memory_share_one_range_too(kind: str) -> None:
    arrays, targets = in_memory()
    stack = np.stack(arrays)
    made = {
        "array": lambda: (stack, targets),
        "tensor": lambda: (torch.from_numpy(stack.astype(np.int32)), targets),
        "items": lambda: list(zip(arrays, targets, strict=True)),
        "PIL": lambda: list(zip(map(Image.fromarray, arrays), targets, strict=True)),
        "content": lambda: list(zip((encoded(Image.fromarray(a)) for a in arrays), targets,
                                    strict=True)),
        "parts": lambda: {"train": (stack[::2], targets[::2]),
                          "test": (stack[1::2], targets[1::2])},
    }  # fmt: skip
    images = load(made[kind]())
    assert images.levels == (0, 4095)
    order = [*range(0, 8, 2), *range(1, 8, 2)] if kind == "parts" else range(8)
    wanted = np.floor(stack[list(order)] * (255 / 4095) + 0.5)
    assert (images.images[..., 0].numpy() == wanted).all()
    assert "0 to 4095" in next(one.detail for one in images.findings if one.kind == "16-bit")


def test_an_array_is_read_by_the_levels_of_the_run() -> None:
    arrays, _ = in_memory()
    (one,) = read_inputs(arrays[0], (0.0, 4095.0))
    wanted = np.floor(arrays[0] * (255 / 4095) + 0.5)
    assert (decode(one.source, None, 1)[..., 0] == wanted).all()
    with pytest.raises(DataError, match="Integers must lie in"):
        next(read_inputs(arrays[7]))
