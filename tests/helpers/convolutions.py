"""Convolutions of every kind, drawn with the shapes of what they take."""

from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.agreement import axes, each, normal

CONVOLVE = (None, F.conv1d, F.conv2d, F.conv3d)
TRANSPOSE = (None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


@st.composite
def layers(draw, transposed=False, padding=None):
    """Axes, settings and the shapes of z, u and u_0."""
    n = draw(axes)
    size, stride, dilation = (draw(each(n, 1, high)) for high in (3, 3, 2))
    groups, b, inside, outside = (draw(st.integers(1, high)) for high in (3, 2, 2, 2))
    margin = padding or draw(each(n, 0, 2))
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True)]
    extra = draw(each(n, 0, 3))
    known = {"stride": stride, "padding": margin, "dilation": dilation, "groups": groups}
    if padding == "same":
        known["stride"] = (1,) * n
    if transposed:
        rows = zip(stride, dilation, strict=True)
        known["output_padding"] = [draw(st.integers(0, max(row) - 1)) for row in rows]
        rows = zip(spans, margin, stride, extra, strict=True)
        sides = [max(1, -(-(1 - k + 2 * p) // s) + 1) + e for k, p, s, e in rows]
        kernel = (groups * inside, outside, *size)
    else:
        rows = zip(spans, margin if padding is None else (0,) * n, extra, strict=True)
        sides = [max(1, k - 2 * p) + e for k, p, e in rows]
        kernel = (groups * outside, inside, *size)
    return n, known, (b, groups * inside, *sides), kernel, (groups * outside,)


def operands(case, bias, seed):
    _, _, *sizes = case
    x = [normal(*shape, seed=seed + i) for i, shape in enumerate(sizes)]
    return x if bias else [*x[:2], None]
