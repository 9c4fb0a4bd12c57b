"""The geometry of charts."""

import pytest
import torch

from cutaway.learn.history import selected
from cutaway.learn.recipe import Recipe
from cutaway.show import plots
from cutaway.show.curves import curves
from cutaway.show.words import duration, number, percent


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.93, 1, [0.94, 0.96, 0.98, 1.0]),
        (0, 2.4, [0, 0.5, 1.0, 1.5, 2.0]),
        (1, 300, [100, 200, 300]),
    ],
)
def test_round_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert plots.round_ticks(low, high) == ticks


def test_whole_ticks() -> None:
    assert plots.round_ticks(1, 3, 8, whole=True) == [1, 2, 3]


def test_log_ticks() -> None:
    assert plots.log_ticks(0.06, 2.8) == [0.1, 0.2, 0.5, 1.0, 2.0]
    assert plots.log_ticks(0.0002, 3) == [0.001, 0.01, 0.1, 1.0]


def test_scales_place_the_ends_and_equal_ratios() -> None:
    scale = plots.Scale(0.01, 1, 200, 0, log=True)
    assert [scale(v) for v in (0.01, 0.1, 1)] == [200, 100, 0]


def test_heat_covers_every_cell_once() -> None:
    confusion = torch.tensor([[9, 1], [0, 4]])
    cells = dict(plots.heat(confusion))
    assert sum(path.count("M") for path in cells.values()) == 3
    assert cells["wrong shade2"] == "M1 0h1v1h-1z"
    assert "M1 1h1v1h-1z" in cells["right shade5"]


ROWS = [
    dict(epoch=e, lr=0.1, train_loss=a, train_accuracy=0.5, val_loss=b, val_accuracy=c)  # noqa: C408
    for e, a, b, c in ((1, 2.0, 1.0, 0.5), (2, 1.0, 0.4, 0.9), (3, 0.01, 0.7, 0.9))
]


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [({}, 3), ({"patience": 1}, 2), ({"patience": 1, "monitor": "val-accuracy"}, 2)],
)
def test_kept_epoch(changes: dict, epoch: int) -> None:
    recipe = Recipe(**changes)
    assert selected(ROWS, recipe.monitor, recipe.patience)["epoch"] == epoch


def test_curves_stay_inside_their_chart() -> None:
    found = curves(ROWS, Recipe())
    assert found is not None
    assert "log scale" in found.charts[0].y_label
    for chart in found.charts:
        for line in chart.lines:
            assert all(chart.left <= x <= chart.right for x, _ in line.points)
            assert all(chart.top <= y <= chart.bottom for _, y in line.points)


def test_no_metrics_no_curves() -> None:
    assert curves([], Recipe()) is None


def test_zero_loss_and_zero_accuracy_can_be_drawn() -> None:
    row = {"epoch": 1, "lr": 0.0, "train_loss": 0.0, "train_accuracy": 0.0}
    assert curves([row], Recipe(val=0.0)) is not None


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.98051, "98.1 %"),
        (1, "100 %"),
        (0.99999, ">99.9 %"),
        (0, "0 %"),
        (1e-6, "<0.1 %"),
        (None, "–"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(share: float | None, text: str) -> None:
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers_for_readers() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert number(61_706) == "61,706"
    assert number(11_972_510) == f"11.97{space}million"
    assert duration(75) == f"1{space}min{space}15{space}s"
    assert duration(7500) == f"2{space}h{space}5{space}min"
    assert [duration(s) for s in (0.001, 0.006)] == [f"<0.01{space}s", f"0.01{space}s"]
