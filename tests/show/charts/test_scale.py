"""Axes: which scale suits the values, where its ticks are and what stands there."""

import math
from itertools import pairwise

import pytest

from cutaway.figures import Axis
from cutaway.show.charts.scale import (
    ACROSS,
    Scale,
    fit,
    label,
    log_ticks,
    round_ticks,
    short,
    ticks,
    written,
)


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
    assert round_ticks(low, high) == ticks


def test_whole_ticks() -> None:
    assert round_ticks(1, 3, 8, whole=True) == [1, 2, 3]


def test_log_ticks() -> None:
    assert log_ticks(0.06, 2.8) == [0.1, 0.2, 0.5, 1.0, 2.0]
    assert log_ticks(0.0002, 3) == [0.001, 0.01, 0.1, 1.0]


def test_scales_place_the_ends_and_equal_ratios() -> None:
    scale = Scale(0.01, 1, 200, 0, log=True)
    assert [scale(v) for v in (0.01, 0.1, 1)] == [200, 100, 0]


def test_what_lies_beyond_the_ends_is_drawn_there() -> None:
    scale = fit(Axis("x", low=0.0, high=1.0), [-5.0, 0.5, 7.0], 0, 100)
    assert [scale(v) for v in (-5.0, 0.0, 0.5, 1.0, 7.0, math.inf)] == [0, 0, 50, 100, 100, 100]


def test_one_epoch_has_one_tick() -> None:
    epoch = Axis("epoch", whole=True)
    assert ticks(epoch, fit(epoch, [1], 58, 388), ACROSS) == ((223.0, "1"),)


@pytest.mark.parametrize("values", [[1.0, 1000.0], [0.01, 0.5]])
def test_values_that_span_much_have_an_axis_by_ratios(values: list[float]) -> None:
    assert fit(Axis("loss", "auto", zero=True), values, 200, 0).log
    assert not fit(Axis("loss", zero=True), values, 200, 0).log
    assert not fit(Axis("loss", "auto"), [*values, 0.0], 200, 0).log


def test_an_axis_by_ratios_says_so_once() -> None:
    nats = Axis("−ln p(x|z) (nats an image)", "auto")
    far, near = (fit(nats, [1, most], 200, 0) for most in (1000, 2))
    assert label(nats, far) == "−ln p(x|z) (nats an image, log scale)"
    assert label(nats, near) == nats.label
    assert label(Axis("loss", "log"), far) == "loss (log scale)"


def test_an_axis_begins_at_zero_or_at_its_own_values() -> None:
    assert fit(Axis("loss", zero=True), [3.0, 4.0], 200, 0).low == 0
    assert fit(Axis("loss", zero=True), [-0.5, 4.0], 200, 0).low < -0.5
    assert 2 < fit(Axis("PSNR"), [3.0, 4.0], 200, 0).low < 3


def test_shares_are_written_in_per_cent() -> None:
    accuracy = Axis("accuracy (%)", share=True)
    scale = fit(accuracy, [0.97, 0.98], 190, 0)
    assert scale.high == 1
    assert {text for _, text in ticks(accuracy, scale, 40)} >= {"98", "99", "100"}
    assert written(accuracy, 0.98123).replace("\N{NO-BREAK SPACE}", " ") == "98.12 %"
    assert written(Axis("epoch", whole=True), 1200) == "epoch 1,200"


def test_names_stand_where_their_numbers_are() -> None:
    axis = Axis("optimizer", names=("sgd", "a name that is far too long"))
    scale = fit(axis, [], 0, 100)
    assert ticks(axis, scale, ACROSS) == ((25.0, "sgd"), (75.0, "a name th…"))


@pytest.mark.parametrize("low", [0, -3.7, 1e-9, 12_345.6])
@pytest.mark.parametrize("wide", [1e-6, 0.3, 7, 1e6])
@pytest.mark.parametrize("way", ["linear", "log"])
def test_no_two_ticks_overlap(low: float, wide: float, way: str) -> None:
    """Letters of 12-unit text are about 6.6 wide."""
    axis = Axis("x", "log" if way == "log" else "linear")
    values = [low, low + wide] if way == "linear" else [wide, 50 * wide, 1e5 * wide]
    placed = ticks(axis, fit(axis, values, 58, 388), ACROSS)
    assert len(placed) > 1
    for (a, left), (b, right) in pairwise(placed):
        assert b - a > 6.6 * (len(left) + len(right)) / 2, (left, right)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (0.0002, "2e−4"),
        (0, "0"),
        (1.5e-5, "1.5e−5"),
        (-30.0, "−30"),
        (-0.0002, "−2e−4"),
    ],
)
def test_ticks_fit_beside_the_axis(value: float, text: str) -> None:
    assert short(value) == text
