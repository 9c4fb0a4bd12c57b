"""Photographs of phones: read where the package is, and told how where it is not."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, image, smooth, write
from PIL import Image

from cutaway.data.decode import Unreadable, decode, decode_to
from cutaway.data.picture import read_header
from cutaway.data.sources import load
from cutaway.data.target import Classes
from cutaway.errors import DataError
from cutaway.learn.card import DataCard
from cutaway.learn.inputs import read_inputs
from cutaway.ship.about import About
from cutaway.ship.serve.decoding import decode_picture

BARE = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
"""The first bytes of such a file; the rest is not reached without the package."""
HINT = r"pip install 'cutaway\[heic\]'"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a computer without the package."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


def photograph(orientation: int = 1) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(smooth(48, 80), "HEIF", quality=95, exif=exif.tobytes())


ABOUT = About("lenet5", {}, "d", "classify", "answer", Classes(("a", "b")), 3, (8, 8), (0.5,) * 3,
              (0.5,) * 3, False, 0, {}, "")  # fmt: skip
CARD = DataCard("d", Classes(("a", "b")), 3, (8, 8), (0.5,) * 3, (0.5,) * 3, "", "", {})


@pytest.mark.usefixtures("without")
def test_without_the_package_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=HINT):
        decode(BARE, None, 3)
    with pytest.raises(DataError, match=HINT):  # predict
        CARD.pixels(write(tmp_path, "phone.heic", BARE))
    problem = decode_picture(BARE, ABOUT, 2**27)  # the server
    assert isinstance(problem, Unreadable)
    assert problem.kind == "heic"


@pytest.mark.usefixtures("without")
def test_one_such_file_costs_that_file(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        write(tmp_path, name, image(8, 8))
    write(tmp_path, "a/phone.HEIC", BARE)
    images = load(tmp_path)
    assert len(images) == 2
    (finding,) = images.findings
    assert (finding.kind, finding.where, finding.left_out) == ("heic", ("a/phone.HEIC",), True)
    assert "cutaway[heic]" in finding.detail


def test_a_photograph_is_decoded() -> None:
    content = photograph()
    assert read_header(content)[:2] == (48, 80)
    assert np.abs(decode(content, None, 3).astype(int) - np.asarray(smooth(48, 80))).mean() < 4
    assert decode(content, 16, 1).shape == (16, 16, 1)


def test_a_turned_photograph_is_turned_once() -> None:
    pixels = decode(photograph(orientation=6), None, 3)
    upright = np.rot90(np.asarray(smooth(48, 80)), -1)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 4


def test_a_folder_of_them(tmp_path: Path) -> None:
    content = photograph()
    for i in range(6):
        write(tmp_path, f"{'ab'[i % 2]}/{i}.heic", content)
    images = load(tmp_path)
    assert len(images) == 6
    assert images.findings == ()
    assert (images.images[0].numpy() == decode_to(content, images.frame)).all()


def test_a_broken_one_is_told() -> None:
    if find_spec("pillow_heif") is None:
        pytest.skip("pillow-heif is not here")
    with pytest.raises(Unreadable) as error:
        decode(photograph()[:200], None, 3)
    assert error.value.kind in {"truncated", "unreadable"}
    assert error.value.sentence.endswith(".")


@pytest.mark.usefixtures("without")
def test_predict_does_not_pass_over_them_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "1.png", image(8, 8))
    write(tmp_path, "2.HEIC", BARE)
    assert [Path(one.name).name for one in read_inputs(tmp_path)] == ["1.png", "2.HEIC"]
