"""The size of a map: padding at the edge, and the stride."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.data.feed import to_float
from cutaway.data.sources import load
from cutaway.errors import UsageError
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line
from cutaway.lab.settings import Range

MODES = {"zero": "constant", "copied": "replicate"}
Side = Annotated[int, Range(16, 256)]


def photograph(side: int) -> Float[Tensor, "1 1 side side"]:
    """The temple, 0 (black) to 1 (white), in double precision."""
    return to_float(load("china", image_size=side).images).double()


def smoothed(x: Float[Tensor, "1 1 n m"], h: int, mode: str) -> Float[Tensor, "1 1 n m"]:
    """The mean over h x h pixels, with (h - 1) / 2 pixels added on each side."""
    u = torch.full((1, 1, h, h), 1 / h**2, dtype=x.dtype)
    return F.conv2d(F.pad(x, [(h - 1) // 2] * 4, MODES[mode]), u)


def keeps_size(resized: Effect, inside: Effect, edge: Effect) -> Verdict:
    """Holds if padding by (h - 1) / 2 keeps the size for every odd kernel, and zero and copied
    padding agree inside (to 1e-9 grey levels) and differ at the edge; does not hold if a size
    changes or they differ inside; else undecided."""
    if resized.value or inside.value > 1e-9:
        return Verdict.FAILS
    return Verdict.HOLDS if edge.value else Verdict.UNDECIDED


@claim(
    "5.3",
    says="Without padding a map is smaller than its input; padding keeps the size. Zeros and "
    "copies of the edge are two ways to pad.",
    source="textbook 4.3.1, padding, figure 4-7; study notes, padding",
    rule=keeps_size,
    baseline="The size without padding, h - 1 pixels less; and the same picture padded the other "
    "way, which an even black one would not tell apart.",
    otherwise="Kernels of even side: the equations' (h - 1) / 2 is then no whole number, and no "
    "equal padding of both sides keeps the size.",
    full={"side": 256},
)
def padding(
    side: Side = 64, kernels: tuple[Annotated[int, Range(1, 15)], ...] = (1, 3, 5, 7, 9)
) -> Evidence:
    """A photograph is smoothed with kernels of several sides, padded either way; the two results
    are compared pixel by pixel, at the edge and inside."""
    x, rows, resized, inside, edges = photograph(side), [], 0, 0.0, []
    odd = [h for h in kernels if h % 2]
    if not odd:
        raise UsageError("Claim 5.3 is about odd kernels: give at least one in kernels.")
    for h in odd:
        zero, copied = (smoothed(x, h, mode) for mode in MODES)
        far, half = (zero - copied).abs()[0, 0], h // 2
        middle = slice(half, side - half)
        rim = torch.ones_like(far, dtype=torch.bool)
        rim[middle, middle] = False
        resized += zero.shape != x.shape
        inside = max(inside, far[~rim].max().item())
        edges.append(255 * far[rim].mean().item() if half else 0.0)
        row = {
            "kernel": h,
            "added on each side": half,
            "side without padding": side - h + 1,
            "side with padding": zero.shape[-1],
            "difference at the edge (grey levels)": edges[-1],
            "pixels at the edge (%)": 100 * rim.double().mean(),
        }
        rows.append(row)
    h = odd[-1]
    pictures = [x, *(smoothed(x, h, mode) for mode in MODES)]
    pictures.append(4 * (pictures[2] - pictures[1]).abs())
    even = side + 2 * (4 // 2) - 4 + 1, side + 2 * ((4 - 1) // 2) - 4 + 1
    record = Record()
    record.effects(
        resized=exact("odd kernels that change the size", resized),
        inside=exact("largest difference away from the edge", 255 * inside, "grey levels"),
        edge=exact("mean difference at the edge", max(edges), "grey levels"),
    )
    record.table(f"A photograph of {side} x {side} pixels", rows)
    names = ("photograph", "zeros", "copies", "difference x 4")
    record.images(f"The mean over {h} x {h} pixels", torch.cat(pictures)[:, 0], names, columns=4)
    return record.because(f"""
        Padding by (h - 1) / 2 kept all {len(odd)} sizes, and away from the edge the two ways give
        the same numbers. At the edge they differ by up to {max(edges):.0f} of 255 grey levels in
        the mean of the rim: zeros darken the rim as if the picture lay on black. For h = {h} the
        rim is {rows[-1]["pixels at the edge (%)"]:.0f} % of the pixels. The rule is one for odd
        kernels: with h = 4 equal padding gives a side of {even[0]} or {even[1]}, not {side}.
    """)


def quartered(divisible: Effect, others: Effect) -> Verdict:
    """Holds if every side and stride leaves exactly 1/k^2 of the map; with limits if that is so
    wherever k divides the side and not everywhere else; else it does not hold."""
    if divisible.value < 100:
        return Verdict.FAILS
    return Verdict.HOLDS if others.value == 100 else Verdict.LIMITED


@claim(
    "5.4",
    says="A convolution with stride k leaves 1/k^2 of the map.",
    source="textbook 4.3.1, downsampling by a larger stride, figure 4-13",
    rule=quartered,
    baseline="The map of the same convolution with stride 1, counted place by place.",
    otherwise="Sides that the stride divides, with padding: then it is exact.",
    full={"sides": (8, 256)},
)
def strides(
    sides: tuple[Annotated[int, Range(4, 512)], ...] = (8, 40),
    kernel: Annotated[int, Range(1, 15)] = 3,
    most: Annotated[int, Range(2, 16)] = 4,
) -> Evidence:
    """Maps of every side in a range are convolved with every stride up to the largest, padded by
    (h - 1) / 2; what is left is counted and compared with the map of stride 1."""
    low, high = min(sides), max(*sides, min(sides) + most - 1)  # some that a stride does not divide
    even: list[bool] = []
    odd: list[bool] = []
    u, curves, rows = torch.ones(1, 1, kernel, kernel), [], []
    for k in range(2, most + 1):
        shares, places = [], list(range(low, high + 1))
        for n in places:
            whole, left = (
                F.conv2d(torch.ones(1, 1, n, n), u, stride=s, padding=kernel // 2).numel()
                for s in (1, k)
            )
            shares.append(k**2 * left / whole)
            (even if n % k == 0 else odd).append(k**2 * left == whole)
        curves.append(line(f"stride {k}", places, shares))
        rows.append((k, 100 / k**2, 100 * min(shares) / k**2, 100 * max(shares) / k**2))
    bare = F.conv2d(torch.ones(1, 1, 28, 28), torch.ones(1, 1, 5, 5), stride=2).numel()
    most_more = max(k**2 * row[3] / 100 for k, row in enumerate(rows, 2))
    record = Record()
    record.effects(
        divisible=exact("exact where k divides the side", 100 * sum(even) / len(even), "%"),
        others=exact("exact elsewhere", 100 * sum(odd) / len(odd), "%"),
        excess=exact("most that is left, as a multiple of 1/k^2", most_more),
    )
    record.table(
        f"Sides from {low} to {high}", rows, "stride | 1/k^2 (%) | least left (%) | most left (%)"
    )
    axes = "side of the map (pixels)", "left, as a multiple of 1/k^2"
    record.curves("Size of the map after a stride", *axes, *curves, levels={1.0: ""})
    return record.because(f"""
        A stride leaves every k-th place, the first one included: ceil(n / k) of n. Where k divides
        the side that is exactly 1/k^2 ({100 * sum(even) / len(even):.0f} % of the cases); elsewhere
        it is more, in the worst case {most_more:.2f} times as much, and the excess shrinks as the
        map grows. Without padding it is less: 28 x 28 pixels under a kernel of 5 with stride 2
        leave {bare} of 784 numbers, {100 * bare / 784:.1f} % instead of 25.
    """)
