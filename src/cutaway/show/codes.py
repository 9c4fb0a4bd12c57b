"""A map of the codes that a network gives to images."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.show import plots
from cutaway.show.axes import short
from cutaway.show.plots import Chart, Point
from cutaway.show.words import percent

HEIGHT, HUES = 330, 10
EDGE = 0.002
"""Share of the codes, at each end of an axis, that may lie beyond it and are left out."""


def code_map(
    codes: Float[Tensor, "n k"], targets: Int[Tensor, " n"], classes: tuple[str, ...]
) -> Chart | None:
    """Codes of two numbers as points, wider ones by their first two principal components.

    None for codes of one number, which are no map, and for fewer than two codes.
    """
    codes = codes.double()
    if codes.shape[1] < 2 or len(codes) < 2:
        return None
    points, names, said = _plane(codes)
    x, y = _scale(points[:, 0], across=True), _scale(points[:, 1], across=False)
    inside = torch.tensor(
        [x.low <= a <= x.high and y.low <= b <= y.high for a, b in points.tolist()]
    )
    hues = _hues(targets, len(classes))
    clouds = tuple(
        plots.cloud(kind, name, _pairs(points[chosen & inside]), x, y)
        for kind, name, chosen in (
            (hues.get(k, "rest"), name if k in hues and len(classes) > 1 else "", targets == k)
            for k, name in enumerate(classes)
        )
        if (chosen & inside).any()
    )
    rest = "" if len(classes) <= HUES else f" The {HUES} commonest classes have colours."
    return Chart(
        title="Codes",
        summary=f"Codes of {len(codes):,} test examples as points of a plane, by class.",
        x_label=names[0],
        y_label=names[1],
        height=HEIGHT,
        x_ticks=plots.place(plots.round_ticks(x.low, x.high, 6), x, short),
        y_ticks=plots.place(plots.round_ticks(y.low, y.high, 6), y, short),
        clouds=clouds,
        caption=said + rest,
    )


def _pairs(points: Float[Tensor, "n 2"]) -> list[Point]:
    return [(a, b) for a, b in points.tolist()]


def _plane(codes: Tensor) -> tuple[Tensor, tuple[str, str], str]:
    """The points, the names of the axes, and what they are."""
    if codes.shape[1] == 2:
        return (
            codes,
            ("first number", "second number"),
            "A code is two numbers, drawn here as a point.",
        )
    centred = codes - codes.mean(0)
    _, sizes, ways = torch.linalg.svd(centred, full_matrices=False)
    share = sizes.square() / sizes.square().sum().clamp(min=1e-12)
    ways = ways[:2] * _signs(ways[:2])
    names = tuple(
        f"{place} principal component ({percent(share[i].item(), 0)})"
        for i, place in enumerate(("first", "second"))
    )
    said = (
        f"A code is {codes.shape[1]} numbers. The map shows the two directions in which the codes "
        f"differ most, which hold {percent(share[:2].sum().item(), 0)} of their variance; classes "
        "that overlap here may lie apart in the others."
    )
    return centred @ ways.T, (names[0], names[1]), said


def _signs(ways: Tensor) -> Tensor:
    """What makes each direction's largest part positive: a direction has no sign of its own."""
    largest = ways.gather(1, ways.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -1.0, 1.0)


def _scale(values: Tensor, across: bool) -> plots.Scale:
    low, high = torch.quantile(values, torch.tensor([EDGE, 1 - EDGE]).double()).tolist()
    margin = 0.05 * (high - low) or 1.0
    low, high = low - margin, high + margin
    return plots.across(low, high) if across else plots.upright(low, high, HEIGHT)


def _hues(targets: Tensor, classes: int) -> dict[int, str]:
    """A colour each for all classes, or for the commonest where there are too many."""
    counts = torch.bincount(targets, minlength=classes)
    best = counts.argsort(descending=True, stable=True)[:HUES].sort().values.tolist()
    return {k: f"hue{i}" for i, k in enumerate(best)}
