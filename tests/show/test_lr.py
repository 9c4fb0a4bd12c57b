"""The page of a range test: its suggestion or why there is none, and curves of any length."""

import numpy as np
import pytest

from cutaway.learn.lr_range import HIGH, LOW, STEPS, RangeTest, Sweep
from cutaway.learn.recipe import Recipe
from cutaway.show.charts import curves as drawing
from cutaway.show.pages.lr import content, figure, write

RATES = tuple(np.geomspace(LOW, HIGH, STEPS).tolist())


def fallen(rate: float, steps: int = STEPS) -> Sweep:
    losses = 2.3 - 1.5 / (1 + (rate / np.array(RATES)) ** 2)
    return Sweep(RATES[:steps], tuple(losses[:steps].tolist()))


def test_a_suggestion_is_marked_beside_the_recipes_rate() -> None:
    test = RangeTest(Recipe(lr=0.05), (fallen(0.001), fallen(0.002, 80)))
    chart = drawing.draw(figure(test))
    texts = [mark.word.text for mark in chart.marks]
    assert texts == [f"suggested {test.suggestion:g}", "recipe 0.05"]
    assert content(test)["headline"] == f"{test.suggestion:g}"
    mean = figure(test).series[1]
    assert [len(one) for one in mean.replicates] == [STEPS, 80]
    assert mean.y[-1] == pytest.approx(test.sweeps[0].smoothed[-1])


def test_a_flat_curve_suggests_nothing_and_says_so(tmp_path) -> None:
    flat = Sweep(RATES, (2.0, 2.1) * (STEPS // 2))
    write(RangeTest(Recipe(lr=0.05), (flat, flat, flat)), tmp_path / "lr.html")
    page = (tmp_path / "lr.html").read_text()
    assert "No suggestion" in page
    assert "falls by no more than its noise" in page
    assert "--lr 0.05" in page
