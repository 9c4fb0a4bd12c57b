"""Bars: names stand clear of the axis at which bars begin."""

from cutaway.figures import Axis, Bars, Part
from cutaway.show.charts.bars import draw


def test_names_do_not_touch_the_axis():
    drawn = draw(Bars("Answers", Axis("images"), ("mosaic virus",), (Part("all", (3.0,)),)))
    assert drawn.left >= drawn.zero + 5
