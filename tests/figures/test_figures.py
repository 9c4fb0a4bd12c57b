"""Figures as plain data: what programs get of them, and that it can be read back."""

import json
import math

import pytest
import torch

from cutaway.figures import (
    Axis,
    Bars,
    Curves,
    Figure,
    HeatMap,
    Interval,
    Intervals,
    Matrix,
    Part,
    Series,
    from_dict,
    images,
    line,
)

KINDS: tuple[Figure, ...] = (
    Curves(
        "Loss", Axis("epoch", whole=True), Axis("loss (nats)", "auto", zero=True),
        (
            Series("mean", (1, 2), (0.5, math.nan), (0.4, 0.2), (0.6, math.inf), role="val",
                   replicates=((0.4, 0.3), (0.6,))),
            line("dots", [1, 2], torch.tensor([0.1, 0.2]), dots=True),
        ),
        levels=((0.1, "chance"),), marks=((1.5, "stage 2"),), caption="c", form="flat",
    ),
    Bars("Sizes", Axis("weights", "log"), ("a", "b"), (Part("p", (1, 10), (0.5, 9), (2, 11)),)),
    Intervals(
        "Better by", Axis("points"), (Interval("b", 1.0, -1.0, 3.0, (0.0, 2.0), "b 1", "quiet"),),
        0.0,
    ),
    HeatMap("Spread", ("in", "out"), ("step 1", "step 9"), ((1.0, 2.0), (3.0, 4.0)),
            Axis("spread", "log")),
    Matrix("Confusion", ("cat", "dog"), ("cat", "dog"), ((9, 1), (0, 4)), "rows are true"),
    images("Faces", torch.rand(2, 4, 3), ("a", "b"), 2),
)  # fmt: skip


@pytest.mark.parametrize("figure", KINDS, ids=lambda figure: type(figure).__name__)
def test_what_programs_get_can_be_read_back(figure: Figure) -> None:
    content = json.loads(json.dumps(figure.to_dict(), allow_nan=False))
    assert content["kind"] == type(figure).__name__
    assert content["title"] == figure.title
    again = from_dict(content)
    assert type(again) is type(figure)
    assert repr(again) == repr(figure)  # not a number is not equal to itself


def test_a_text_is_taken_as_a_label() -> None:
    figure = Curves("c", "x", Axis("y", "log"), ())  # type: ignore[arg-type]
    assert (figure.x, figure.y) == (Axis("x"), Axis("y", "log"))
    assert Bars("b", "share (%)", (), ()).axis == Axis("share (%)")  # type: ignore[arg-type]


def test_figures_of_before_axes_were_data_are_read() -> None:
    """Findings that were kept then are not measured again."""
    series = {"kind": "Series", "name": "a", "x": [1.0], "y": [2.0], "low": [], "high": []}
    old = {
        "kind": "Curves", "title": "c", "x_label": "x", "y_label": "y",
        "series": [series | {"dots": True}, series | {"dots": False}],
        "x_log": True, "y_log": False, "levels": [[0.5, "chance"]], "marks": [], "caption": "said",
    }  # fmt: skip
    dots, curve = Series("a", (1.0,), (2.0,), style="dots"), Series("a", (1.0,), (2.0,))
    assert from_dict(old) == Curves(
        "c", Axis("x", "log"), Axis("y"), (dots, curve), ((0.5, "chance"),), caption="said"
    )
    part = {"kind": "Part", "name": "p", "values": [1.0], "low": [], "high": []}
    old = {"kind": "Bars", "title": "b", "label": "y", "groups": ["g"], "parts": [part],
           "log": True, "caption": ""}  # fmt: skip
    assert from_dict(old) == Bars("b", Axis("y", "log"), ("g",), (Part("p", (1.0,)),))


def test_what_is_no_figure_is_refused() -> None:
    with pytest.raises(KeyError):
        from_dict({"kind": "Pie"})
