"""The kernels that a first layer learns, and what the maps of deeper layers know."""

from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.sources import load
from cutaway.lab.chapters.convolution.leaves import leaves, standardised
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import accuracy, minimise
from cutaway.lab.tools.samples import Samples, samples
from cutaway.randomness import generator

LAYERS = ("pixels", "layer 1", "layer 2", "layer 3")
SIDE, EDGE = 5, 60.0
"""Of a first kernel; the share of its energy (%) from which on it is called an edge."""
RATE = 5e-3


class Deep(nn.Module):
    """Three convolutions, the first of 5 x 5, and a dense layer."""

    def __init__(self, maps: int, side: int, classes: int):
        super().__init__()
        self.first = nn.Conv2d(1, maps, SIDE, padding=2)
        self.second = nn.Conv2d(maps, 2 * maps, 3, padding=1)
        self.third = nn.Conv2d(2 * maps, 2 * maps, 3, padding=1)
        self.output = nn.Linear(2 * maps * (side // 4) ** 2, classes)

    def layers(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """The maps of each layer."""
        one = F.max_pool2d(self.first(x).relu(), 2)
        two = F.max_pool2d(self.second(one).relu(), 2)
        return [x, one, two, self.third(two).relu()]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        return self.output(self.layers(x)[-1].flatten(1))


def edges() -> Float[Tensor, "9 25 2"]:
    """Edges in all directions through the middle or a pixel beside it: the first derivatives of a
    Gaussian, which answer nothing to an even grey; the two of a place as orthonormal columns."""
    at = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    bases = []
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            y, x = torch.meshgrid(at - down, at - across, indexing="ij")
            window = (-(x**2 + y**2) / 2 / 1.2**2).exp()
            pair = torch.stack([window * y, window * x]).flatten(1)
            bases.append(torch.linalg.qr((pair - pair.mean(1, keepdim=True)).T).Q)
    return torch.stack(bases)


def likeness(kernels: Float[Tensor, "n 5 5"]) -> Float[Tensor, "n"]:
    """Share (%) of each kernel's energy that is the edge which it resembles most."""
    k = kernels.detach().double().flatten(1)
    energy = torch.einsum("nd,pdq->npq", k, edges()).square().sum(2)
    return 100 * energy.amax(1) / k.square().sum(1)


def found(kernels: Float[Tensor, "n 5 5"]) -> float:
    """How many of the kernels are edges (%)."""
    return 100 * (likeness(kernels) > EDGE).double().mean().item()


def components(x: Float[Tensor, "n 1 h w"], most: int) -> Float[Tensor, "k 5 5"]:
    """The first principal components of the pictures' pieces of 5 x 5."""
    pieces = x[:, 0].unfold(1, SIDE, 1).unfold(2, SIDE, 1).reshape(-1, SIDE**2)[::37]
    basis = torch.linalg.svd(pieces - pieces.mean(0), full_matrices=False).Vh
    return basis[:most].view(-1, SIDE, SIDE)


def known(features: Float[Tensor, "n *d"], t: Int[Tensor, "n"]) -> float:
    """Share (%) of the features' variance that lies between the classes."""
    f = features.flatten(1).double()
    f = f - f.mean(0)
    between = sum((f[t == k].mean(0).square() * (t == k).sum()).sum() for k in t.unique())
    return 100 * float(between / f.square().sum())


def edges_and_abstraction(
    edges: Effect, random: Effect, components: Effect, deeper: Effect, beyond: Effect
) -> Verdict:
    """Kernels find edges if most of them are edges (the interval above 50 %), more than of the
    kernels before learning and of the principal components (both intervals of the lead above 0).
    Deeper maps are more abstract if the classes make up more of the last layer's variance than of
    the first's, and the rise exceeds that before learning (both intervals above 0). Holds if both
    are so; with limits if depth is so and edges lead but are no majority (the interval below 50 %),
    or if one of the two is so and the other is refuted (an interval of a lead or of a rise below
    0); does not hold if both are refuted; else undecided."""
    lead, rise = min(random.low, components.low) > 0, min(deeper.low, beyond.low) > 0
    behind = min(random.high, components.high) < 0
    level = min(deeper.high, beyond.high) < 0
    most, few = lead and edges.low > 50, edges.high < 50
    if most and rise:
        return Verdict.HOLDS
    if (rise and (behind or (lead and few))) or (most and level):
        return Verdict.LIMITED
    return Verdict.FAILS if behind and level else Verdict.UNDECIDED


@claim(
    "5.12",
    says="The kernels that a first layer learns find edges; the maps of deeper layers are more "
    "abstract.",
    source="textbook 4.1.2, 4.6, figure 4-40; statistics week 4, pages 44 and 49",
    rule=edges_and_abstraction,
    baseline="The same networks before learning: 2 of 10,000 random kernels are called an edge, "
    "and a rise from layer to layer that random weights make too does not count; and the leading "
    "principal components of the pictures, two of which are edges.",
    otherwise="No weight decay: what a kernel was at its random start then stays in it, and fewer "
    "than half are edges.",
    evening={"data": "cifar10", "steps": 1000, "examples": 20_000},
    full={"data": "cifar10", "maps": 32, "steps": 20_000, "examples": 50_000, "replicates": 16},
    revised="On 29 November 2026: the first design looked for edges in digits of 8 x 8 pixels "
    "that had been enlarged, had no baseline, and took any rise from layer to layer for "
    "abstraction. The new one was tuned with seed 0 and run with 3 and 4; eight replicates "
    "left seed 4 open, so that there are twelve now, run with 5 and 6. On 30 November 2026: of the "
    "evening's kernels 69, 61 and 48 % (35 to 61) were edges at seeds 0 to 2, the last undecided, "
    "as kernels were looked at in the noise of steps at the full rate. It falls to 0 now, tried at "
    "seed 5, and there are twenty replicates, as twelve left seed 3 open.",
)
def learned_kernels(
    data: Literal["leaves", "cifar10"] = "leaves",
    maps: Annotated[int, Range(2, 64)] = 8,
    examples: Annotated[int, Range(100, 50_000)] = 2000,
    steps: Steps = 250,
    decay: Annotated[float, Range(0, 10)] = 3.0,
    replicates: Replicates = 20,
    seed: Seed = 0,
) -> Evidence:
    """CNNs learn six kinds of leaves, drawn on pieces of a photograph and filled with others (at
    evening the things of CIFAR-10, in grey). How many of their first kernels are edges, and which
    share of each layer's variance lies between the classes, before and after?"""
    shares, right, knows = [], [], []
    for r in range(replicates):
        learned, tested = pictures(data, examples, seed, r)
        torch.manual_seed(seed + 1000 * r)
        net = Deep(maps, learned.x.shape[-1], int(learned.t.max()) + 1)
        before = found(net.first.weight[:, 0]), _knows(net, tested)
        _teach(net, learned, steps, decay, seed + 1000 * r)
        main = components(learned.x, maps)
        shares.append((before[0], found(net.first.weight[:, 0]), found(main)))
        knows.append((before[1], _knows(net, tested)))
        with torch.no_grad():
            right.append(accuracy(net(tested.x), tested.t).item())
    random, edge, principal = torch.tensor(shares).T
    share = torch.tensor(knows).movedim(0, 2)  # before and after, layer, replicate
    rise = share[:, 3] - share[:, 1]
    record = Record()
    record.effects(
        edges=mean("learned kernels that are edges", edge, "%", SHARE),
        random=difference("the same, learned minus random", random, edge, "points"),
        components=difference("learned minus principal components", principal, edge, "points"),
        deeper=mean("variance between classes, layer 3 minus layer 1", rise[1], "points"),
        beyond=difference("the same, after minus before learning", rise[0], rise[1], "points"),
        right=mean("test accuracy", right, "%"),
    )
    kernels = torch.cat([net.first.weight[:, 0], main])
    names = [f"{kind} {v:.0f} %" for kind, v in zip(
        ["learned"] * maps + ["principal"] * maps, likeness(kernels), strict=True)]  # fmt: skip
    record.images("First kernels of one network, and principal components", _drawn(kernels), names)
    record.images("Some of the pictures", _drawn(learned.x[:12, 0]), columns=6)
    bars = part("share of the kernels", torch.stack([random, principal, edge]), SHARE)
    groups = ("before learning", "principal components", "learned")
    record.bars("Kernels that are edges", "of all kernels (%)", groups, bars)
    parts = [part("before learning", share[0]), part("after", share[1])]
    record.bars("Variance between classes, by layer", "of the variance (%)", LAYERS, *parts)
    return record.because(_because(edge, random, principal, share, sum(right) / len(right)))


def _because(edge: Tensor, random: Tensor, principal: Tensor, share: Tensor, right: float) -> str:
    by = share.mean(2).tolist()
    return f"""
        A kernel is called an edge where more than {EDGE:.0f} % of its energy is one smoothed edge,
        in any direction. {edge.mean():.0f} % of the learned kernels are, {random.mean():.0f} % of
        the random ones from which they came and {principal.mean():.0f} % of as many principal
        components, so neither chance nor the pictures alone explain them. Of the variance the
        classes make up {by[1][1]:.1f}, {by[1][2]:.1f} and {by[1][3]:.1f} % in the three layers
        ({by[1][0]:.1f} % in the pixels), and {by[0][1]:.1f}, {by[0][2]:.1f} and {by[0][3]:.1f} %
        before learning: deeper layers say more of the class, and random ones hardly do. The
        networks know {right:.0f} % of the test pictures. Weight decay lets a kernel forget its
        random start; without it fewer are edges.
    """


def pictures(data: str, n: int, seed: int, r: int) -> tuple[Samples, Samples]:
    """A replicate's pictures to learn from and to be tested on, in grey, each standardised."""
    if data == "leaves":
        drawn = (leaves(k, 20, generator(seed, "5.12", r, k), real=True) for k in (n, 1002))
        learned, tested = (Samples(standardised(s.x), s.t) for s in drawn)
    else:
        both = samples(load(data), 1000 * seed + r, train=n, test=2000)
        learned, tested = (Samples(standardised(s.x.mean(1, keepdim=True)), s.t) for s in both)
    return learned, tested


@torch.no_grad()
def _knows(net: Deep, tested: Samples) -> list[float]:
    return [known(z, tested.t) for z in net.layers(tested.x)]


def _teach(net: Deep, learned: Samples, steps: int, decay: float, seed: int) -> None:
    """Adam at falling rates, with weight decay of the first kernels."""
    rest = [p for p in net.parameters() if p is not net.first.weight]
    groups: list[dict[str, Any]] = [
        {"params": [net.first.weight], "weight_decay": decay},
        {"params": rest},
    ]
    adam = torch.optim.AdamW(groups, RATE, weight_decay=0.0)

    def losses(step: int) -> Tensor:
        for group in adam.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        x, t = learned.batch(seed, step, 32)
        return F.cross_entropy(net(x), t)[None]

    minimise(losses, adam, steps)


def _drawn(pictures: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Each from its least number (black) to its largest."""
    low, high = pictures.amin((1, 2), keepdim=True), pictures.amax((1, 2), keepdim=True)
    return ((pictures - low) / (high - low)).detach()
