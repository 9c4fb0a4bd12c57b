"""Check gradients by hand against autograd and central differences, layer by layer, in float64."""

from dataclasses import dataclass
from math import inf, isnan

import torch
from torch import Tensor

from cutaway.byhand.event import largest
from cutaway.byhand.graph import Graph
from cutaway.byhand.witness import Witness, autograd, difference, relative_difference
from cutaway.randomness import generator

BOUND = 1e-6
"""Largest difference between hand and autograd, as a share of the gradient."""
ROUGH = 1e-3
"""Largest difference from central differences, whose own error is far larger: where gradients
explode, as in 110 plain layers, J is so rough that three digits are all that rounding leaves."""
STEPS = (1e-5, 1e-7, 1e-9, 1e-11, 1e-13)
"""Step sizes of a central difference: a long one may cross the kink of a ReLU, a short one has more
rounding, so a shorter one is tried where a longer one does not fit."""
FAINT = 1e-8
"""A gradient is compared as if it were at least this share of the largest: the bias before a batch
normalisation, for one, has a gradient of zero, and each witness its own rounding of it."""


@dataclass(frozen=True)
class Row:
    """The check of one parameter's gradient.

    Attributes:
        gradient: its largest magnitude.
        autograd: relative error of hand against autograd, largest difference by largest magnitude.
        differences: the same for the slope along one direction; None where it was not taken.
    """

    name: str
    shape: tuple[int, ...]
    gradient: float
    autograd: float
    differences: float | None


@dataclass(frozen=True)
class Checked:
    """The results of a check.

    Attributes:
        rows: one for each parameter that has a say in J.
        nodes: values that the graph computes.
        values: largest relative error of these values against PyTorch's.
        gradients: largest relative error of their gradients.
    """

    rows: tuple[Row, ...]
    nodes: int
    values: float
    gradients: float

    @property
    def autograd(self) -> float:
        """The largest error of all gradients, of parameters and of values."""
        return max([self.gradients, *(row.autograd for row in self.rows)])

    @property
    def differences(self) -> float:
        """The largest error against central differences; 0 where none was taken."""
        return max([0.0, *(row.differences or 0.0 for row in self.rows)])

    @property
    def agrees(self) -> bool:
        """Whether all three gradients agree."""
        return max(self.autograd, self.values) < BOUND and self.differences < ROUGH


def check(graph: Graph, *inputs: Tensor, differences: int = 32, seed: int = 0) -> Checked:
    """Compare a graph's gradients with autograd's and with central differences.

    The graph itself stays as it is: a copy in float64 is checked.

    Args:
        differences: most parameters whose slope is taken; where there are more, evenly spread ones.
        seed: of masks, noise and directions.
    """
    graph = graph.to(torch.float64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        graph.forward(*inputs)
    gradients = graph.backward(inputs=True)
    other = autograd(graph)
    top = max(map(largest, gradients.values()), default=0.0)
    names = _spread(list(gradients), differences)
    rows = [
        Row(
            name, tuple(d.shape), largest(d),
            _error(d, other.gradients.get(name), FAINT * top),
            _slope_error(graph, name, d, seed) if name in names else None,
        )
        for name, d in gradients.items()
    ]  # fmt: skip
    return Checked(tuple(rows), len(graph.operations), *_inside(graph, other))


def _inside(graph: Graph, other: Witness) -> tuple[float, float]:
    """The largest errors of computed values and of their gradients."""
    inner = [node.name for node in graph.operations]
    values = [_error(graph.values[n], other.values[n], 1e-12) for n in inner]
    known = {n: graph.gradients[n] for n in inner if n in graph.gradients}
    top = FAINT * max(map(largest, known.values()), default=0.0)
    return max(values), max(_error(d, other.gradients.get(n), top) for n, d in known.items())


def _error(a: Tensor, b: Tensor | None, floor: float) -> float:
    b = torch.zeros_like(a) if b is None else b
    error = relative_difference(a.double(), b.double(), largest, floor)
    return inf if isnan(error) else error  # a maximum would pass over it


def _slope_error(graph: Graph, name: str, d: Tensor, seed: int) -> float:
    """The error of the slope of J along a direction between the gradient and a random one, by hand
    and measured.

    Chance alone would be nearly at right angles to the gradient where there are many numbers, so
    that the slope would drown in rounding; the gradient alone would not see what it lacks.
    """
    chance = torch.randn(d.shape, dtype=d.dtype, generator=generator(seed, "direction", name))
    along = chance / chance.norm()
    if d.norm() > 0:
        along = along + d / d.norm()
    by_hand = (d * along).sum().item()
    rounding = 1e-6 * graph.values[graph.outputs[0]].abs().item()
    error = inf
    for step in STEPS:
        if error > ROUGH / 100:
            measured = difference(graph, name, along, step)
            size = abs(measured) + abs(by_hand) + rounding + 1e-300
            error = min(error, abs(measured - by_hand) / size)
    return error


def _spread(names: list[str], count: int) -> set[str]:
    if len(names) <= count:
        return set(names)
    return {names[i * (len(names) - 1) // max(1, count - 1)] for i in range(count)}
