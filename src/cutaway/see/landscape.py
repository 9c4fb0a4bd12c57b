"""The loss landscape around a network's weights: along lines, over planes, and its curvature."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from cutaway.errors import UsageError

Direction = list[Tensor]
"""A change of each parameter, in the order of `parameters()`."""


@contextmanager
def moved_weights(model: nn.Module, steps: Sequence[tuple[float, Direction]]) -> Iterator[None]:
    """Set the weights to w + sum of a d; they are restored bit by bit afterwards."""
    weights = list(model.parameters())
    before = [p.detach().clone() for p in weights]
    try:
        with torch.no_grad():
            for a, direction in steps:
                for p, d in zip(weights, direction, strict=True):
                    p.add_(d, alpha=a)
        yield
    finally:
        with torch.no_grad():
            for p, old in zip(weights, before, strict=True):
                p.copy_(old)


def random_direction(model: nn.Module, seed: int = 0) -> Direction:
    """A random direction, each filter as long as the weights' own; zero for biases and scales.

    Only so can networks be compared whose weights differ in scale without any effect.
    Source: Li et al. 2018, section 4.
    """
    draw = torch.Generator().manual_seed(seed)
    return [_rescaled(torch.randn(p.shape, generator=draw), p.detach()) for p in model.parameters()]


def _rescaled(d: Tensor, w: Tensor) -> Tensor:
    d = d.to(w)
    if w.ndim < 2:
        return torch.zeros_like(w)
    norms = (x.flatten(1).norm(dim=1).view(-1, *[1] * (w.ndim - 1)) for x in (w, d))
    of_w, of_d = norms
    return d * (of_w / of_d.clamp(min=1e-12))


def direction_to(model: nn.Module, other: nn.Module) -> Direction:
    """The direction from one network's weights to another's: 0 is the first, 1 the second."""
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return [(there - here).detach() for here, there in pairs]


def line(
    model: nn.Module, measure: Callable[[], float], direction: Direction, at: Sequence[float]
) -> Float[Tensor, "n"]:
    """Evaluate a measure of the model, such as its loss, at places along a line through its
    weights."""
    return plane(model, measure, direction, direction, at, [0.0])[:, 0]


def plane(
    model: nn.Module,
    measure: Callable[[], float],
    first: Direction,
    second: Direction,
    a: Sequence[float],
    b: Sequence[float],
) -> Float[Tensor, "a b"]:
    """Evaluate a measure over a plane: w + a d1 + b d2."""
    values = torch.empty(len(a), len(b))
    for i, along in enumerate(a):
        for j, across in enumerate(b):
            with moved_weights(model, [(along, first), (across, second)]):
                values[i, j] = measure()
    return values


def path_plane(
    snapshots: Sequence[Float[Tensor, "p"]],
) -> tuple[Float[Tensor, "2 p"], Float[Tensor, "n 2"], Float[Tensor, "2"]]:
    """The plane in which a training moved most: unit directions, the path, shares of variance.

    Principal components of the weights on their way, about the last of them (Li et al. 2018,
    section 7).

    Args:
        snapshots: weights as vectors, in the order in which they were passed; three or more.

    Returns:
        Two directions, each snapshot's place in their plane, and the share of the whole movement
        that lies along each.
    """
    offsets = torch.stack([one - snapshots[-1] for one in snapshots])
    # Few snapshots of many weights: their products among themselves are the small matrix.
    values, vectors = torch.linalg.eigh((offsets @ offsets.T).double())
    order = values.argsort(descending=True)[:2]
    lengths = values[order].clamp(min=1e-24).sqrt()
    directions = (vectors[:, order] / lengths).T.to(offsets) @ offsets
    shares = values[order] / values.clamp(min=0).sum()
    return directions, offsets @ directions.T, shares.to(offsets)


def curvature(
    model: nn.Module, loss: Callable[[], Tensor], steps: int = 40, seed: int = 0
) -> tuple[Float[Tensor, "k"], Float[Tensor, "k"]]:
    """The spectrum of the loss's Hessian: values with weights that sum to one.

    Lanczos with every direction kept orthogonal to those before: the largest and the smallest
    value come out first, and after as many steps as there are weights all do. As an estimate of
    the density the weights are those of one random vector (stochastic Lanczos quadrature).

    Source: Golub and Meurant 2010, chapter 6; Ghorbani et al. 2019, section 2.

    Args:
        loss: a tensor with its graph, of the same batch each time, the model at rest.
        steps: Hessian-vector products.

    Raises:
        UsageError: no weight can learn, or the loss depends on none that can.
    """
    weights = trainable(model)
    with torch.enable_grad():
        gradients = _gradients(loss(), weights, create_graph=True)
        flat = torch.cat([g.reshape(-1) for g in gradients])

    def hessian_product(v: Tensor) -> Tensor:
        if not flat.requires_grad:  # the loss is linear in the weights
            return torch.zeros_like(v)
        products = torch.autograd.grad(flat, weights, v, retain_graph=True, materialize_grads=True)
        return torch.cat([g.reshape(-1) for g in products])

    draw = torch.Generator().manual_seed(seed)
    start = torch.randn(len(flat), generator=draw).to(flat)
    diagonal, beside = lanczos(hessian_product, start, min(steps, len(flat)))
    matrix = torch.diag(diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1)
    values, vectors = torch.linalg.eigh(matrix)
    return values, vectors[0] ** 2


@dataclass(frozen=True)
class Sharpness:
    """The rise of the loss around the weights.

    Attributes:
        rise: of the loss, after a step of the ball's radius up the gradient; nearly nothing at a
            minimum, where there is no such direction and `largest` alone tells.
        largest: eigenvalue of the Hessian; in its direction the loss rises by half of it times
            the radius squared.
    """

    rise: float
    largest: float


def sharpness(
    model: nn.Module,
    loss: Callable[[], Tensor],
    radius: float = 0.05,
    steps: int = 20,
    seed: int = 0,
) -> Sharpness:
    """L(w + e) - L(w) with e = radius g / |g|, the worst of a ball to first order; and the Hessian.

    Source: Foret et al. 2021, equation 2; Keskar et al. 2017 for the question.

    Args:
        loss, steps, seed: see `curvature`; 20 steps of Lanczos find the largest value.
        radius: Euclidean length of the change of all weights together.

    Raises:
        UsageError: as `curvature`.
    """
    with torch.enable_grad():
        here = loss()
        slopes = dict(zip(weights := trainable(model), _gradients(here, weights), strict=True))
    g = [slopes.get(p, torch.zeros_like(p)) for p in model.parameters()]
    length = torch.cat([one.reshape(-1) for one in g]).norm().clamp(min=1e-30)
    with moved_weights(model, [(radius / length.item(), g)]):
        rise = loss() - here
    return Sharpness(rise.item(), curvature(model, loss, steps, seed)[0][-1].item())


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The trainable parameters.

    Raises:
        UsageError: there are none.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise UsageError("This network has no trainable parameters: all its weights are frozen.")
    return parameters


def _gradients(
    loss: Tensor, weights: Sequence[nn.Parameter], create_graph: bool = False
) -> tuple[Tensor, ...]:
    """Gradients of the loss by weights; zeros where it does not depend on them."""
    if not loss.requires_grad:
        raise UsageError("No gradient reaches the weights: the network detaches its output.")
    return torch.autograd.grad(
        loss, weights, create_graph=create_graph, allow_unused=True, materialize_grads=True
    )


def lanczos(
    multiply: Callable[[Tensor], Tensor], start: Float[Tensor, "n"], steps: int
) -> tuple[Float[Tensor, "k"], Float[Tensor, "k_1"]]:
    """The tridiagonal form of a symmetric matrix on the Krylov space of a vector.

    Stops before `steps` where the space is exhausted.
    """
    basis = [start / start.norm()]
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    for _ in range(steps):
        w = multiply(basis[-1])
        diagonal.append(w @ basis[-1])
        for v in (*basis, *basis):  # twice is enough (Parlett 1998, section 6.9)
            w = w - (w @ v) * v
        if len(diagonal) == steps or w.norm() <= 1e-6 * max(abs(d.item()) for d in diagonal):
            break
        beside.append(w.norm())
        basis.append(w / w.norm())
    return torch.stack(diagonal), torch.stack(beside) if beside else start.new_zeros(0)


def weights_of(model: nn.Module) -> Float[Tensor, "p"]:
    """All weights as one vector (a copy)."""
    return parameters_to_vector(model.parameters()).detach().clone()


def direction_of(model: nn.Module, vector: Float[Tensor, "p"]) -> Direction:
    """Convert a vector of all weights to a direction."""
    parts = vector.split([p.numel() for p in model.parameters()])
    return [part.view_as(p) for part, p in zip(parts, model.parameters(), strict=True)]
