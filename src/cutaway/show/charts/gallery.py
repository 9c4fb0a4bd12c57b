"""Pictures in rows, drawn."""

from dataclasses import dataclass

import torch

from cutaway.figures import Images, Pixels
from cutaway.show.charts.drawing import Drawing
from cutaway.show.pictures import Picture, picture

CRISP, LARGEST = 64, 256


@dataclass(frozen=True, kw_only=True)
class Gallery(Drawing):
    """Pictures in rows."""

    kind = "gallery"
    tiles: tuple[tuple[Picture, str], ...]
    columns: int


def draw(figure: Images) -> Gallery:
    """Pictures with their names."""
    tiles = tuple(
        (_picture(one), name) for one, name in zip(figure.pictures, figure.names, strict=True)
    )
    return Gallery(
        title=figure.title,
        summary=figure.title,
        caption=figure.caption,
        tiles=tiles,
        columns=figure.columns,
    )


def _picture(one: Pixels) -> Picture:
    values = torch.frombuffer(bytearray(one.data), dtype=torch.uint8)
    return picture(values.view(one.height, one.width, one.channels), LARGEST, CRISP)
