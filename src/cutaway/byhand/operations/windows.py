"""Sliding windows over a grid of any number of axes, and the reverse."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil

from torch import Tensor
from torch.nn import functional as F

from cutaway.errors import UsageError

Setting = int | Sequence[int]
"""An int is meant for every axis."""

NO_BATCH = (
    "Values without an axis for the batch have no gradient by hand: give (batch, channel, "
    "height, width), for one image x[None]."
)


def each(value: Setting, axes: int) -> tuple[int, ...]:
    """A setting per axis."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if axes < 1 or len(values) not in (0, 1, axes):
        raise UsageError(NO_BATCH)
    return values * axes if len(values) == 1 else values


@dataclass(frozen=True)
class Windows:
    """The geometry of windows on (b, c, *grid); every field has a number per axis.

    Attributes:
        size: taps.
        stride: from one window to the next.
        dilation: from one tap to the next.
        before, after: margins that the grid is given.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    def places(self, sides: Sequence[int]) -> tuple[int, ...]:
        """Number of windows along each axis of a grid."""
        rows = zip(sides, *self._rows(), strict=True)
        return tuple((a + n + b - d * (k - 1) - 1) // s + 1 for n, k, s, d, a, b in rows)

    def _rows(self) -> tuple[tuple[int, ...], ...]:
        return self.size, self.stride, self.dilation, self.before, self.after

    def gather(self, x: Tensor, places: Sequence[int] = (), margin: float = 0.0) -> Tensor:
        """The values under each tap at each place: a view (b, c, *size, *places) of the grid."""
        places = places or self.places(x.shape[2:])
        if any((*self.before, *self.after)):
            pairs = zip(reversed(self.before), reversed(self.after), strict=True)
            x = F.pad(x, [n for pair in pairs for n in pair], value=margin)
        steps = x.stride()[2:]
        taps = [step * d for step, d in zip(steps, self.dilation, strict=True)]
        moves = [step * s for step, s in zip(steps, self.stride, strict=True)]
        shape = (*x.shape[:2], *self.size, *places)
        return x.as_strided(shape, (*x.stride()[:2], *taps, *moves))

    def lay(self, parts: Tensor, sides: Sequence[int]) -> Tensor:
        """The reverse of `gather`: (b, c, *size, *places) added up where they lie, (b, c, *sides).

        The loop runs over the taps, not over the places.
        """
        margins = zip(self.before, sides, self.after, strict=True)
        x = parts.new_zeros(*parts.shape[:2], *map(sum, margins))
        places = parts.shape[2 + len(sides) :]
        taps = parts.flatten(2, 1 + len(sides)).unbind(2)
        for part, tap in zip(taps, product(*map(range, self.size)), strict=True):
            rows = zip(tap, self.dilation, self.stride, places, strict=True)
            under = [slice(i * d, i * d + s * (n - 1) + 1, s) for i, d, s, n in rows]
            x[:, :, *under] += part
        inner = [slice(a, a + n) for a, n in zip(self.before, sides, strict=True)]
        return x[:, :, *inner]


def overhang(side: int, size: int, stride: int, padding: int, dilation: int) -> int:
    """The distance of the last window beyond the padded side where sizes are rounded up.

    A last window that would begin in the margin behind is left out, as in PyTorch.
    """
    span = side + 2 * padding - dilation * (size - 1) - 1
    last = ceil(span / stride) * stride
    if last >= side + padding:
        last -= stride
    return max(0, last - span)
