"""The text's two edge kernels, on edges of every direction and on a photograph."""

import math
from typing import Annotated

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.lab.chapters.convolution.edges import photograph
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Series, line, over
from cutaway.lab.settings import Range

UPRIGHT = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]
SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
LAPLACE = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
NEAR, BINS = 15.0, 6
"""Degrees within which an edge counts as upright, lying or slanted; bins of the figure."""


def answers(x: Float[Tensor, "n m"], kernel: Float[Tensor, "3 3"]) -> Float[Tensor, "n m"]:
    """The size of what the kernel gives at each place."""
    return F.conv2d(F.pad(x[None, None], [1] * 4, "replicate"), kernel[None, None])[0, 0].abs()


def step(degrees: float, side: int = 9) -> Float[Tensor, "s s"]:
    """A soft edge through the middle; 0: dark on the left and bright on the right, upright."""
    at = torch.arange(side, dtype=torch.float64) - side // 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    across = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    return (2 * across).sigmoid()


def directions(
    x: Float[Tensor, "n m"], keep: float
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"], Bool[Tensor, "n m"]]:
    """How far each edge is from upright (0 to 90 degrees), how strong it is, and whether it is
    among the strongest (`keep` per cent); by a Gaussian's derivatives, wider than the kernels."""
    at = torch.arange(-5, 6, dtype=torch.float64)
    bell = (-(at**2) / 2 / 1.5**2).exp()
    across = torch.outer(bell, at * bell)
    dx, dy = (
        F.conv2d(F.pad(x[None, None], [5] * 4, "replicate"), k[None, None])[0, 0]
        for k in (across, across.T)
    )
    strength = torch.hypot(dx, dy)
    angle = torch.rad2deg(torch.atan2(dy.abs(), dx.abs()))
    return angle, strength, strength >= strength.quantile(1 - keep / 100)


def tiled(values: Float[Tensor, "n m"], where: Bool[Tensor, "n m"], tiles: int) -> Tensor:
    """The mean of the places that count in each square; not a number where they are few."""
    total, number = (
        F.adaptive_avg_pool2d(z[None], tiles)[0].flatten()
        for z in (values * where, where.to(values))
    )
    least = 10 / (values.numel() / tiles**2)
    return torch.where(number >= least, total / number, torch.nan)


def each_its_own(upright: Effect, lying: Effect, slanted: Effect) -> Verdict:
    """Holds if each kernel answers edges of its own direction at least twice as strongly as those
    across it (both intervals above 2) and slanted edges, at 45 degrees, by less than half of its
    own (the interval below 50 %); with limits if slanted edges get more than half; does not hold if
    a kernel answers the edges across it as strongly as its own (an interval that ends below 1);
    else undecided."""
    if min(upright.high, lying.high) < 1:
        return Verdict.FAILS
    if min(upright.low, lying.low) <= 2:
        return Verdict.UNDECIDED
    if slanted.high < 50:
        return Verdict.HOLDS
    return Verdict.LIMITED if slanted.low > 50 else Verdict.UNDECIDED


@claim(
    "5.17",
    says="What a kernel finds depends on its numbers: one of two 3 x 3 kernels finds upright "
    "edges, the other lying ones.",
    source="textbook 4.3.1, several feature maps",
    rule=each_its_own,
    baseline="Laplace's kernel, which answers edges of all directions alike (1 time as strongly), "
    "and Sobel's, in which the middle row counts double.",
    otherwise="A pair of kernels read together: the two answers give the direction of any edge.",
)
def edge_kernels(
    side: Annotated[int, Range(64, 512)] = 256,
    tiles: Annotated[int, Range(2, 32)] = 8,
    keep: Annotated[float, Range(1, 100)] = 20.0,
) -> Evidence:
    """Ideal edges of all directions are shown to both kernels; then a photograph, whose strongest
    edges are sorted by their direction, found with a wider filter. The squares into which it is
    divided are the replicates, since neighbouring pixels see the same edge."""
    x = photograph(side)[0, 0]
    angle, strength, strong = directions(x, keep)
    kernels = {"upright": torch.tensor(UPRIGHT).double(), "lying": torch.tensor(UPRIGHT).double().T}
    kernels |= {"Laplace": torch.tensor(LAPLACE).double()}
    given = {name: answers(x, k) / strength.clamp(min=1e-9) for name, k in kernels.items()}
    places = {
        "upright": angle < NEAR,
        "lying": angle > 90 - NEAR,
        "slanted": (angle - 45).abs() < NEAR,
    }
    by = {
        (k, edges): tiled(v, strong & at, tiles)
        for k, v in given.items() for edges, at in places.items()
    }  # fmt: skip
    whole = ~torch.stack(list(by.values())).isnan().any(0)
    by = {key: values[whole] for key, values in by.items()}
    own = by["upright", "upright"], by["lying", "lying"]
    slanted = torch.stack([by[k, "slanted"] / by[k, k] for k in ("upright", "lying")]).mean(0)
    record = Record()
    record.effects(
        upright=ratio("upright kernel: upright over lying edges", by["upright", "lying"], own[0]),
        lying=ratio("lying kernel: lying over upright edges", by["lying", "upright"], own[1]),
        slanted=mean("slanted edges, of each kernel's own", 100 * slanted, "%"),
        laplace=ratio(
            "Laplace: upright over lying", by["Laplace", "lying"], by["Laplace", "upright"]
        ),
        prewitt=exact("wrong by, direction from the pair", misread(UPRIGHT), "degrees"),
        sobel=exact("wrong by, direction from Sobel's pair", misread(SOBEL), "degrees"),
    )
    ideal = range(0, 91, 5)
    curves = [
        line(name, ideal, [answers(step(a), k)[4, 4].item() for a in ideal])
        for name, k in kernels.items() if name != "Laplace"
    ]  # fmt: skip
    record.curves("Ideal edges", "direction (degrees from upright)", "answer", *curves)
    record.curves("The photograph", *AXES, *_by_bins(given, angle, strong, tiles))
    shown = torch.stack([x, *(answers(x, k) / 3 for k in kernels.values())]).clamp(0, 1)
    record.images("A photograph and what each kernel answers", shown, ("", *kernels), columns=4)
    effects = {k: by["upright", k].mean().item() for k in places}
    return record.because(f"""
        Relative to its strength the upright kernel answers an upright edge by
        {effects["upright"]:.2f}, a lying one by {effects["lying"]:.2f} and a slanted one by
        {effects["slanted"]:.2f}, in {int(whole.sum())} squares of the photograph. So each finds its
        own edges and hardly those across. But an edge at 45 degrees excites both, as the cosine of
        45 degrees says it must: one kernel alone does not tell a slanted edge from a weaker upright
        one. The pair does: its two answers give the direction of an ideal edge to
        {misread(UPRIGHT):.1f} degrees, Sobel's pair to {misread(SOBEL):.1f}.
    """)


AXES = "direction (degrees from upright)", "answer, relative to the edge's strength"


def _by_bins(
    given: dict[str, Tensor], angle: Tensor, strong: Bool[Tensor, "n m"], tiles: int
) -> list[Series]:
    """Answers by direction, with intervals over the squares that have edges of all."""
    wide = 90 / BINS
    series = []
    for name, values in given.items():
        each = torch.stack([
            tiled(values, strong & (angle >= k * wide) & (angle < (k + 1) * wide + 1e-9), tiles)
            for k in range(BINS)
        ])  # fmt: skip
        each = each[:, ~each.isnan().any(0)]
        series.append(over(name, [wide * (k + 0.5) for k in range(BINS)], each / each.mean()))
    return series


def misread(kernel: list[list[int]]) -> float:
    """How far the direction that the kernel and its turned twin give is off at most (degrees)."""
    k = torch.tensor(kernel).double()
    wrong = []
    for degrees in range(91):
        across, down = (answers(step(degrees), u)[4, 4].item() for u in (k, k.T))
        wrong.append(abs(math.degrees(math.atan2(down, across)) - degrees))
    return max(wrong)
