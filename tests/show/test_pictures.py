"""Images as `data:` addresses: what comes out is what went in."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.show.pictures import BARS, GAP, LARGEST, TILE, picture, sheet, signal


def decoded(address: str) -> Image.Image:
    return Image.open(BytesIO(b64decode(address.partition(",")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_ones_are_exact(channels: int) -> None:
    pixels = torch.randint(256, (9, 14, channels), dtype=torch.uint8)
    result = picture(pixels)
    assert (result.width, result.height, result.crisp) == (14, 9, True)
    back = np.asarray(decoded(result.address)).reshape(9, 14, channels)
    assert (back == pixels.numpy()).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGB")])
def test_large_ones_are_reduced(channels: int, mode: str) -> None:
    result = picture(torch.zeros(300, 600, channels, dtype=torch.uint8))
    image = decoded(result.address)
    assert image.size == (result.width, result.height) == (LARGEST, LARGEST // 2)
    assert image.mode == mode
    assert not result.crisp


def test_a_sheet_holds_each_picture_and_transparent_gaps() -> None:
    pictures = torch.randint(256, (5, 3, 4, 1), dtype=torch.uint8)
    result = sheet(pictures, columns=2, apart=1)
    pixels = np.asarray(decoded(result.address))
    assert pixels.shape == (3 * 3 + 2 * (GAP + 3 * GAP), 2 * 4 + GAP, 2)
    for i, one in enumerate(pictures):
        top, left = i // 2 * (3 + 4 * GAP), i % 2 * (4 + GAP)
        assert (pixels[top : top + 3, left : left + 4, 0] == one[..., 0].numpy()).all()
    assert (pixels[..., 1] == 255).sum() == 5 * 3 * 4


def test_a_heavy_sheet_is_reduced() -> None:
    result = sheet(torch.zeros(16, 200, 100, 3, dtype=torch.uint8), columns=8)
    assert not result.crisp
    assert result.address.startswith("data:image/jpeg")
    assert result.height == 2 * TILE + GAP


def test_signals_are_bars_or_lines_in_their_frame() -> None:
    short = torch.tensor([[0], [255], [51]], dtype=torch.uint8)
    result = signal(short, short)
    assert [round(bar.height / (result.height - 4), 2) for bar in result.bars] == [0, 1, 0.2]
    assert len(result.lines) == 1
    assert all(0 <= y <= result.height for _, y in result.lines[0])
    long = signal(torch.zeros(BARS + 1, 2, dtype=torch.uint8))
    assert not long.bars
    assert len(long.lines[0]) == BARS + 1
