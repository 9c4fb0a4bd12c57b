"""Room 4: what becomes of signals and gradients in a deep stack."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.figures import Axis, Curves, Figure
from cutaway.figures.build import line
from cutaway.lab.tools.samples import batch_of
from cutaway.models.parts.activations import activation
from cutaway.models.parts.initialisers import initialise
from cutaway.randomness import reseed_global
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section
from cutaway.studio.rooms.digits import digits

BATCH, SHOWS = 64, 20
LEAST = 1e-30
"""What is smaller is drawn here: a logarithm of 0 is nowhere."""


@dataclass(frozen=True)
class Deep:
    """The settings of a stack."""

    layers: int = setting(20, "Hidden layers.", low=1, high=60)
    activation: str = setting("sigmoid", "What a unit does with its sum.",
                              choices=("sigmoid", "tanh", "relu"))  # fmt: skip
    start: str = setting("xavier", "How the first weights are drawn: normal has a deviation of "
                         "0.01.", choices=("normal", "xavier", "he"))  # fmt: skip
    norm: bool = setting(False, "Batch normalisation before each activation.")
    skips: bool = setting(False, "Each layer adds to its input instead of replacing it.")
    width: int = setting(32, "Units of each layer.", low=4, high=128)


@dataclass(frozen=True)
class Trained(Deep):
    """The same, trained."""

    rate: float = setting(0.003, "The rate of Adam.", low=1e-5, high=0.3)
    steps: int = setting(300, "Steps, each on 64 digits.", low=20, high=1000)


class Layer(nn.Module):
    """A dense layer, and what `Deep` says of it."""

    def __init__(self, n_in: int, deep: Deep):
        super().__init__()
        self.U = nn.Linear(n_in, deep.width)
        self.norm = nn.BatchNorm1d(deep.width) if deep.norm else nn.Identity()
        self.tau = activation(deep.activation)
        self.skips = deep.skips and n_in == deep.width

    def forward(self, z: Float[Tensor, "b n"]) -> Float[Tensor, "b m"]:
        y = self.tau(self.norm(self.U(z)))
        return z + y if self.skips else y


class Tower(nn.Module):
    """Hidden layers and one that answers; the first takes the 64 pixels."""

    def __init__(self, deep: Deep):
        super().__init__()
        sizes = [64, *[deep.width] * (deep.layers - 1)]
        self.hidden = nn.ModuleList(Layer(n, deep) for n in sizes)
        self.output = nn.Linear(deep.width, 10)
        initialise(self, deep.start)

    def forward(self, x: Float[Tensor, "b 1 8 8"]) -> Float[Tensor, "b 10"]:
        return self.output(self.through(x)[-1])

    def through(self, x: Float[Tensor, "b 1 8 8"]) -> list[Float[Tensor, "b width"]]:
        """The output of each hidden layer."""
        z, outputs = x.flatten(1), []
        for layer in self.hidden:
            z = layer(z)
            outputs.append(z)
        return outputs


def tower(deep: Deep) -> Tower:
    reseed_global(0, "rooms", "depth")
    return Tower(deep)


def measured(net: Tower, x: Tensor, t: Int[Tensor, " b"]) -> tuple[list[float], list[float]]:
    """By hidden layer the size of the gradient of the loss at its output, and the spread of its
    output over the examples."""
    outputs = net.through(x)
    loss = F.cross_entropy(net.output(outputs[-1]), t)
    slopes = torch.autograd.grad(loss, outputs)
    return [g.double().norm().item() for g in slopes], [z.std(0).mean().item() for z in outputs]


def by_layer(net: Tower) -> list[Figure]:
    """The gradient and the spread of each layer, for 256 digits."""
    some = digits()[0].first(256)
    slopes, spreads = measured(net, some.x, some.t)
    number = range(1, len(slopes) + 1)
    share = slopes[0] / slopes[-1] if slopes[-1] else 0.0
    told = f"At the first layer the gradient is {share:.2g} times that at the last."
    layer = Axis("hidden layer", whole=True)
    return [
        Curves("The gradient on its way back", layer, Axis("size of the gradient", "log"),
               (line("gradient", number, [max(v, LEAST) for v in slopes]),), caption=told),
        Curves("The signal on its way up", layer, Axis("spread over examples", "log"),
               (line("spread", number, [max(v, LEAST) for v in spreads]),),
               caption="How much a unit's output differs from digit to digit, on average."),
    ]  # fmt: skip


def draw_layers(deep: Deep) -> Figures:
    yield by_layer(tower(deep))


def draw_trained(asked: Trained) -> Figures:
    learned, tested = digits()
    net = tower(asked)
    optimizer = torch.optim.Adam(net.parameters(), asked.rate)
    losses: list[float] = []
    right: list[tuple[int, float]] = []
    every = max(1, asked.steps // SHOWS)
    for step in range(asked.steps + 1):
        i = batch_of(0, step, len(learned), BATCH)
        loss = F.cross_entropy(net(learned.x[i]), learned.t[i])
        losses.append(loss.item())
        if step % every == 0 or step == asked.steps:
            right.append((step, known(net, tested.x, tested.t)))
            yield [*progress(asked, losses, right), by_layer(net)[0]]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def known(net: Tower, x: Tensor, t: Tensor) -> float:
    """The share of right answers."""
    net.eval()
    with torch.no_grad():
        share = (net(x).argmax(1) == t).float().mean().item()
    net.train()
    return share


def progress(asked: Trained, losses: list[float], right: list[tuple[int, float]]) -> list[Figure]:
    step = Axis("step", whole=True, low=0, high=asked.steps)
    at, share = ([one[k] for one in right] for k in (0, 1))
    said = f"{100 * right[-1][1]:.0f} % after {right[-1][0]} steps, of digits not learned from."
    return [
        Curves("Accuracy", step, Axis("right", share=True, low=0.0, high=1.0),
               (line("", at, share),), ((0.1, "chance"),), caption=said),
        Curves("Loss", step, Axis("log-loss", zero=True), (line("", range(len(losses)), losses),),
               ((2.3026, "knows nothing"),)),
    ]  # fmt: skip


LAYERS = Piece(
    "layers", "The gradient, layer by layer",
    "A stack that has learned nothing yet, and the gradient of its loss for 256 digits. Make it "
    "deeper; change the activation and the start; add normalisation or skips.",
    Deep, draw_layers,
    Question(
        "20 hidden layers of sigmoids. How large is the gradient at the first layer, compared with "
        "that at the last?",
        ("About the same.", "About a hundredth.", "Less than a millionth."),
        2,
        "A sigmoid's slope is 1/4 at most, and each layer multiplies by it. The weights of this "
        "start do not make up for that.",
    ),
)  # fmt: skip
TRAINED = Piece(
    "trained", "And does it learn?",
    "The same stack learns digits. Give it ReLUs and the start of He, or sigmoids with "
    "normalisation, and compare.",
    Trained, draw_trained,
    Question(
        "The stack of 20 layers of sigmoids is trained for 300 steps. What will it know?",
        ("Nothing: about one digit in ten is right.", "Half of the digits.", "Nearly all."),
        0,
        "The first layers hardly get a gradient, and the last ones see nearly the same output for "
        "every digit: the signal has vanished as well.",
    ),
    live=False,
)  # fmt: skip

ROOM = Room(
    4, "Depth",
    "Why deep stacks did not learn, and four things that changed that.",
    (
        Section(
            "A product of many factors",
            (
                "Backpropagation multiplies by a layer's slopes and weights at every layer. If the "
                "factors are below 1 on average, little is left after many layers; above 1, the "
                "product explodes. The same is true of the signal on its way up.",
                "Activation, start, normalisation and skips are four ways to keep the factors near "
                "1.",
            ),
            LAYERS, ("4.1", "4.2", "6.5"),
        ),
        Section(
            "From gradients to learning",
            (
                "Adam divides each gradient by its usual size, so that a small gradient alone need "
                "not stop it. It cannot bring back what a signal has lost on its way up.",
            ),
            TRAINED, ("4.4",),
        ),
    ),
    ("mlp", "digits"),
)  # fmt: skip
