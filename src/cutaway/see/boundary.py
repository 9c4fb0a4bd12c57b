"""Decision boundaries: over a plane of inputs, and along straight lines between examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.probe import answer, resting

Example = Float[Tensor, "*shape"]
"""One input, without the batch axis."""
VALUES = 1 << 20
"""Number of input values that are computed at once."""


@dataclass(frozen=True)
class Regions:
    """Answers over a plane: a row for each place along `second`, a column along `first`.

    Attributes:
        first, second: coordinates of the columns and of the rows.
        classes: the answer at each point.
        margin: by how much its score leads over the next; 0 on the boundary.
    """

    first: Float[Tensor, "n"]
    second: Float[Tensor, "n"]
    classes: Int[Tensor, "n n"]
    margin: Float[Tensor, "n n"]


@dataclass(frozen=True)
class Plane(Regions):
    """Answers over the plane through three examples, as far apart in it as they are as inputs.

    Attributes:
        places: of the three: the first at the origin, the second on the first axis.
    """

    places: Float[Tensor, "3 2"]


@dataclass(frozen=True)
class Between:
    """Answers along the straight line from one example to another.

    Attributes:
        shares: of the way, from 0 to 1.
        probabilities: of each class there.
        answers: the class at the beginning, and after each flip.
        flips: shares at which the answer changes.
    """

    shares: Float[Tensor, "p"]
    probabilities: Float[Tensor, "p k"]
    answers: Int[Tensor, "f_1"]
    flips: Float[Tensor, "f"]


def decision_regions(
    model: nn.Module, low: Sequence[float], high: Sequence[float], n: int = 200
) -> Regions:
    """The answers to all inputs of two numbers from `low` to `high`, on a grid of n x n.

    Raises:
        UsageError: the corners are not two numbers each, or the model does not take such inputs.
    """
    if not len(low) == len(high) == 2:
        raise UsageError("Decision regions are of inputs of two numbers: give two corners of two.")
    like = next(model.parameters(), torch.zeros(0)).detach()
    try:
        return _regions(model, like.new_zeros(2), torch.eye(2).to(like), low, high, n)
    except RuntimeError as error:
        raise UsageError(
            f"The model does not take inputs of two numbers: {str(error).splitlines()[0]}."
        ) from None


def plane_of(
    model: nn.Module, a: Example, b: Example, c: Example, n: int = 100, beyond: float = 0.2
) -> Plane:
    """The answers over the plane through three examples.

    Source: Somepalli et al. 2022, section 3.1.

    Args:
        beyond: how far the plane reaches past the three, as a share of their extent.

    Raises:
        UsageError: the three lie on one line.
    """
    along, aside = (b - a).flatten(), (c - a).flatten()
    length = along.norm()
    first = along / length
    share = aside @ first
    aside = aside - share * first
    height = aside.norm()
    if not height > 1e-6 * length > 0:
        raise UsageError("The three examples lie on one line, and have no plane: take others.")
    zero = length * 0
    places = torch.stack([zero, zero, length, zero, share, height]).view(3, 2)
    low, high = places.amin(0), places.amax(0)
    edge = beyond * (high - low)
    basis = torch.stack([first, aside / height]).view(2, *a.shape)
    regions = _regions(model, a, basis, (low - edge).tolist(), (high + edge).tolist(), n)
    return Plane(regions.first, regions.second, regions.classes, regions.margin, places)


def between(model: nn.Module, a: Example, b: Example, places: int = 101) -> Between:
    """The probabilities on the straight line from a to b, and where the answer changes.

    A flip lies where two scores cross, taken as straight from one place to the next; an answer
    that lasts for less than that may be missed.
    """
    shares = torch.linspace(0, 1, places)
    scores = _scores(model, a, (b - a)[None], shares[:, None])
    answer = scores.argmax(1)
    at = (answer[1:] != answer[:-1]).nonzero()[:, 0]
    was, now = answer[at, None], answer[at + 1, None]
    before, after = (
        (scores[i].gather(1, was) - scores[i].gather(1, now))[:, 0] for i in (at, at + 1)
    )
    flips = shares[at] + before / (before - after) / (places - 1)
    answers = torch.cat([answer[:1], answer[at + 1]])
    return Between(shares, scores.softmax(1), answers, flips)


def _regions(
    model: nn.Module,
    origin: Example,
    basis: Float[Tensor, "2 *shape"],
    low: Sequence[float],
    high: Sequence[float],
    n: int,
) -> Regions:
    first, second = (torch.linspace(a, b, n) for a, b in zip(low, high, strict=True))
    rows, columns = torch.meshgrid(second, first, indexing="ij")
    scores = _scores(model, origin, basis, torch.stack([columns, rows], -1).flatten(0, 1))
    best = scores.topk(2, dim=1)
    classes, margin = best.indices[:, 0], best.values[:, 0] - best.values[:, 1]
    return Regions(first, second, classes.view(n, n), margin.view(n, n))


@torch.no_grad()
def _scores(
    model: nn.Module,
    origin: Example,
    basis: Float[Tensor, "d *shape"],
    places: Float[Tensor, "p d"],
) -> Float[Tensor, "p k"]:
    """The scores of the inputs at `places`; a single score is that of class 1 against 0 for class
    0."""
    scores = []
    with resting(model):
        for part in places.split(max(1, VALUES // origin.numel())):
            y = answer(model, origin + torch.tensordot(part.to(basis), basis, 1))
            y = y[:, None] if y.ndim == 1 else y
            scores.append((F.pad(y, (1, 0)) if y.shape[1] == 1 else y).cpu())
    return torch.cat(scores)
