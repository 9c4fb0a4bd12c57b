"""Room 6: deep networks with a way past their layers and without one, and where weights are."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.figures import Axis, Bars, Curves, Figure, Part
from cutaway.figures.build import line
from cutaway.lab.chapters.architectures.counts import new, weights
from cutaway.lab.chapters.architectures.residual import deep
from cutaway.lab.tools.samples import batch_of
from cutaway.randomness import reseed_global
from cutaway.see.probe import resting
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section
from cutaway.studio.rooms.digits import digits

BATCH, SHOWS, SOME = 64, 20, 256
WAYS = {"plain": False, "with skips": True}
NETWORKS = ("alexnet", "vgg16", "googlenet", "resnet50", "mobilenet_v2", "efficientnet_b0")


@dataclass(frozen=True)
class Deep:
    """The settings of two networks that differ in their skips."""

    layers: int = setting(40, "Layers of each network, in blocks of two.", low=4, high=80)
    width: int = setting(32, "Units of each layer.", low=8, high=64)
    start: int = setting(0, "The number from which the first weights are drawn.", low=0, high=99)


@dataclass(frozen=True)
class Trained(Deep):
    """The same, trained."""

    rate: float = setting(0.001, "The rate of Adam.", low=1e-5, high=0.1)
    steps: int = setting(200, "Steps, each on 64 digits.", low=20, high=400)


def network(asked: Deep, skips: bool) -> nn.Sequential:
    reseed_global(asked.start, "rooms", "skips")
    return deep(asked.layers, asked.width, skips)


def slopes(net: nn.Sequential) -> list[float]:
    """The size of the gradient of the loss at the output of each block, of a batch."""
    some = digits()[0].first(SOME)
    z, outputs = some.x, []
    for module in list(net)[:-1]:
        z = module(z)
        if z.requires_grad:
            outputs.append(z)
    loss = F.cross_entropy(net[-1](z), some.t)
    return [g.double().norm().item() for g in torch.autograd.grad(loss, outputs)]


def draw_gradients(asked: Deep) -> Figures:
    series, told = [], []
    for name, skips in WAYS.items():
        found = slopes(network(asked, skips))
        series.append(line(name, range(len(found)), found))
        told.append(f"{name}: {found[0] / found[-1]:.3g} times")
    yield [
        Curves("The gradient at each block", Axis("block", whole=True),
               Axis("size of the gradient", "log"), tuple(series),
               caption="At the first block, compared with the last, " + "; ".join(told) + "."),
    ]  # fmt: skip


class Learner:
    """A network that learns digits, and what it came to."""

    def __init__(self, net: nn.Sequential, rate: float):
        self.net, self.adam = net, torch.optim.Adam(net.parameters(), rate)
        self.losses: list[float] = []
        self.right: list[float] = []

    def step(self, x: Tensor, t: Tensor) -> None:
        loss = F.cross_entropy(self.net(x), t)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.losses.append(loss.item())

    def look(self, x: Tensor, t: Tensor) -> None:
        with torch.no_grad(), resting(self.net):
            self.right.append((self.net(x).argmax(1) == t).float().mean().item())


def draw_trained(asked: Trained) -> Figures:
    learned, tested = digits()
    learners = {name: Learner(network(asked, way), asked.rate) for name, way in WAYS.items()}
    looks: list[int] = []
    every = max(1, asked.steps // SHOWS)
    for step in range(asked.steps + 1):
        if step % every == 0 or step == asked.steps:
            looks.append(step)
            for one in learners.values():
                one.look(tested.x, tested.t)
            yield compared(asked, learners, looks)
        i = batch_of(0, step, len(learned), BATCH)
        for one in learners.values():
            one.step(learned.x[i], learned.t[i])


def compared(asked: Trained, learners: dict[str, Learner], looks: list[int]) -> list[Figure]:
    step = Axis("step", whole=True, low=0, high=asked.steps)
    right = tuple(line(name, looks, one.right) for name, one in learners.items())
    losses = tuple(line(name, range(1, len(one.losses) + 1), one.losses)
                   for name, one in learners.items())  # fmt: skip
    told = ", ".join(f"{name} {100 * one.right[-1]:.0f} %" for name, one in learners.items())
    return [
        Curves("Accuracy", step, Axis("right", share=True, low=0.0, high=1.0), right,
               ((0.1, "chance"),), caption=f"Digits not learned from: {told}."),
        Curves("Loss on what they learn from", step, Axis("log-loss", zero=True), losses),
    ]  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """The settings of a count of weights."""

    network: str = setting("alexnet", "A network for 224 x 224 pixels.", choices=NETWORKS)


def draw_counted(asked: Counted) -> Figures:
    found = {name: weights(new(name)) for name in dict.fromkeys(("alexnet", asked.network))}
    kinds = ("convolution", "dense", "other")
    parts = tuple(Part(name, tuple(of[kind] / 1e6 for kind in kinds)) for name, of in found.items())
    own = found[asked.network]
    share = 100 * own["dense"] / sum(own.values())
    yield [
        Bars("Weights, by kind of layer", Axis("millions"), kinds, parts,
             f"{asked.network}: {sum(own.values()):,} weights, {share:.0f} % of them in dense "
             "layers. Counted, not estimated."),
    ]  # fmt: skip


GRADIENTS = Piece(
    "gradients", "Plain and with skips, before learning",
    "Two networks with the same layers and the same first weights. In one of them every block adds "
    "its output to its input.",
    Deep, draw_gradients,
    Question(
        "Both are batch-normalised, 40 layers deep and have learned nothing. In which does the "
        "gradient keep its size from block to block better?",
        ("In the one with skips.", "In the plain one.", "There is no difference."),
        0,
        "The derivative of x + F(x) is 1 plus that of F, so a part of the gradient passes by every "
        "block. In the plain network each block changes its size by a factor, and factors "
        "multiply.",
    ),
)  # fmt: skip
TRAINED = Piece(
    "trained", "The same two, trained",
    "Both learn the same digits in the same order. Make them shallower to see when the plain one "
    "catches up.",
    Trained, draw_trained,
    Question(
        "After 200 steps at 40 layers, how do they compare?",
        ("Both know most digits.", "The plain one is ahead: it is simpler.",
         "The one with skips is far ahead, also on what it learns from."),
        2,
        "This is no overfitting, for the plain network's training loss is higher, too. It could "
        "compute the same; its training does not get there.",
    ),
    live=False,
)  # fmt: skip
COUNTED = Piece(
    "counted", "Where the weights are",
    "The weights of well-known networks, counted from their definitions.",
    Counted, draw_counted,
    Question(
        "AlexNet has five convolutions and three dense layers. Where are most of its 60 million "
        "weights?",
        ("In the convolutions.", "In the dense layers.", "Half in each."),
        1,
        "A kernel is used at every place and has few weights; the first dense layer alone has "
        "9,216 x 4,096.",
    ),
)  # fmt: skip

ROOM = Room(
    6, "Architectures",
    "What a way past the layers does to a deep network, and where networks keep their weights.",
    (
        Section(
            "A way past each block",
            (
                "More layers can compute more, so a deeper network should be at least as good on "
                "what it learns from. Plain ones were not. A residual block adds what it computes "
                "to its input; to do nothing it only has to answer 0.",
            ),
            GRADIENTS, ("6.5",),
        ),
        Section(
            "What training makes of it",
            (
                "A gradient of a good size is not yet learning. Here both networks are trained, "
                "side by side, for some seconds.",
            ),
            TRAINED, ("6.4",),
        ),
        Section(
            "Fewer dense weights",
            (
                "Later networks end with a mean over each map instead of large dense layers, and "
                "spend their weights on convolutions.",
            ),
            COUNTED, ("6.2", "6.3"),
        ),
    ),
    ("resnet20", "cifar10"),
)  # fmt: skip
