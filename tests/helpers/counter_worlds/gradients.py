"""Counter-worlds of chapter gradients."""

import math
from functools import partial

import torch

from cutaway.byhand import Graph, check, path_by_path
from cutaway.byhand.operations import Affine, Multiply, Sum, Tanh
from cutaway.lab.chapters.gradients import cost, equations, graphs, kinks, layer, layouts, smooth
from cutaway.lab.evidence import Verdict, exact
from cutaway.learn.counting import count_cost
from cutaway.models.mlp import MLP
from helpers.counter_worlds import Effects, World, wide
from helpers.effects import at

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict
NAN = exact("", math.nan)

DIFFERENCES = {"best": at(-10, 0.1), "order": at(2, 0.01), "rounding": at(-1, 0.1)}
KINK = {
    "relu": exact("", 0), "between": exact("", 0), "learned": at(90, 1), "changed": at(0, 0.1),
    "coarse": at(0, 0.2), "zero_start": at(0, 0.2),
}  # fmt: skip


def answered(scale: float) -> Effects:
    """2.2 where the equations' gradient is the true one times a number."""
    g = torch.Generator().manual_seed(0)
    layers = equations.random_layers([3, 3, 3], g)
    x, y = torch.randn(2, 4, 3, generator=g).double()
    true = layers.autograd(x, y)
    error = exact("", equations.apart([scale * t for t in true], true))
    return {"equations": error, "printed_one": exact("", 0), "printed_many": exact("", 0)}


class WrongTanh(Tanh):
    """Its slope taken for 1."""

    def backward(self, g: torch.Tensor, *values: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        return (g,)


def of_graph(operation: type[Tanh], size: float = 1.0) -> Effects:
    """2.3's measure of a small graph with this operation and weights of this size."""
    g = torch.Generator().manual_seed(0)
    graph = Graph(torch.float64)
    graph.input("x")
    graph.parameter("u", size * torch.randn(4, 4, generator=g).double())
    graph.add("z", operation(), graph.add("s", Affine(), "x", "u", None))
    graph.add("J", Sum(), graph.add("y", Multiply(), "z", "z"))
    found = check(graph, torch.randn(3, 4, generator=g).double())
    return {
        "autograd": exact("", found.autograd),
        "differences": exact("", found.differences),
        "alive": exact("", graphs._most(found)),
    }


def chain(depth: int) -> Graph:
    """A ladder with one way through each layer."""
    graph = Graph(torch.float64)
    z = graph.input("x")
    for k in range(depth):
        u = graph.parameter(f"u{k}", torch.ones((), dtype=torch.float64))
        z = graph.add(f"z{k}", Tanh(), graph.add(f"s{k}", Multiply(), z, u))
    graph.add("J", Sum(), z)
    return graph


def along_chains() -> Effects:
    """2.4's measure where no paths meet."""
    found = [chain(depth) for depth in (4, 8, 12)]
    for graph in found:
        graph.forward(torch.ones(4).double())
    a, b, c = (count_cost(graph.backward).calls for graph in found)
    *_, before, last = (count_cost(partial(path_by_path, graph)).calls for graph in found)
    each = {(b - a) / 4, (c - b) / 4}
    doubling = (last / before) ** (1 / 4)
    return {
        "bend": exact("", len(each) - 1),
        "each": exact("", min(each)),
        "doubling": exact("", doubling),
    }


def one_layer() -> Effects:
    """2.5 for a layer whose inputs need no gradient."""
    found = cost.operations(MLP(16, [], 16), torch.randn(4, 1, 1, 16))
    return {"least": exact("", found), "most": exact("", found)}


def jumps_of(f: kinks.Activation) -> Effects:
    """2.8's measure of another activation in GELU's place."""
    x = torch.linspace(-8, 8, 160_001, dtype=torch.float64)
    _, first, second = smooth.derivatives(f, x)
    ratios = [
        smooth._most(d[::10].diff()) / max(smooth._most(d.diff()), 1e-300) for d in (first, second)
    ]
    return {
        "error": exact("", 0), "first": exact("", ratios[0]), "second": exact("", ratios[1]),
        "control": exact("", 1.0),
    }  # fmt: skip


def laid_out(symmetric: bool) -> Effects:
    """2.9's measure of y = tr(X' A X) / 2 at X = I: its gradient is (A + A') / 2, symmetric; or of
    tr(A X), with the derivative left as X is."""
    g = torch.Generator().manual_seed(0)
    a, x = torch.randn(4, 4, generator=g).double(), torch.eye(4).double()

    def y(s: torch.Tensor) -> torch.Tensor:
        return (s.T @ a @ s).trace() / 2 if symmetric else (a @ s).trace()

    found = layouts.gradient(y, x)
    d = found.T if symmetric else found
    return {
        "definition": exact("", layouts.off_definition(y, x, d, g)),
        "chained": exact("", 0),
        "other": exact("", layouts.off_definition(y, x, d.T if symmetric else found, g)),
        "kept": exact("", 1),
    }


def layer_with(scale: float) -> Effects:
    """2.10 where the gradients are the true ones times a number."""
    g = torch.Generator().manual_seed(0)
    layers, n, m = layer.stack(4, 5, g)
    x, y = (torch.randn(k, generator=g, dtype=torch.float64) for k in (n, m))
    true = layer.by_autograd(layers, x, y)
    errors = [layer.apart([scale * d for d in part], part) for part in true]
    return {
        "inputs": exact("", errors[0]), "parameters": exact("", errors[1]),
        "needed": exact("", 0.2),
    }  # fmt: skip


def linear_layer() -> Effects:
    """2.10 of layers that multiply x by themselves alone: what x is does not matter to g below."""
    tanhless = layer.Layer(layer.gain, torch.ones(3).double())
    g = torch.ones(1, 3).double()
    by_x = [tanhless.backward(x, g)[0] for x in torch.randn(2, 3).double()]
    needed = layer.apart([by_x[0]], [by_x[1]])
    return {"inputs": exact("", 0), "parameters": exact("", 0), "needed": exact("", needed)}


WORLDS: dict[str, list[World]] = {
    "2.1": [
        World("wide interval", "Errors that could be any.", wide(DIFFERENCES), UNDECIDED),
        World(
            "constant answers", "A slope of 0 whatever is asked: an error of 1.",
            {"best": at(0, 0.01), "order": at(0, 0.01), "rounding": at(0, 0.01)}, FAILS,
        ),
        World(
            "leaked truth", "Differences that were told the gradient: no V.",
            {"best": at(-15.6, 0.01), "order": at(0, 0.01), "rounding": at(0, 0.01)}, LIMITED,
        ),
        World(
            "one replicate", "One replicate that spoils the mean's interval.",
            {**DIFFERENCES, "best": at(-9, 3)}, UNDECIDED,
        ),
    ],
    "2.2": [
        World("constant answers", "A gradient of zeros.", lambda: answered(0.0), FAILS),
        World("winning baseline", "A hundredth too long.", lambda: answered(1.01), FAILS),
        World(
            "nothing there", "0 / 0.",
            {"equations": NAN, "printed_one": NAN, "printed_many": NAN}, FAILS,
        ),
    ],
    "2.3": [
        World("constant answers", "A slope that is always 1.", lambda: of_graph(WrongTanh), FAILS),
        World("nothing there", "No gradient but 0.", lambda: of_graph(Tanh, 0.0), UNDECIDED),
    ],
    "2.4": [
        World("winning baseline", "No paths meet: nothing is saved.", along_chains, LIMITED),
        World(
            "nothing there", "Nothing was counted.",
            {"bend": exact("", 0), "each": exact("", 0), "doubling": NAN}, UNDECIDED,
        ),
    ],
    "2.5": [
        World("winning baseline", "One layer: one forward.", one_layer, FAILS),
        World("nothing there", "0 / 0.", {"least": NAN, "most": NAN}, FAILS),
    ],
    "2.6": [
        World("nothing there", "0 / 0.", {"wrong": exact("", 0), "chained": NAN}, FAILS),
        World(
            "winning baseline", "The other order of the product, where sizes allow it.",
            {"wrong": exact("", 0), "chained": exact("", 0.7)}, FAILS,
        ),
    ],
    "2.7": [
        World("wide interval", "Changes that could be any.", wide(KINK), UNDECIDED),
        World(
            "constant answers", "Networks that have learned nothing, with either.",
            {**KINK, "learned": at(10, 1)}, UNDECIDED,
        ),
        World(
            "one replicate", "One network that the choice saves.",
            {**KINK, "zero_start": at(6, 13)}, UNDECIDED,
        ),
    ],
    "2.8": [
        World("winning baseline", "ReLU in GELU's place.", lambda: jumps_of(torch.relu), FAILS),
        World(
            "winning baseline", "A kink in the slope alone: s |s| / 2.",
            lambda: jumps_of(lambda s: s * s.abs() / 2), FAILS,
        ),
        World(
            "constant answers", "A line: nothing to jump.", lambda: jumps_of(lambda s: 2 * s), FAILS
        ),
    ],
    "2.9": [
        World(
            "nothing there", "A symmetric derivative: both arrangements are one.",
            lambda: laid_out(symmetric=True), UNDECIDED,
        ),
        World(
            "winning baseline", "The derivative left as X is, in the notes' definition.",
            lambda: laid_out(symmetric=False), FAILS,
        ),
    ],
    "2.10": [
        World("constant answers", "A g of zeros.", lambda: layer_with(0.0), FAILS),
        World("winning baseline", "A hundredth too long.", lambda: layer_with(1.01), FAILS),
        World("nothing there", "A layer that needs no x.", linear_layer, UNDECIDED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
