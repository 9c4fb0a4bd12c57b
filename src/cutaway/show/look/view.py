"""A view: paragraphs, figures and tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.errors import CutawayError
from cutaway.figures import Figure, Images, images
from cutaway.lab.evidence import Table
from cutaway.show.look.specimen import Specimen
from cutaway.show.ramp import coloured

SIDE = 260
"""Pixels that a table drawn as squares is wide."""


@dataclass(frozen=True)
class View:
    """One section of the page, as plain data.

    Attributes:
        title: its heading.
        paragraphs: its text.
        items: figures and tables in their order.
    """

    title: str
    paragraphs: tuple[str, ...]
    items: tuple[Figure | Table, ...]


Maker = Callable[[Specimen], View]


Tile = tuple[str, Float[Tensor, "_ _ _"]]
"""A name and a picture (height, width, channels) of values from 0 to 1."""


Makers = Mapping[str, Callable[[], Iterable[Figure | Table]]]
"""Functions that make the parts of a view, by the parts' names."""


def parts(makers: Makers) -> tuple[tuple[Figure | Table, ...], tuple[str, ...]]:
    """Figures and tables, and a sentence for each part that cannot be made: it costs no other."""
    items: list[Figure | Table] = []
    lost = []
    for name, make in makers.items():
        try:
            items.extend(make())
        except Exception as error:  # whatever a network does
            lost.append(f"{name} left out. {reason(error)}")
    return tuple(items), tuple(lost)


def reason(error: Exception) -> str:
    """The reason why something cannot be shown, as a sentence."""
    if isinstance(error, CutawayError):
        return str(error)
    message = (str(error).splitlines() or [""])[0]
    return f"PyTorch or the network says: {type(error).__name__}{': ' if message else ''}{message}"


def in_rows(tiles: Sequence[Tile], columns: int) -> list[Sequence[Tile]]:
    """Tiles in rows of so many; the last row may be shorter."""
    return [tiles[i : i + columns] for i in range(0, len(tiles), columns)]


def rows_of(
    title: str,
    rows: Sequence[Sequence[Tile]],
    caption: str = "",
) -> Images:
    """Rows of pictures with their names."""
    tiles = [(name, x.detach().cpu().float()) for row in rows for name, x in row]
    sides = [max(x.shape[i] for _, x in tiles) for i in (0, 1)]
    pictures = torch.stack([_sized(x, sides) for _, x in tiles])
    return images(title, pictures, [name for name, _ in tiles], len(rows[0]), caption)


def squares(shares: Float[Tensor, "a b"]) -> Float[Tensor, "h w 3"]:
    """A table of shares from 0 to 1 as squares of colour, large enough to be told apart."""
    large = max(1, SIDE // max(shares.shape))
    colours = coloured(shares.cpu()) / 255
    return colours.repeat_interleave(large, 0).repeat_interleave(large, 1)


def _sized(x: Float[Tensor, "h w c"], sides: Sequence[int]) -> Float[Tensor, "h2 w2 3"]:
    """A picture in colour, resized pixel by pixel."""
    colour = x.expand(*x.shape[:2], 3).movedim(-1, 0)[None]
    return F.interpolate(colour, list(sides), mode="nearest")[0].movedim(0, -1)


def accuracy(specimen: Specimen, count: int) -> Callable[[], float]:
    """Measures the share of some held examples that the network, as it is, answers rightly."""
    held = specimen.few(count)
    return lambda: (specimen.predict(held.x).argmax(1) == held.t).double().mean().item()
