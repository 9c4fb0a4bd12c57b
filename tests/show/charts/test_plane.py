"""Decision regions, drawn still: areas by class and strength, examples where they lie."""

import re
from dataclasses import replace

from cutaway.figures import Axis, Plane, from_dict
from cutaway.figures.build import line
from cutaway.show.charts import draw

# A plane of 4 x 4: class 1 above the diagonal, surest in the corners.
CLASSES = bytes([0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0])
MARGIN = bytes([0, 80, 160, 255] * 4)
FIGURE = Plane(
    "Regions", Axis("a"), Axis("b"), (-1.0, -1.0), (1.0, 1.0), 4, CLASSES, MARGIN, ("no", "yes"),
    ((0.0, 0.0, 1), (-1.0, 1.0, 0)),
)  # fmt: skip


def area(path: str) -> float:
    return sum(float(w) * float(h) for w, h in re.findall(r"h([\d.]+)v([\d.]+)h-", path))


def test_every_place_is_tinted_once_by_its_class():
    drawn = draw(FIGURE)
    place = ((drawn.right - drawn.left) / 4) ** 2
    by_class = {"hue0": 0.0, "hue1": 0.0}
    for kind, _, path in drawn.areas:
        by_class[kind] += area(path) / place
    assert round(by_class["hue0"]) == CLASSES.count(0)
    assert round(by_class["hue1"]) == CLASSES.count(1)


def test_sure_places_are_tinted_more():
    strengths = {opacity for _, opacity, _ in draw(FIGURE).areas}
    assert min(strengths) < 0.1
    assert max(strengths) == 0.5


def test_low_rows_lie_below():
    """Row 0 of the data has the least y, and stands at the bottom."""
    one = Plane(
        "Regions", Axis("a"), Axis("b"), (0.0, 0.0), (1.0, 1.0), 2, bytes([1, 1, 0, 0]),
        bytes(4), ("no", "yes"),
    )  # fmt: skip
    drawn = draw(one)
    tops = {kind: float(path.split()[1].split("h")[0]) for kind, _, path in drawn.areas}
    assert tops["hue1"] > tops["hue0"]


def test_examples_lie_at_their_places():
    drawn = draw(FIGURE)
    (_, x, y), (_, left, top) = drawn.dots
    assert (x, y) == ((drawn.left + drawn.right) / 2, (drawn.top + drawn.bottom) / 2)
    assert (left, top) == (drawn.left, drawn.top)


def test_lines_lie_over_it():
    """From the left end below to the middle."""
    drawn = draw(replace(FIGURE, lines=(line("path", (-1, 0), (-1, 0)),)))
    across, up = (drawn.left + drawn.right) / 2, (drawn.top + drawn.bottom) / 2
    assert drawn.lines == (f"{drawn.left:.1f},{drawn.bottom:.1f} {across:.1f},{up:.1f}",)


def test_the_figure_comes_back_from_json():
    assert from_dict(FIGURE.to_dict()) == FIGURE
    lined = replace(FIGURE, lines=(line("path", (0, 1), (0, 1)),))
    assert from_dict(lined.to_dict()) == lined
