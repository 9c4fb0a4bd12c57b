"""A map of the codes that a network gives to images."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.figures import Axis, Curves, Series
from cutaway.show.words import percent

HUES = 10
EDGE = 0.002
"""Share of the codes, at each end of an axis, that may lie far beyond it and are left out."""
MARGIN = 0.05
"""Of the others' range: what lies so near to them is drawn."""


def code_map(
    codes: Float[Tensor, "n k"], targets: Int[Tensor, " n"], classes: tuple[str, ...]
) -> Curves | None:
    """Codes of two numbers as points, wider ones by their first two principal components.

    None for codes of one number, which are no map, and for fewer than two codes.
    """
    codes = codes.double()
    if codes.shape[1] < 2 or len(codes) < 2:
        return None
    points, names, caption = _plane(codes)
    low, high = torch.quantile(points, torch.tensor([EDGE, 1 - EDGE]).double(), dim=0)
    near = MARGIN * (high - low)
    inside = ((low - near <= points) & (points <= high + near)).all(1)
    coloured = _commonest(targets, len(classes))
    clouds = (
        _cloud(name if k in coloured else "", points[(targets == k) & inside], len(classes) > 1)
        for k, name in enumerate(classes)
    )
    rest = "" if len(classes) <= HUES else f" The {HUES} commonest classes have colours."
    return Curves(
        title="Codes",
        x=Axis(names[0]),
        y=Axis(names[1]),
        series=tuple(cloud for cloud in clouds if cloud.x),
        caption=caption + rest,
        summary=f"Codes of {len(codes):,} test examples as points of a plane, by class.",
        form="square",
    )


def _cloud(name: str, points: Float[Tensor, "n 2"], with_name: bool) -> Series:
    """The points of a class; those without a name are in the background."""
    x, y = points.T.tolist()
    return Series(
        name if with_name else "", tuple(x), tuple(y), style="cloud", role="" if name else "quiet"
    )


def _plane(codes: Tensor) -> tuple[Tensor, tuple[str, str], str]:
    """The points, the names of the axes, and what they are."""
    if codes.shape[1] == 2:
        return (
            codes,
            ("first number", "second number"),
            "A code is two numbers, drawn here as a point.",
        )
    centred = codes - codes.mean(0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    share = sizes.square() / sizes.square().sum().clamp(min=1e-12)
    directions = directions[:2] * _signs(directions[:2])
    names = tuple(
        f"{place} principal component ({percent(share[i].item(), 0)})"
        for i, place in enumerate(("first", "second"))
    )
    caption = (
        f"A code is {codes.shape[1]} numbers. The map shows the two directions in which the codes "
        f"differ most, which hold {percent(share[:2].sum().item(), 0)} of their variance; classes "
        "that overlap here may lie apart in the others."
    )
    return centred @ directions.T, (names[0], names[1]), caption


def _signs(directions: Tensor) -> Tensor:
    """Return the signs that make each direction's largest part positive: it has none of its own."""
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -1.0, 1.0)


def _commonest(targets: Tensor, classes: int) -> list[int]:
    """The classes that have a colour each: all, or the commonest where there are too many."""
    counts = torch.bincount(targets, minlength=classes)
    return counts.argsort(descending=True, stable=True)[:HUES].sort().values.tolist()
