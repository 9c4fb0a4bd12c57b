"""Images as `data:` addresses: what comes out is what went in."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.show.pictures import LARGEST, picture


def decoded(address: str) -> Image.Image:
    return Image.open(BytesIO(b64decode(address.partition(",")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_ones_are_exact(channels: int) -> None:
    pixels = torch.randint(256, (9, 14, channels), dtype=torch.uint8)
    found = picture(pixels)
    assert (found.width, found.height, found.crisp) == (14, 9, True)
    back = np.asarray(decoded(found.address)).reshape(9, 14, channels)
    assert (back == pixels.numpy()).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGB")])
def test_large_ones_are_reduced(channels: int, mode: str) -> None:
    found = picture(torch.zeros(300, 600, channels, dtype=torch.uint8))
    image = decoded(found.address)
    assert image.size == (found.width, found.height) == (LARGEST, LARGEST // 2)
    assert image.mode == mode
    assert not found.crisp
