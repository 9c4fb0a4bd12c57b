"""Figures as plain data, with their axes: `cutaway.show` draws them, `to_dict` gives them to
programs.

A label has its unit in brackets: `depth (layers)`, `share right (%)`. Values are given in the unit
that the label names; only an axis with `share` takes 0 to 1 and writes per cent.
"""

from cutaway.figures.axis import Axis, Places
from cutaway.figures.build import Numbers, images, line, numbers
from cutaway.figures.data import (
    Bars,
    Curves,
    Figure,
    HeatMap,
    Images,
    Interval,
    Intervals,
    Matrix,
    Part,
    Pixels,
    Plane,
    Role,
    Series,
    from_dict,
)

__all__ = [
    "Axis",
    "Bars",
    "Curves",
    "Figure",
    "HeatMap",
    "Images",
    "Interval",
    "Intervals",
    "Matrix",
    "Numbers",
    "Part",
    "Pixels",
    "Places",
    "Plane",
    "Role",
    "Series",
    "from_dict",
    "images",
    "line",
    "numbers",
]
