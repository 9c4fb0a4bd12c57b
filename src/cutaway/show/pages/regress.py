"""Numbers of each image: predicted against true, the errors, and the worst of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.figures import Axis, Curves, Series, line
from cutaway.learn.regression import Regression
from cutaway.learn.tasks.regress import Regress
from cutaway.show import errors
from cutaway.show.baselines import beside
from cutaway.show.pages.base import Outcome, Page, Section, Subject, Tile, build_page, tiles
from cutaway.show.pictures import Picture, Signal, example
from cutaway.show.words import percent, plural, resampled

VALUES = Section("values", "Predictions", "regress")
WORST = Section("worst", "Worst errors", "regress_worst")
ERRORS = Section("errors", "Errors")
MOST, CARDS = 2_000, 24


@dataclass(frozen=True)
class Card:
    """An image with the largest errors: of each number its name, the prediction and the truth."""

    name: str
    picture: Picture | Signal
    rows: tuple[tuple[str, str, str], ...]


def page(subject: Subject) -> Page:
    result = subject.result
    assert isinstance(result, Regression)
    sizes, unit = _error_sizes(result)
    worst = int(sizes.argmax())
    content = {
        "predicted": [predicted(result, k, subject.noun) for k in range(len(result.names))],
        "residuals": [residuals(result, k, subject.noun) for k in range(len(result.names))],
        "baselines": beside(subject.run),
        "by_value": result.per_value(),
        "intervals": [
            {"name": name, "rows": rows}
            for name, rows in zip(result.names, result.intervals, strict=False)
        ],
        "cards": cards(result, subject.images) if subject.images else [],
        "unit": unit,
        "error_rows": [],
        "error_figure": errors.histogram(sizes, unit, subject.noun),
        "hardest": (subject.name(int(result.index[worst])), sizes[worst].item()),
    }
    return build_page(subject, outcome(subject, result), (VALUES, WORST, ERRORS), **content)


def outcome(subject: Subject, result: Regression) -> Outcome:
    n, task = plural(len(result), "test " + subject.noun), subject.run.task
    assert isinstance(task, Regress)
    first, several = result.per_value()[0], len(result.names) > 1
    lead = [
        f"Of the variance of the true values {percent(result.r2)} is explained{_interval(result)}. "
        "100 % would be every prediction right; 0 % is what always predicting their mean gets."
    ]
    if several:
        lead.append("That is the mean of the numbers that it predicts; each has a row below.")
    else:
        lead.append(
            f"The predicted {first['name']} has a mean absolute error of {first['mae']:.4g}; in 9 "
            f"of 10 test {subject.noun}s the error is below {first['within']:.4g}."
        )
    notes = {
        "mse": "1 is about what always predicting the training mean gets",
        "loss": "as minimised",
    }
    own = [] if several else [
        Tile("Mean absolute error", f"{first['mae']:.4g}", f"of {first['name']}, in its own units"),
        Tile("9 of 10 errors below", f"{first['within']:.4g}", "in its own units"),
    ]  # fmt: skip
    return Outcome(
        f"R² = {result.r2:.3f}", f"on {n}", lead, (*own, *tiles(subject.measures, notes))
    )


def _error_sizes(result: Regression) -> tuple[Tensor, str]:
    """The size of each image's error, and its unit."""
    if len(result.names) == 1:
        return result.errors[:, 0].abs(), f"absolute error of {result.names[0]}"
    return result.squares.sqrt(), "error in standard deviations of the training values"


def _interval(result: Regression) -> str:
    if result.interval is None:
        return ""
    low, high = result.interval
    groups = resampled(result.related)
    return f" (95 % interval {percent(low)} to {percent(high)}{groups})"


def predicted(result: Regression, k: int, noun: str) -> Curves:
    """Predicted against true values of a number, with the range that holds 9 of 10 errors."""
    name, within = result.names[k], result.per_value()[k]["within"]
    some = _some(result)
    true, values = (x[some, k].double() for x in (result.targets, result.values))
    low, high = _limits(torch.cat([true, values]))
    return Curves(
        title=f"Predicted {name} against the true one",
        x=Axis(f"true {name}", low=low, high=high),
        y=Axis("predicted", low=low, high=high),
        series=(_band(low, high, within), line("", true, values, style="cloud")),
        caption=f"A point a test {noun}; on the dashed line the prediction is right. The band "
        f"holds 9 of 10 errors: it reaches {within:.4g} to both sides.",
        summary=f"{name}: 9 of 10 predictions are within {within:.4g} of the true value.",
        form="square",
    )


def residuals(result: Regression, k: int, noun: str) -> Curves:
    """The error against the predicted value: what is wrong with it depends on where."""
    name, some = result.names[k], _some(result)
    errors, values = result.errors[some, k], result.values[some, k].double()
    low, high = _limits(values)
    far = 1.05 * errors.abs().max().item() or 0.5
    bias = result.errors[:, k].mean().item()
    return Curves(
        title=f"Error of {name} by what was predicted",
        x=Axis(f"predicted {name}", low=low, high=high),
        y=Axis("predicted − true", low=-far, high=far),
        series=(
            Series("", (low, high), (0.0, 0.0), role="reference"),
            line("", values, errors, style="cloud"),
        ),
        caption=f"A point a test {noun}. Above the line the prediction is too high, below it too "
        f"low; on average it is off by {bias:+.4g}. Where the points lie to one side, or spread "
        "out, the network errs more there.",
        summary=f"Errors of {name} by prediction; their mean is {bias:+.4g}.",
        form="square",
    )


def _some(result: Regression) -> Tensor:
    """Rows that are drawn, evenly chosen."""
    return torch.linspace(0, len(result) - 1, min(MOST, len(result))).long()


def _limits(values: Tensor) -> tuple[float, float]:
    low, high = values.min().item(), values.max().item()
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def _band(low: float, high: float, within: float) -> Series:
    """The line of right predictions with the band of errors up to `within`, cut at the axes."""
    corners = {low, high, min(low + within, high), max(high - within, low)}
    at = tuple(sorted(corners))
    below, above = (tuple(min(max(v + d, low), high) for v in at) for d in (-within, within))
    return Series("", at, at, below, above, role="reference")


def cards(result: Regression, images: ImageSet) -> list[Card]:
    """The images with the largest errors, that one first."""
    return [_card(result, images, row) for row in result.worst(CARDS).tolist()]


def _card(result: Regression, images: ImageSet, row: int) -> Card:
    at = int(result.index[row])
    pairs = zip(
        result.names, result.values[row].tolist(), result.targets[row].tolist(), strict=True
    )
    rows = tuple((name, f"{value:.4g}", f"{true:.4g}") for name, value, true in pairs)
    return Card(images.names[at], example(images.images[at]), rows)
