"""One way of resizing: tensors get bit for bit what Pillow gives to files."""

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, image, noise
from PIL import Image

from cutaway.data.decode import decode, decode_to
from cutaway.data.frame import Fit, Frame, fit_of, resampled
from cutaway.data.imageset import scaled, scaled_masks
from cutaway.data.resampling import coloured, weights

# Larger, smaller, both at once, dyadic scales (ties at one half), a line of one pixel.
SIZES = [
    ((480, 640), (64, 64)), ((17, 301), (32, 32)), ((301, 17), (32, 32)), ((8, 8), (32, 32)),
    ((1, 50), (8, 8)), ((128, 64), (32, 32)), ((33, 31), (31, 33)), ((255, 256), (64, 64)),
    ((100, 40), (16, 64)), ((28, 28), (28, 28)),
]  # fmt: skip


def kinds(height: int, width: int) -> list[np.ndarray]:
    """Noise; stripes of two pixels, which any other resizing turns into other greys; diagonals."""
    y, x = np.mgrid[:height, :width]
    patterns = (x // 2 % 2, (x + y) // 3 % 2, (7 * x - 5 * y) // 11 % 2)
    drawn = [np.repeat(255 * p[..., None], 3, -1).astype(np.uint8) for p in patterns]
    return [noise(height, width), *drawn]


@pytest.mark.parametrize("fit", ["cut", "pad", "stretch"])
@pytest.mark.parametrize(("own", "size"), SIZES)
def test_tensors_are_resized_as_files_are(
    own: tuple[int, int], size: tuple[int, int], fit: Fit
) -> None:
    fit = fit_of(size, fit)
    for pixels in kinds(*own):
        file = decode_to(encoded(Image.fromarray(pixels)), Frame(3, size, fit))
        assert (scaled(torch.from_numpy(pixels)[None], size, fit)[0].numpy() == file).all()


def test_the_middle_square_is_cut_before_anything_reaches_beyond_it() -> None:
    pixels = noise(9, 20)
    middle = np.ascontiguousarray(pixels[:, 5:14])
    assert (decode(encoded(Image.fromarray(pixels)), 5, 3) == decode(
        encoded(Image.fromarray(middle)), 5, 3)).all()  # fmt: skip


def test_a_whole_picture_has_a_square_around_it() -> None:
    pixels = noise(4, 2)
    padded = decode_to(encoded(Image.fromarray(pixels)), Frame(3, (4, 4), "pad"))
    assert (padded == np.pad(pixels, ((0, 0), (1, 1), (0, 0)), mode="edge")).all()


@pytest.mark.parametrize(("length", "wanted"), [(640, 64), (8, 32), (31, 33), (1, 5), (7, 1)])
def test_weights_are_pillows(length: int, wanted: int) -> None:
    """A line with one bright pixel shows what it gives to each new one."""
    w = weights(length, wanted)
    assert (w.sum(1) - 2**22).abs().max() <= length
    for at in range(0, length, 5):
        line = np.zeros((1, length), np.uint8)
        line[0, at] = 255
        bright = np.asarray(resampled(Image.fromarray(line), (wanted, 1)))[0]
        mine = (w[:, at] * 255 / 2**22 + 0.5).floor().clamp(0, 255)
        assert (mine.numpy() == bright).all()


def test_colours_become_grey_as_in_a_file() -> None:
    pixels = noise(40, 40)
    file = decode(encoded(Image.fromarray(pixels)), None, 1)
    assert (coloured(torch.from_numpy(pixels)[None], 1)[0].numpy() == file).all()
    three = coloured(torch.from_numpy(file)[None], 3)[0].numpy()
    assert (three == decode(encoded(Image.fromarray(file[..., 0])), None, 3)).all()


@pytest.mark.parametrize("fit", ["cut", "pad", "stretch"])
def test_a_mask_stays_on_its_picture(fit: Fit) -> None:
    """Blocks of one colour a class: what the picture shows in a block's middle, its mask names."""
    mask = torch.arange(6).byte().repeat_interleave(10)[None, None].expand(1, 31, 60)
    picture = (40 * mask)[..., None]
    small = scaled_masks(mask, (12, 12), fit)[0]
    seen = scaled(picture.contiguous(), (12, 12), fit)[0, ..., 0]
    assert ((seen.int() - 40 * small.int()).abs() <= 20).float().mean() > 0.95


def test_one_odd_row_or_column_lies_on_the_same_side_everywhere() -> None:
    middle = decode(encoded(image(2, 5)), None, 3)[:, 1:3]
    assert (decode(encoded(image(2, 5)), 2, 3) == middle).all()
    assert (scaled_masks(torch.arange(10).byte().view(1, 2, 5), (2, 2), "cut")
            == torch.tensor([[1, 2], [6, 7]])).all()  # fmt: skip
