"""Ink of one width, and a network that takes sides of any length."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cutaway.errors import UsageError
from cutaway.models import build
from cutaway.models.lenet_norm import Box


def bar(left: int, width: int, side: int = 28) -> torch.Tensor:
    x = torch.zeros(1, 1, side, side)
    x[..., 6:22, left : left + width] = 1
    return x


def inked(x: torch.Tensor) -> tuple[int, int]:
    """The first inked column and the one after the last."""
    columns = (x > 0.5).any(2).flatten().nonzero().flatten().tolist()
    return columns[0], columns[-1] + 1


@given(
    left=st.integers(0, 20), width=st.integers(2, 8), wanted=st.integers(4, 24),
    scale=st.sampled_from([1.0, 255.0]), background=st.sampled_from([0.0, -0.42]),
)  # fmt: skip
def test_ink_is_as_wide_as_asked_and_in_the_middle(left, width, wanted, scale, background):
    boxed = (Box(wanted)(bar(left, width) * scale + background) - background) / scale
    first, end = inked(boxed)
    assert abs((end - first) - wanted) <= 1
    assert abs((first + end) / 2 - 14) <= 1
    assert boxed[..., :5, :].abs().max() < 1e-6  # heights stay


def test_ink_of_that_width_in_the_middle_stays_where_it_is():
    torch.testing.assert_close(Box(10)(bar(9, 10)), bar(9, 10), atol=1e-5, rtol=0)


def test_blank_images_and_each_image_of_a_batch_by_itself():
    both = torch.cat([bar(3, 6), torch.zeros(1, 1, 28, 28), bar(15, 4)])
    boxed = Box(12)(both)
    assert boxed.isfinite().all()
    for one, alone in zip(boxed, both, strict=True):
        assert torch.equal(one, Box(12)(alone[None])[0])


def test_a_box_is_an_option_that_fits_the_image():
    x = bar(4, 8)
    assert build("lenet_norm", 1, 10, 28, {"box": 20}).eval()(x).shape == (1, 10)
    with pytest.raises(UsageError, match="--box takes 0 to 28"):
        build("lenet_norm", 1, 10, 28, {"box": 29})


@pytest.mark.parametrize("side", [16, 27, 28, 29, 32])
@pytest.mark.parametrize("name", ["lenet_norm", "lenet_strided"])
def test_sides_even_and_odd(name, side):
    assert build(name, 1, 10, side).eval()(torch.rand(2, 1, side, side)).shape == (2, 10)
