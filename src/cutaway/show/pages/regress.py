"""Numbers of each image: predicted against true, how far off they are, and the worst errors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.tasks.regress import Regress, Regression
from cutaway.show import axes, errors, plots
from cutaway.show.pages.base import Outcome, Page, Section, Subject, Tile, tiles, told
from cutaway.show.pictures import Picture, Signal, example
from cutaway.show.plots import Chart
from cutaway.show.words import plural

VALUES = Section("values", "Predictions", "regress")
WORST = Section("worst", "Worst errors", "regress_worst")
ERRORS = Section("errors", "Errors")
HEIGHT, MOST, CARDS = 320, 2_000, 24


@dataclass(frozen=True)
class Card:
    """An image with the largest errors: of each number its name, the prediction and the truth."""

    name: str
    picture: Picture | Signal
    rows: tuple[tuple[str, str, str], ...]


def page(subject: Subject) -> Page:
    found = subject.found
    assert isinstance(found, Regression)
    sizes, unit = _sizes(found)
    worst = int(sizes.argmax())
    content = {
        "predicted": [chart(found, k, subject.noun) for k in range(len(found.names))],
        "by_value": found.per_value(),
        "cards": cards(found, subject.images) if subject.images else [],
        "unit": unit,
        "error_rows": [],
        "error_chart": errors.histogram(sizes, unit, subject.noun),
        "hardest": (subject.name(int(found.index[worst])), sizes[worst].item()),
    }
    return told(subject, outcome(subject, found), (VALUES, WORST, ERRORS), **content)


def outcome(subject: Subject, found: Regression) -> Outcome:
    n, task = plural(len(found), "test " + subject.noun), subject.run.task
    assert isinstance(task, Regress)
    first, several = found.per_value()[0], len(found.names) > 1
    lead = [
        f"Of the variance of the true values {found.r2:.1%} is explained{_interval(found)}. 100 % "
        "would be every prediction right; 0 % is what always predicting their mean gets."
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
    return Outcome(f"R² = {found.r2:.3f}", f"on {n}", lead, (*own, *tiles(subject.measures, notes)))


def _sizes(found: Regression) -> tuple[Tensor, str]:
    """How large each image's error is, and in which unit."""
    if len(found.names) == 1:
        return found.errors[:, 0].abs(), f"absolute error of {found.names[0]}"
    return found.squares.sqrt(), "error in standard deviations of the training values"


def _interval(found: Regression) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    groups = (
        f", {found.related:,} groups of related images resampled whole" if found.related else ""
    )
    return f" (95 % interval {low:.1%} to {high:.1%}{groups})"


def chart(found: Regression, k: int, noun: str) -> Chart:
    """Predicted against true values of a number, with the range that holds 9 of 10 errors."""
    name, within = found.names[k], found.per_value()[k]["within"]
    some = torch.linspace(0, len(found) - 1, min(MOST, len(found))).long()
    true, said = found.targets[some, k].double(), found.values[some, k].double()
    low, high = _ends(torch.cat([true, said]))
    x, y = plots.across(low, high), plots.upright(low, high, HEIGHT)
    ticks = plots.round_ticks(low, high)
    return Chart(
        title=f"Predicted {name} against the true one",
        summary=f"{name}: 9 of 10 predictions are within {within:.4g} of the true value.",
        x_label=f"true {name}",
        y_label="predicted",
        height=HEIGHT,
        x_ticks=plots.place(ticks, x, axes.short),
        y_ticks=plots.place(ticks, y, axes.short),
        lines=(plots.line("right", "perfect", ((low, low), (high, high)), x, y, lambda p: ""),),
        bands=(_band(low, high, within, x, y),),
        clouds=(plots.cloud("hue0", "", [*zip(true.tolist(), said.tolist(), strict=True)], x, y),),
        caption=f"A point a test {noun}; on the dashed line the prediction is right. The band "
        f"holds 9 of 10 errors: it reaches {within:.4g} to both sides.",
    )


def _ends(values: Tensor) -> tuple[float, float]:
    low, high = values.min().item(), values.max().item()
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def _band(low: float, high: float, within: float, x: plots.Scale, y: plots.Scale) -> plots.Band:
    """What is at most so far from the line, within the chart."""
    within = min(within, high - low)
    corners = [
        (low, low), (low, low + within), (high - within, high), (high, high),
        (high, high - within), (low + within, low),
    ]  # fmt: skip
    return plots.Band("one", "M" + "L".join(f"{x(a):g} {y(b):g}" for a, b in corners) + "Z")


def cards(found: Regression, images: ImageSet) -> list[Card]:
    """The images with the largest errors, that one first."""
    return [_card(found, images, row) for row in found.worst(CARDS).tolist()]


def _card(found: Regression, images: ImageSet, row: int) -> Card:
    at = int(found.index[row])
    pairs = zip(found.names, found.values[row].tolist(), found.targets[row].tolist(), strict=True)
    rows = tuple((name, f"{said:.4g}", f"{true:.4g}") for name, said, true in pairs)
    return Card(images.names[at], example(images.images[at]), rows)
