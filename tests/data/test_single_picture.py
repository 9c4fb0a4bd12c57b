"""One picture file as a data set."""

from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, image, noise, smooth, write

from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.errors import DataError


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_picture_stays_as_it_is(tmp_path: Path, channels: int) -> None:
    images = load(write(tmp_path, "photo.png", image(20, 33, channels)))
    assert (images.images[0].numpy() == noise(20, 33, channels)).all()
    assert images.whole
    assert (images.size, images.classes, images.names) == ((20, 33), ("photo",), ["photo.png"])
    assert split(images).train.tolist() == split(images).test.tolist() == [0]


@pytest.mark.parametrize(("asked", "size"), [(None, (128, 256)), (64, (32, 64)), (600, (300, 600))])
def test_the_longer_side_is_as_asked(tmp_path: Path, asked: int | None, size) -> None:
    images = load(write(tmp_path, "photo.png", smooth(200, 400)), image_size=asked)
    assert images.size == size
    theirs = np.array(smooth(*size)).astype(int)
    assert np.abs(images.images[0].numpy() - theirs).max() < 6
    assert load(images, image_size=16).size == (8, 16)


@pytest.mark.parametrize("content", [b"", b"hello", encoded(image(30, 30))[:400]])
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"photo\.png cannot be used\. "):
        load(write(tmp_path, "photo.png", content))
