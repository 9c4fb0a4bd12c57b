"""The kernels that networks learn, and learned features against features made by hand."""

import math
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.sources import load
from cutaway.lab.chapters.convolution.lessons import Data, Make, Sizes, shared
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import accuracy, classify, minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP

PARTS = ("blob", "edge", "line", "rest")
Pair = tuple[Tensor, Tensor]
LAYERS = ("pixels", "layer 1", "layer 2", "layer 3")


class Deep(nn.Module):
    """Three convolutions, the first of 5 x 5, and a dense layer."""

    def __init__(self, maps: int, side: int):
        super().__init__()
        self.first = nn.Conv2d(1, maps, 5, padding=2)
        self.second = nn.Conv2d(maps, 2 * maps, 3, padding=1)
        self.third = nn.Conv2d(2 * maps, 2 * maps, 3, padding=1)
        self.output = nn.Linear(2 * maps * (side // 4) ** 2, 10)

    def layers(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """The maps of each layer."""
        one = F.max_pool2d(self.first(x).relu(), 2)
        two = F.max_pool2d(self.second(one).relu(), 2)
        return [x, one, two, self.third(two).relu()]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        return self.output(self.layers(x)[-1].flatten(1))


def shapes(kernels: Float[Tensor, "n s s"]) -> Float[Tensor, "4"]:
    """Mean share (%) of a kernel's energy that is a blob, an edge, a line, and neither.

    They are a Gaussian and its first and second derivatives in all directions, made orthogonal in
    this order: 1, 2 and 3 of the 25 directions that a kernel of 5 x 5 has.
    """
    at = torch.linspace(-2, 2, kernels.shape[-1], dtype=torch.float64)
    y, x = torch.meshgrid(at, at, indexing="ij")
    window = (-(x**2 + y**2) / 2 / 1.2**2).exp()
    terms = [torch.ones_like(x), x, y, x * x, x * y, y * y]
    basis = torch.linalg.qr(torch.stack([(window * p).flatten() for p in terms], 1)).Q
    k = kernels.double().flatten(1)
    energy = (k @ basis).square() / k.square().sum(1, keepdim=True)
    blob, edge, line = (energy[:, part].sum(1).mean() for part in ([0], [1, 2], [3, 4, 5]))
    return 100 * torch.stack([blob, edge, line, 1 - blob - edge - line])


def known(features: Float[Tensor, "n *d"], t: Int[Tensor, "n"]) -> float:
    """Share (%) of the features' variance that lies between the classes."""
    f = features.flatten(1).double()
    f = f - f.mean(0)
    between = sum((f[t == k].mean(0).square() * (t == k).sum()).sum() for k in t.unique())
    return 100 * float(between / f.square().sum())


def edges_and_abstraction(edge: Effect, gain: Effect, abstraction: Effect) -> Verdict:
    """Holds if edges are more than half of the learned kernels' energy and the last layer's
    variance lies more between the classes than the first layer's (both intervals); with limits if
    the share of edges only grew with learning, or only one of the two is so; does not hold if
    neither is."""
    grew, deeper = gain.low > 0, abstraction.low > 0
    if edge.low > 50 and deeper:
        return Verdict.HOLDS
    return Verdict.LIMITED if grew or deeper else Verdict.FAILS


@claim(
    "5.12",
    says="The kernels that a first layer learns find edges; the maps of deeper layers are more "
    "abstract.",
    source="textbook 4.1.2, 4.6, figure 4-40; statistics week 4, pages 44 and 49",
    rule=edges_and_abstraction,
    otherwise="Larger pictures of natural scenes and longer learning, as in the text's figures.",
    full={"data": "mnist", "maps": 16, "steps": 5000, "replicates": 16},
)
def learned_kernels(
    data: Data = "digits",
    maps: Annotated[int, Range(1, 64)] = 8,
    steps: Steps = 250,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """CNNs learn digits (enlarged to 16 x 16 where they are smaller). Their first kernels before
    and after are taken apart into blobs, edges and lines; and in each layer it is asked how much of
    the variance lies between the classes."""
    learned, tested = (_enlarged(s) for s in samples(load(data), seed, test=1000))
    nets = [Deep(maps, learned.x.shape[-1]) for _ in range(replicates)]
    before = torch.stack([shapes(net.first.weight.detach()[:, 0]) for net in nets], 1)
    _teach(nets, learned, steps, seed)
    after = torch.stack([shapes(net.first.weight.detach()[:, 0]) for net in nets], 1)
    with torch.no_grad():
        share = torch.tensor([[known(z, tested.t) for z in net.layers(tested.x)] for net in nets]).T
        right = [accuracy(net(tested.x), tested.t).item() for net in nets]
    edge, known_by = after.mean(1).tolist(), share.mean(1).tolist()
    record = Record()
    record.effects(
        edge=mean("edges' share of the learned kernels' energy", after[1], "%"),
        gain=difference("the same, after minus before", before[1], after[1], "points"),
        abstraction=difference(
            "variance between classes, layer 3 minus layer 1", share[1], share[3], "points"
        ),
        right=mean("test accuracy", right, "%"),
    )
    rows = [("before", *before.mean(1)), ("after", *edge)]
    record.table("Energy of the first kernels (%)", rows, ("kernels", *PARTS))
    record.images("First kernels of one network", _drawn(nets[0].first.weight[:, 0]), columns=8)
    parts = [part("before learning", before), part("after", after)]
    record.bars("Energy of the first kernels", "share of their energy (%)", PARTS, *parts)
    bars = part("all replicates", share)
    record.bars("Variance between classes, by layer", "variance between classes (%)", LAYERS, bars)
    return record.because(f"""
        Of the random kernels' energy {before[1].mean().item():.0f} % is edges, 2 of 25 directions;
        of the learned ones' {edge[1]:.0f} %, beside {edge[0]:.0f} % blobs and {edge[2]:.0f} %
        lines. Together these smooth shapes go from {100 - before[3].mean().item():.0f} to
        {100 - edge[3]:.0f} %. So kernels do turn towards edges, and towards blobs and lines as
        well; a kernel that is an edge and nothing else is rare. {sum(right) / len(right):.0f} % of
        the test digits are classified rightly all the same. In the second half the classes make up
        {known_by[0]:.0f} % of the pixels' variance and {known_by[1]:.0f}, {known_by[2]:.0f} and
        {known_by[3]:.0f} % of that of the three layers: 'more abstract' in the sense that more of
        what a layer says is about the class.
    """)


def _drawn(kernels: Float[Tensor, "n s s"]) -> Float[Tensor, "n s s"]:
    """Each from its least weight (black) to its largest."""
    low, high = kernels.amin((1, 2), keepdim=True), kernels.amax((1, 2), keepdim=True)
    return ((kernels - low) / (high - low)).detach()


def _enlarged(s: Samples) -> Samples:
    """At least 16 x 16 pixels."""
    if s.x.shape[-1] >= 16:
        return s
    return Samples(F.interpolate(s.x, (16, 16), mode="bilinear"), s.t)


def _teach(nets: list[Deep], learned: Samples, steps: int, seed: int) -> None:
    """Each from batches of its own."""
    for r, net in enumerate(nets):

        def losses(step: int, r: int = r, net: Deep = net) -> Tensor:
            x, t = learned.batch(seed + 1000 * r, step, 32)
            return F.cross_entropy(net(x), t)[None]

        minimise(losses, torch.optim.Adam(net.parameters(), 3e-3), steps)


def hog(x: Float[Tensor, "n 1 h w"], cell: int = 2, bins: int = 8) -> Float[Tensor, "n d"]:
    """Histograms of oriented gradients: Dalal and Triggs 2005.

    Each cell's gradients vote for their two nearest directions with their length; blocks of 2 x 2
    cells are divided by their norm.
    """
    padded = F.pad(x, [1] * 4, "replicate")
    dx = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    dy = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    length, angle = torch.hypot(dx, dy), torch.atan2(dy, dx) % math.pi / math.pi * bins
    apart = (angle - torch.arange(bins).view(1, -1, 1, 1)).abs()
    votes = length * (1 - torch.minimum(apart, bins - apart)).clamp(min=0)
    cells = F.avg_pool2d(votes, cell)
    blocks = cells.unfold(2, 2, 1).unfold(3, 2, 1).movedim(1, 3).flatten(3)
    return (blocks / (blocks.norm(dim=3, keepdim=True) + 0.1)).flatten(1)


def hand_made(few: Effect, many: Effect) -> Verdict:
    """Holds if the CNN is ahead of HOG with the fewest and with the most examples (both intervals
    above 0); with limits if with one of them; does not hold if it is behind with both (both below
    0); else undecided."""
    ahead = [gain.low > 0 for gain in (few, many)]
    if all(ahead):
        return Verdict.HOLDS
    if any(ahead):
        return Verdict.LIMITED
    return Verdict.FAILS if max(few.high, many.high) < 0 else Verdict.UNDECIDED


@claim(
    "5.14",
    says="Features that are learned, all stages at once, beat features made by hand.",
    source="textbook 4.1.2, figure 4-1; 4.6, end-to-end learning",
    rule=hand_made,
    otherwise="More pictures, of more kinds: what a person put into the features costs no data, "
    "but cannot be improved by them.",
    full={"data": "mnist", "sizes": (100, 1000, 10_000, 60_000), "steps": 5000, "maps": 16},
)
def hog_and_cnn(
    data: Data = "digits",
    sizes: Sizes = (100, 1400),
    maps: Annotated[int, Range(1, 64)] = 12,
    steps: Steps = 400,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """A linear classifier on histograms of oriented gradients, one on raw pixels, and a CNN learn
    digits, each replicate from a split and examples of its own."""
    parts = [samples(load(data), 1000 * seed + r, test=1000) for r in range(replicates)]
    side = parts[0][0].x.shape[-1]
    cell = 2 if side < 16 else 4

    def stacked(z: Tensor, described: bool) -> Tensor:
        return hog(z, cell)[:, None, None] if described else z

    makers: dict[str, tuple[bool, Make]] = {
        "HOG, linear": (True, lambda d, _: MLP(d, [], 10)),
        "pixels, linear": (False, lambda d, _: MLP(d, [], 10)),
        "CNN": (False, lambda d, m: shared(math.isqrt(d), m)),
    }
    right = {}
    for name, (described, make) in makers.items():
        x, z = (torch.stack([stacked(p[k].x, described) for p in parts]) for k in (0, 1))
        t, u = (torch.stack([p[k].t for p in parts]) for k in (0, 1))
        right[name] = torch.stack(
            [_right(make, maps, (x[:, :n], t[:, :n]), (z, u), steps, seed) for n in sizes]
        )
    fewest, most = (sizes.index(f(sizes)) for f in (min, max))
    hog_right = right["HOG, linear"]
    few, many = (
        difference(f"CNN minus HOG, {sizes[i]} examples", hog_right[i], right["CNN"][i], "points")
        for i in (fewest, most)
    )
    means = {n: y.mean(1).tolist() for n, y in right.items()}
    record = Record()
    record.effects(few=few, many=many)
    rows = [(n, *y) for n, y in means.items()]
    record.table("Test accuracy (%), means", rows, ("features", *(f"{n} examples" for n in sizes)))
    series = [over(n, sizes, y) for n, y in right.items()]
    axes = "training examples", "test accuracy (%)"
    record.curves("Learned and hand-made features", *axes, *series, x_log=True)
    record.takes(
        "Larger pictures and more of them: the full experiment learns from up to 60,000 of MNIST."
    )
    return record.because(f"""
        With {sizes[fewest]} examples the accuracy is {means["HOG, linear"][fewest]:.1f} % with HOG,
        {means["CNN"][fewest]:.1f} % with the CNN; with {sizes[most]} examples
        {means["HOG, linear"][most]:.1f} and {means["CNN"][most]:.1f} %. Raw pixels under the same
        linear classifier reach {means["pixels, linear"][most]:.1f} %: the histograms carry what a
        person knows of pictures (contours count, their exact place and brightness do not), which a
        CNN has to learn. What is learned catches up as examples come in, and nobody has to think of
        it.
    """)


def _right(
    make: Make, maps: int, learned: Pair, tested: Pair, steps: int, seed: int
) -> Float[Tensor, "r"]:
    """Test accuracy (%), each replicate with its own examples."""
    (x, t), (z, u) = learned, tested
    nets = Stack([make(x[0, 0].numel(), maps) for _ in x])

    def batch(step: int) -> tuple[Tensor, Tensor]:
        i = batch_of(seed, step, x.shape[1], min(x.shape[1], 32))
        return x[:, i], t[:, i]

    classify(nets, batch, torch.optim.Adam(nets.parameters(), 5e-3), steps, apart=True)
    with torch.no_grad():
        return accuracy(nets(z, apart=True), u)
