import pytest
import torch
from helpers.agreement import agree, axes, each, few, flags, normal, seeds, some, tied
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cutaway.byhand.operations import MaxPooling, MeanPooling
from cutaway.errors import UsageError

LARGEST = (None, F.max_pool1d, F.max_pool2d, F.max_pool3d)
MEAN = (None, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


@st.composite
def windows(draw, dilated):
    """Axes, settings and the shape of x."""
    n = draw(axes)
    size, stride = draw(each(n, 1, 3)), draw(st.just(()) | each(n, 1, 4))
    dilation = draw(each(n, 1, 2)) if dilated else (1,) * n
    padding = tuple(draw(st.integers(0, k // 2)) for k in size)
    rows = zip(size, dilation, padding, draw(each(n, 0, 4)), strict=True)
    # Every window has a tap inside; a mean in 3-D has a whole window.
    whole = not dilated and n == 3
    sides = [max(d, d * (k - 1) + 1 - 2 * p, k * whole) + e for k, d, p, e in rows]
    known = {"kernel_size": size, "stride": stride, "padding": padding, "ceil_mode": draw(flags)}
    return n, known | ({"dilation": dilation} if dilated else {}), (2, 2, *sides)


def by_torch(function, known):
    settings = known | {"stride": known["stride"] or None}
    return lambda x: function(x, **settings)


@pytest.mark.parametrize("numbers", [normal, tied])
@some
@given(windows(dilated=True), seeds)
def test_max_pooling(numbers, case, seed):
    n, known, shape = case
    agree(MaxPooling(**known), by_torch(LARGEST[n], known), numbers(*shape, seed=seed))


@some
@given(windows(dilated=False), flags, st.none() | st.integers(1, 5), seeds)
def test_mean_pooling(case, count, divisor, seed):
    n, known, shape = case
    known["count_include_pad"] = count
    if n > 1:
        known["divisor_override"] = divisor
    agree(MeanPooling(**known), by_torch(MEAN[n], known), normal(*shape, seed=seed))


@few
@given(windows(dilated=True), seeds)
def test_in_single_precision(case, seed):
    n, known, shape = case
    x = normal(*shape, seed=seed)
    agree(MaxPooling(**known), by_torch(LARGEST[n], known), x, dtype=torch.float32)


def test_of_equal_numbers_the_first_gets_the_gradient():
    y = MaxPooling(2).forward(x := torch.zeros(1, 1, 2, 2))
    (below,) = MaxPooling(2).backward(torch.ones_like(y), y, x)
    assert below().tolist() == [[[[1, 0], [0, 0]]]]


@pytest.mark.parametrize("operation", [MaxPooling((2, 2)), MeanPooling((2, 2)), MeanPooling((2,))])
def test_an_image_without_a_batch_is_refused(operation):
    x = normal(3, 4, 4) if len(operation.kernel_size) == 2 else normal(3, 4)
    with pytest.raises(UsageError, match=r"for one image x\[None\]"):
        operation.forward(x)
