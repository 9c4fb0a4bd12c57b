"""How drawings lie on their paper, measured."""

import pytest
import torch
from PIL import Image, ImageDraw

from cutaway.data.imageset import scaled
from cutaway.data.ink import measure_ink
from cutaway.data.sources import load


def lines(count: int = 40, size: int = 40, width: int = 4, paper: int = 0, ink: int = 255):
    """Upright lines of 20 pixels, anywhere but with their middle at one place."""
    drawn = []
    for i in range(count):
        image = Image.new("L", (size, size), paper)
        half = 8 + i % 3
        ImageDraw.Draw(image).line((20, 18 - half, 20, 18 + half), fill=ink, width=width)
        drawn.append(torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8))
    return torch.stack(drawn).view(count, size, size, 1)


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 30), (128, 250)])
def test_lines_are_measured(paper: int, ink: int) -> None:
    measured = measure_ink(lines(paper=paper, ink=ink))
    assert measured is not None
    assert (measured.paper, measured.ink) == pytest.approx((paper / 255, ink / 255), abs=0.01)
    assert measured.length == pytest.approx(19 / 40, abs=0.03)
    assert (measured.x, measured.y) == pytest.approx((0.5, 18.5 / 40), abs=0.03)
    assert measured.width == pytest.approx(4 / 40, abs=0.03)
    assert measured.grain == 1


def test_the_digits_fill_their_images() -> None:
    """8 x 8 pixels from top to bottom; brought to 32, each takes four."""
    small, large = (
        measure_ink(load("digits").images),
        measure_ink(load("digits", image_size=32).images),
    )
    assert small is not None
    assert large is not None
    assert (small.length, small.by, small.grain) == (1, "box", 1)
    assert (large.length, large.by, large.grain) == (1, "box", 4)
    assert large.width == pytest.approx(small.width, abs=0.02)
    assert small.ink > small.paper == 0


def test_mnist_lies_by_its_mass(real_data) -> None:
    ink = measure_ink(load("mnist").images[:4000])
    assert ink is not None
    assert (ink.length, ink.by, ink.grain) == (20 / 28, "mass", 1)


def test_photographs_are_no_drawings() -> None:
    noise = torch.randint(256, (20, 16, 16, 1), generator=torch.Generator().manual_seed(0)).byte()
    assert measure_ink(noise) is None
    assert measure_ink(noise.expand(-1, -1, -1, 3)) is None
    assert measure_ink(torch.zeros_like(noise)) is None
    assert measure_ink(scaled(noise, (2, 2))) is None
