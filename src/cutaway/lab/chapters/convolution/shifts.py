"""A shift of the input: its effect on convolution, on a dense layer and on pooling."""

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.sources import load
from cutaway.lab.chapters.convolution.edges import photograph
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.models.parts.layers import WeightedPool2d
from cutaway.models.registry import count
from cutaway.randomness import generator

Maps = Float[Tensor, "_ _ _ _"]


def whole(g: torch.Generator, *shape: int) -> Tensor:
    """Random whole numbers in double precision, whose sums are exact in any order."""
    return torch.randint(-9, 10, shape, generator=g).double()


def moved(x: Maps, by: int) -> Maps:
    """Down and to the right; what comes in is 0."""
    return F.pad(x, (by, 0, by, 0))[..., : x.shape[2], : x.shape[3]]


def commutes(inside: Effect, strided: Effect, dense: Effect) -> Verdict:
    """Holds if convolution commutes with every shift exactly away from the border and a dense layer
    does not, and so does convolution with a stride; with limits if only the stride breaks it; does
    not hold if convolution with stride 1 differs; undecided if the dense layer does not differ
    either, as on a picture without anything in it."""
    if inside.value:
        return Verdict.FAILS
    if not dense.value:
        return Verdict.UNDECIDED
    return Verdict.LIMITED if strided.value else Verdict.HOLDS


@claim(
    "5.5",
    says="Convolution follows a shift of its input (equivariance): the map moves as the object "
    "does. A dense layer does not.",
    source="textbook 4.3.1, properties of convolution; statistics week 4, page 41",
    rule=commutes,
    baseline="A dense layer with random weights, whose numbers differ at nearly every place; on an "
    "empty picture every layer would commute.",
    revised="On 29 November 2026: undecided, and no longer refuted, where the dense layer commutes "
    "too, as on an empty picture; run with seeds 3, 4 and 5 then.",
    otherwise="A stride of 1 throughout, and edges that are joined: then every shift commutes, "
    "everywhere.",
    full={"digits": 64, "most": 4},
)
def shifts(
    digits: Annotated[int, Range(1, 500)] = 8, most: Annotated[int, Range(1, 6)] = 3, seed: Seed = 0
) -> Evidence:
    """Digits (grey levels 0 to 16, whole numbers) are moved by a few pixels before and after a
    layer whose weights are whole numbers too, so that nothing is rounded."""
    g = generator(seed, "5.5")
    x = F.pad((load("digits").images[:digits, ..., 0].double() / 16).round()[:, None], [4] * 4)
    u, n = whole(g, 1, 1, 3, 3), x.shape[-1]
    W = whole(g, n * n, n * n)
    layers = {
        "convolution, inside": lambda z: F.conv2d(z, u, padding=1)[..., 1:-1, 1:-1],
        "convolution, edges joined": lambda z: F.conv2d(F.pad(z, [1] * 4, "circular"), u),
        "dense layer": lambda z: (z.flatten(1) @ W.T).view_as(z),
    }
    rows: list[tuple[str | float, ...]] = []
    far = {}
    for name, f in layers.items():
        far[name] = [_differ(f(moved(x, k)), moved(f(x), k), k) for k in range(1, most + 1)]
        rows.append((name, *far[name]))
    strided = [_differ(*_strided(x, u, k), 0) for k in range(1, most + 1)]
    rows.append(("convolution, stride 2", *strided))
    odd = max(strided[0::2])
    pictures = [x, moved(x, 2)]
    pictures += [f(z) for f in list(layers.values())[1:] for z in pictures[:2]]
    shown = torch.cat([_grey(p[:1]) for p in pictures])[:, 0]
    names = ("digit", "moved", "convolved", "moved, convolved", "dense", "moved, dense")
    record = Record()
    record.effects(
        inside=exact("pixels that differ, stride 1", max(far["convolution, inside"]), "%"),
        strided=exact("the same, stride 2", max(strided), "%"),
        dense=exact("the same, dense layer", min(far["dense layer"]), "%"),
    )
    columns = ("layer", *(f"by {k} pixel{'s' * (k > 1)}" for k in range(1, most + 1)))
    record.table("Numbers that differ between moving first and moving last (%)", rows, columns)
    record.images("A digit moved by two pixels", shown, names, columns=2)
    differ = f" ({strided[1]:.0f} % differ)" if most > 1 else ""
    return record.because(f"""
        With stride 1 not one number differs away from the border, and none at all where the edges
        are joined; a dense layer with random weights gives other numbers at
        {min(far["dense layer"]):.0f} % of the places, as each place has weights of its own. The
        claim ends at the first stride: with stride 2 a shift by an odd number of pixels changes
        {odd:.0f} % of the numbers, a shift by 2 moves the map by 1{differ}. A network with strides
        or pooling is equivariant only to multiples of their product.
    """)


def _differ(a: Maps, b: Maps, skip: int) -> float:
    """Share of places that differ, in per cent, the first `skip` rows and columns left out."""
    return 100 * (a != b)[..., skip:, skip:].double().mean().item()


def _strided(x: Maps, u: Float[Tensor, "1 c s s"], k: int) -> tuple[Maps, Maps]:
    """Moved by k and convolved with stride 2, and the other way round, by k / 2 (rounded down)."""
    first, last = (F.conv2d(z, u, stride=2, padding=1) for z in (moved(x, k), x))
    half = k // 2
    return first[..., 2:-1, 2:-1], moved(last, half)[..., 2:-1, 2:-1]


def _grey(x: Maps) -> Maps:
    """Numbers of either sign as grey levels, 0 in the middle unless all are above it."""
    low = 0.0 if x.min() >= 0 else -x.abs().max().item()
    return (x - low) / max(x.abs().max().item() - low, 1e-9)


def same_matrix(outputs: Effect, gradients: Effect, distinct: Effect, filled: Effect) -> Verdict:
    """Holds if the dense layer with the matrix gives the same outputs and gradients, exactly, and
    the matrix has no more distinct weights than the kernel has and is less than half full; else it
    does not hold."""
    equal = outputs.value == gradients.value == 0 and distinct.value == 0
    return Verdict.HOLDS if equal and filled.value < 50 else Verdict.FAILS


@claim(
    "5.6",
    says="A convolution is a dense layer whose matrix is sparse, banded, and has the same few "
    "weights in every row.",
    source="statistics week 4, pages 39-43; textbook 4.3.1, figure 4-9",
    rule=same_matrix,
    baseline="A dense layer of that size: all entries filled, each a weight of its own.",
    otherwise="Another padding: with joined edges the matrix is circulant, with copied ones the "
    "first and last rows add weights up.",
    full={"side": 24},
)
def matrix(
    side: Annotated[int, Range(4, 32)] = 8, kernel: Annotated[int, Range(3, 7)] = 3, seed: Seed = 0
) -> Evidence:
    """The matrix is read off column by column, by convolving images that have a single 1; then the
    layer and the matrix are given the same images and the same loss."""
    g = generator(seed, "5.6")
    u = torch.randperm(kernel**2, generator=g).double().add(1).view(1, 1, kernel, kernel)
    half, n = kernel // 2, side**2
    u, one = u[:, :, : 2 * half + 1, : 2 * half + 1], torch.eye(n).double()
    W = F.conv2d(one.view(n, 1, side, side), u, padding=half).flatten(1).T
    line = F.conv1d(torch.eye(side).double()[:, None], u[:, :, half], padding=half).flatten(1).T
    x, d = whole(g, 16, 1, side, side), whole(g, 16, n)
    u.requires_grad_()
    W = W.detach().requires_grad_()
    conv, dense = F.conv2d(x, u, padding=half).flatten(1), x.flatten(1) @ W.T
    (by_u,), (by_W,) = (torch.autograd.grad((s * d).sum(), w) for s, w in ((conv, u), (dense, W)))
    tied = torch.stack([by_W[W.eq(v)].sum() for v in u.flatten()])  # weights differ, so they name
    band = max(abs(i - j) for i, j in W.nonzero().tolist())
    distinct = len(W.unique()) - 1 - u.numel()
    filled = 100 * (W != 0).double().mean().item()
    record = Record()
    record.effects(
        outputs=exact("largest difference of outputs", (conv - dense).abs().max()),
        gradients=exact("largest difference of gradients", (by_u.flatten() - tied).abs().max()),
        distinct=exact("distinct weights beyond the kernel's", distinct),
        filled=exact("entries that are not 0", filled, "%"),
    )
    rows = [
        ("kernel", u.numel(), len(u.unique()), None),
        ("matrix", W.numel(), len(W.unique()) - 1, band),
    ]
    columns = " | weights | distinct | farthest from the diagonal"
    record.table(f"{side} x {side} pixels, kernel of {kernel} x {kernel}", rows, columns)
    record.images("One axis", _inked(line), columns=1, caption=f"{side} x {side} entries")
    record.images("Two axes", _inked(W), columns=1, caption=f"{n} x {n} entries, bands of bands")
    return record.because(f"""
        Outputs agree to the last digit. The matrix has {W.numel()} entries, of which {filled:.0f} %
        are not 0, and those are {u.numel()} numbers again and again; none lies farther than {band}
        from the diagonal. Learning keeps it so only by sharing: the gradient of the kernel is that
        of the matrix summed over all entries that have the same weight, again to the last digit. A
        dense layer could learn the same map, from {W.numel() // u.numel()} times as many weights.
    """)


def _inked(W: Float[Tensor, "n m"]) -> Float[Tensor, "1 n m"]:
    """Entries from white (0) to black (the largest)."""
    return 1 - (W.detach() / W.max())[None]


def dulled(
    maximum: Effect, average: Effect, weighted: Effect, learned: Effect, lost: Effect
) -> Verdict:
    """Holds if no pooling has parameters or loses maps, and every kind changes less under a shift
    than its map does (all intervals below 0); with limits if one kind changes less and another more
    (its interval above 0); does not hold if there are parameters, maps are lost, or every kind
    changes more; else undecided."""
    kinds = maximum, average, weighted
    if learned.value or lost.value or min(e.low for e in kinds) > 0:
        return Verdict.FAILS
    if max(e.high for e in kinds) < 0:
        return Verdict.HOLDS
    mixed = min(e.high for e in kinds) < 0 < max(e.low for e in kinds)
    return Verdict.LIMITED if mixed else Verdict.UNDECIDED


def moves(still: Maps, now: Maps) -> float:
    """Change by a shift (%), relative to how much each map varies from place to place. Maps that
    are the same everywhere say nothing: they count as what is farthest, a map and its opposite, so
    that a pooling gains nothing by erasing what it pools."""
    varied = (still - still.mean((2, 3), keepdim=True)).norm()
    return 100 * ((now - still).norm() / varied).item() if varied else 200.0


@claim(
    "5.8",
    says="Pooling makes small shifts matter less, has no parameters and keeps the number of maps; "
    "it takes the maximum, the mean or a weighted mean.",
    source="textbook 4.3.2, figures 4-16 and 4-17; statistics week 4, pages 52-53",
    rule=dulled,
    baseline="Every second number of the maps, taken as it is: as many numbers, no pooling. The "
    "change is measured against how much a map varies, so that a constant map wins nothing.",
    otherwise="Shifts as wide as the window or wider, and maps that are smooth already.",
    full={"replicates": 128, "side": 128},
    revised="On 29 November 2026: the change was measured against the size of the numbers, which a "
    "pooling that erases everything would have won, and the rule said with limits where nothing "
    "was shown; run with seeds 3, 4 and 5 then.",
)
def pooling(
    side: Annotated[int, Range(32, 256)] = 64,
    maps: Annotated[int, Range(1, 256)] = 16,
    most: Annotated[int, Range(1, 8)] = 4,
    replicates: Replicates = 24,
    seed: Seed = 0,
) -> Evidence:
    """A photograph passes random kernels and ReLU; the maps are pooled, or every second number is
    taken as it is. By how much does a shift of the photograph change what comes out?"""
    pools = {
        "every second number": nn.AvgPool2d(1, stride=2),
        "maximum": nn.MaxPool2d(2),
        "mean": nn.AvgPool2d(2),
        "weighted mean": WeightedPool2d(3, stride=2, padding=1).double(),
    }
    changes = np.zeros((len(pools), most, replicates))
    x, lost, learned = photograph(side + most), 0, sum(map(count, pools.values()))
    for r in range(replicates):
        u = torch.randn(maps, 1, 3, 3, generator=generator(seed, "5.8", r)).double()
        z = F.conv2d(x - x.mean(), u - u.mean((2, 3), keepdim=True), padding=1).relu()
        for i, pool in enumerate(pools.values()):
            still = pool(z[..., :side, :side])
            lost += still.shape[1] != maps
            for k in range(1, most + 1):
                now = pool(z[..., k : side + k, k : side + k])
                changes[i, k - 1, r] = moves(still, now)
    names = list(pools)
    gains = [
        difference(f"change, {n} minus unpooled", changes[0, 0], changes[i, 0], "points")
        for i, n in enumerate(names)
        if i
    ]
    rows = [(n, *changes[i].mean(1).tolist()) for i, n in enumerate(names)]
    record = Record()
    record.effects(
        **dict(zip(("maximum", "average", "weighted"), gains, strict=True)),
        plain=mean("change without pooling, 1 pixel", changes[0, 0], "%"),
        learned=exact("parameters", learned),
        lost=exact("poolings that lose maps", lost),
    )
    columns = ("taken", *(f"shift of {k} pixel{'s' * (k > 1)}" for k in range(1, most + 1)))
    record.table(f"Change of {maps} maps, relative to how they vary (%)", rows, columns)
    series = [over(n, range(1, most + 1), changes[i]) for i, n in enumerate(names)]
    record.curves("Change by a shift", "shift, down and right (pixels)", "change (%)", *series)
    return record.because(f"""
        Moved by one pixel, every second number of the maps changes by {rows[0][1]:.0f} % of how
        much they vary from place to place; pooled by the maximum {rows[1][1]:.0f} %, by the mean
        {rows[2][1]:.0f} %, by the weighted mean (3 x 3) {rows[3][1]:.0f} %. There is no parameter,
        and each map is pooled alone. Less sensitive is not insensitive: by {most} pixels the
        maximum changes by {rows[1][-1]:.0f} %, against {rows[0][-1]:.0f} % unpooled.
    """)
