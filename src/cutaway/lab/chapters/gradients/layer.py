"""The generic layer: what it takes and gives while a network learns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part, line
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.randomness import generator

Forward = tuple[Float[Tensor, "m"], Float[Tensor, "m n"], Float[Tensor, "m k"]]


def dense(x: Float[Tensor, "n"], theta: Float[Tensor, "k"]) -> Forward:
    """W x + b, theta being W's rows and then b: L by x is W, by W's row i it is x' in row i."""
    n, m = len(x), len(theta) // (len(x) + 1)
    w, b = theta[: m * n].view(m, n), theta[m * n :]
    eye = torch.eye(m, dtype=x.dtype)
    return w @ x + b, w, torch.cat([torch.kron(eye, x[None]), eye], 1)


def gain(x: Float[Tensor, "n"], theta: Float[Tensor, "n"]) -> Forward:
    """theta_i x_i."""
    return theta * x, theta.diag(), x.diag()


def bent(x: Float[Tensor, "n"], theta: Float[Tensor, "0"]) -> Forward:
    """tanh x_i, without parameters."""
    y = x.tanh()
    return y, (1 - y**2).diag(), x.new_zeros(len(x), 0)


def softmax(x: Float[Tensor, "n"], theta: Float[Tensor, "0"]) -> Forward:
    """e^x_i over their sum, without parameters."""
    p = x.softmax(0)
    return p, p.diag() - p[:, None] * p, x.new_zeros(len(x), 0)


def residual(x: Float[Tensor, "n"], theta: Float[Tensor, "k"]) -> Forward:
    """x + tanh(W x + b)."""
    s, by_x, by_theta = dense(x, theta)
    y, slope, _ = bent(s, theta[:0])
    return x + y, torch.eye(len(x), dtype=x.dtype) + slope @ by_x, slope @ by_theta


@dataclass(frozen=True)
class Layer:
    """A layer with its parameters as one vector."""

    f: Callable[[Tensor, Tensor], Forward]
    theta: Float[Tensor, "k"]

    def forward(self, x: Float[Tensor, "n"]) -> Float[Tensor, "m"]:
        return self.f(x, self.theta)[0]

    def backward(
        self, x: Float[Tensor, "n"], g: Float[Tensor, "1 m"]
    ) -> tuple[Float[Tensor, "1 n"], Float[Tensor, "1 k"]]:
        """dJ/dx and dJ/dtheta: g L, for each of the two L."""
        _, by_x, by_theta = self.f(x, self.theta)
        return g @ by_x, g @ by_theta


def stack(depth: int, most: int, g: torch.Generator) -> tuple[list[Layer], int, int]:
    """Random layers that fit on each other, and the sizes of input and output."""

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    def among(n: int) -> int:
        return int(torch.randint(n, (1,), generator=g))

    first = n = among(most - 1) + 2
    layers = []
    for _ in range(depth):
        kind = among(5)
        m = among(most - 1) + 2 if kind == 0 else n
        sizes = (m * n + m, n, 0, 0, n * n + n)
        f = (dense, gain, bent, softmax, residual)[kind]
        layers.append(Layer(f, drawn(sizes[kind]) / n**0.5))
        n = m
    return layers, first, n


Gradients = tuple[list[Tensor], list[Tensor]]
"""By the input of each layer, and by its parameters."""


def by_layers(layers: list[Layer], x: Tensor, y: Tensor) -> Gradients:
    """Of |o - y|^2 / 2: forward, then g from layer to layer, each told its x, theta and g alone."""
    inputs = [x]
    for layer in layers:
        inputs.append(layer.forward(inputs[-1]))
    g, of_x, of_theta = (inputs[-1] - y)[None], list[Tensor](), list[Tensor]()
    for layer, below in zip(layers[::-1], inputs[-2::-1], strict=True):
        g, by_theta = layer.backward(below, g)
        of_x.insert(0, g)
        of_theta.insert(0, by_theta)
    return of_x, of_theta


def by_autograd(layers: list[Layer], x: Tensor, y: Tensor) -> Gradients:
    """The same of the whole, as rows; autograd sees the layers' outputs and no L."""
    thetas = [layer.theta.clone().requires_grad_() for layer in layers]
    inputs = [x.clone().requires_grad_()]
    for layer, theta in zip(layers, thetas, strict=True):
        inputs.append(layer.f(inputs[-1], theta)[0])
    J = (inputs[-1] - y).square().sum() / 2
    asked = [*inputs[:-1], *thetas]
    found = torch.autograd.grad(J, asked, allow_unused=True, materialize_grads=True)
    rows = [d[None] for d in found]
    return rows[: len(layers)], rows[len(layers) :]


def apart(found: list[Tensor], true: list[Tensor]) -> float:
    """The largest difference of any of them, as a share of its size; of no shape in common: 1."""
    if [d.shape for d in found] != [d.shape for d in true]:
        return 1.0
    pairs = [(a, b) for a, b in zip(found, true, strict=True) if b.numel()]
    return max(((a - b).norm() / b.norm().clamp(min=1e-300)).item() for a, b in pairs)


def without(layer: Layer, x: Tensor, g: Tensor) -> dict[str, float]:
    """How far both gradients of a layer are off where one of its three inputs is another one."""
    true = list(layer.backward(x, g))
    wrong = {
        "x": layer.backward(x.roll(1) + 1, g),
        "theta": Layer(layer.f, layer.theta + 1).backward(x, g),
        "g": layer.backward(x, g.roll(1) + 1),
    }
    return {name: apart(list(found), true) for name, found in wrong.items()}


def layer_by_layer(inputs: Effect, parameters: Effect, needed: Effect) -> Verdict:
    """Holds if g L, from layer to layer, equals autograd's gradient by every input and by every
    parameter (relative errors below 1e-10); with limits if only by one of the two; undecided if a
    layer could do without one of its three inputs, so that equality would say little (a change
    below 0.001 with that input another); else it does not hold."""
    if not needed.value > 1e-3:
        return Verdict.UNDECIDED
    right = (inputs.value < 1e-10) + (parameters.value < 1e-10)
    return (Verdict.FAILS, Verdict.LIMITED, Verdict.HOLDS)[right]


@claim(
    "2.10",
    says="A layer that knows its L, the derivative of its output by its input, and g, the "
    "derivative of the cost by its output, is all that backpropagation needs: with three inputs "
    "(x, its parameters, g) it gives three outputs (its output, g for the layer below, and the "
    "derivative by its parameters), by products g L.",
    source="notes on statistics, week 4, p. 25 to 30",
    rule=layer_by_layer,
    otherwise="A value that goes several ways, or parameters used twice: the g of all ways have to "
    "be added up first, which the recursion of a chain does not say (claim 2.3).",
    baseline="Autograd's gradient of the whole, which sees the layers' outputs and none of their "
    "L. A g of zeros would miss it by 100 %.",
    full={"replicates": 512, "deepest": 12, "most": 16},
)
def generic_layer(
    replicates: Replicates = 48,
    deepest: Annotated[int, Range(2, 50)] = 6,
    most: Annotated[int, Range(2, 64)] = 6,
    seed: Seed = 0,
) -> Evidence:
    """Random chains of five kinds of layers (dense, gain, tanh, softmax, residual), in float64. Of
    each kind both L are written out by hand: by its input and by its parameters. Each layer is told
    its three inputs and nothing else, and the gradients are compared with autograd's of the whole.
    Then each input in turn is replaced by another."""
    g = generator(seed, "2.10")
    errors, kinds, needs = list[tuple[float, float]](), dict[str, list[float]](), []
    for _ in range(replicates):
        depth = int(torch.randint(2, deepest + 1, (1,), generator=g))
        layers, n, m = stack(depth, most, g)
        x, y = (torch.randn(k, generator=g, dtype=torch.float64) for k in (n, m))
        found, true = by_layers(layers, x, y), by_autograd(layers, x, y)
        errors.append((apart(found[0], true[0]), _parameters_apart(found[1], true[1])))
        for layer, a, b in zip(layers, found[0], true[0], strict=True):
            kinds.setdefault(layer.f.__name__, []).append(apart([a], [b]))
        needs.append(_needs(x, g))
    by_x, by_theta = (max(column) for column in zip(*errors, strict=True))
    least = {name: min(one[name] for one in needs) for name in ("x", "theta", "g")}
    record = Record()
    record.effects(
        inputs=exact("largest error by an input of a layer", by_x),
        parameters=exact("largest error by the parameters of a layer", by_theta),
        needed=exact("least change with one input another", min(least.values())),
    )
    rows = [(name, len(of), max(of)) for name, of in sorted(kinds.items())]
    record.table("The layers", rows, "kind | layers | largest error of g below it")
    record.table("A residual layer with one input another", least.items(), "input | least change")
    names = [name for name, *_ in rows]
    bars = Part("g", tuple(max(*of, 1e-18) for of in (kinds[name] for name in names)))
    caption = "An error of 0 is drawn as 1e-18."
    record.bars("Against autograd", "relative error", names, bars, log=True, caption=caption)
    widths = [2**k for k in range(1, 11)]
    series = [
        line("L by the parameters", widths, [w * (w * w + w) for w in widths]),
        line("what g L leaves", widths, [w * w + w for w in widths]),
    ]
    title = "Numbers held by a dense layer"
    record.curves(title, "units a layer", "numbers", *series, x_log=True, y_log=True)
    return record.because(f"""
        In {replicates} chains of {sum(map(len, kinds.values()))} layers the products g L equal
        autograd's gradients, by the inputs to {by_x:.0e} and by the parameters to {by_theta:.0e}.
        Nothing but a layer's own three inputs was used, and none can be spared: with another in
        its place a layer's gradients change by {min(least.values()):.0%} at least. There are two L
        for each layer, by its input and by its parameters, and both are multiplied by the same g.
        Written out, though, the second is mostly zeros: of a dense layer of n units it has n times
        as many numbers as the gradient that comes of it, so nobody writes it out, and frameworks
        compute g L alone.
    """)


def _parameters_apart(found: list[Tensor], true: list[Tensor]) -> float:
    """As `apart`, where chains may have no parameters at all."""
    return apart(found, true) if any(d.numel() for d in true) else 0.0


def _needs(x: Tensor, g: torch.Generator) -> dict[str, float]:
    """Of a residual layer, whose L depend on all that it is told."""
    n = len(x)
    theta = torch.randn(n * n + n, generator=g, dtype=torch.float64) / n**0.5
    above = torch.randn(1, n, generator=g, dtype=torch.float64)
    return without(Layer(residual, theta), x, above)
