"""A table of numbers as colours."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.figures import HeatMap
from cutaway.show import ramp
from cutaway.show.charts.drawing import Drawing
from cutaway.show.charts.scale import short
from cutaway.show.pictures import Picture, picture

LEFT, WIDTH, BELOW = 130, 400, 34
ROW, TALL, TEXT = 15, 420, 12
"""Height of a row, of all rows at most (or a unit each), and of a name."""
LETTERS = 20
WHOLE = 1 << 16
"""Pixels a side up to which the picture is neither reduced nor blurred."""


@dataclass(frozen=True)
class Name:
    """A row's name: in short, whole, and where it stands."""

    text: str
    whole: str
    y: float


@dataclass(frozen=True, kw_only=True)
class Map(Drawing):
    """Rows of colours.

    Attributes:
        below: the text at the left and the right end of the columns.
        ends: the values of the first and the last colour; `colours` are all of them, as CSS.
    """

    kind = "heatmap"
    picture: Picture
    names: tuple[Name, ...]
    height: float
    below: tuple[str, str]
    ends: tuple[str, str]
    colours: str
    left: int = LEFT
    width: int = WIDTH

    @property
    def whole(self) -> float:
        return self.height + BELOW


def draw(figure: HeatMap) -> Map:
    """A colour for each number, a name for each row for which there is room."""
    n = len(figure.rows)
    row = min(ROW, max(1.0, TALL / max(n, 1)))
    each = -(-TEXT // row)
    names = tuple(
        Name(_brief(name), name, round((i + 0.5) * row + 4, 1))
        for i, name in enumerate(figure.rows)
        if i % each == 0
    )
    shares, ends = _shares(figure)
    colours = picture(ramp.coloured(shares).to(torch.uint8), WHOLE, WHOLE)
    first, last = figure.ends
    return Map(
        title=figure.title,
        summary=figure.summary or f"{figure.title}, {n} rows from {first} to {last}",
        caption=figure.caption,
        picture=colours,
        names=names,
        height=round(n * row, 1),
        below=figure.ends,
        ends=ends,
        colours=ramp.css(),
    )


def _shares(figure: HeatMap) -> tuple[Float[Tensor, "rows columns"], tuple[str, str]]:
    """Places along the colours, from 0 to 1, and the texts at their ends."""
    axis, values = figure.colour, torch.tensor(figure.values).view(len(figure.rows), -1)
    log = axis.scale == "log"
    values = values.where(values > 0, torch.nan).log10() if log else values
    known = values[values.isfinite()]
    low, high = (known.min().item(), known.max().item()) if len(known) else (0.0, 1.0)
    low, high = low if axis.low is None else axis.low, high if axis.high is None else axis.high
    limits = [float(f"{10**end if log else end:.1e}") for end in (low, high)]
    ends = (axis.names[0], axis.names[-1]) if axis.names else (short(limits[0]), short(limits[1]))
    return (values - low) / max(high - low, 1e-6), ends


def _brief(name: str) -> str:
    """The end of a long name, where names differ."""
    return name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}"
