"""Count the linear regions that a straight line through a network's inputs crosses."""

from contextlib import nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.layers import unwrapped
from cutaway.see.probe import last_answer, leaf, resting, scores_of

VALUES = 1 << 20
"""Number of input values that are computed at once."""
EQUAL, ROUNDED = 1e-9, 1e-13
"""Slopes that differ by less, as a share of all that they are summed from, are the same; so are
values, as a share of what they are summed from."""
CLOSE, PROBES, BENT = 1e-3, 32, 4
"""Whether there are linear pieces at all is tested at so many places by a further move of so small
a share of a step: hardly ever into another piece. Where more than a few are bent, there are
none."""
OFFSET = (5**0.5 - 1) / 2
"""Offset of the places, in steps: where a bend lies exactly at a place, its slope may be that of
neither side, and bends lie at round numbers more often than elsewhere."""


class Along(NamedTuple):
    """A random weighting of all outputs at n places, and its slope along the line.

    Attributes:
        value, slope: in float64.
        values, slopes: sums of the sizes of all that these are summed from.
    """

    value: Float[Tensor, "n"]
    slope: Float[Tensor, "n"]
    values: Float[Tensor, "n"]
    slopes: Float[Tensor, "n"]


def linear_regions(
    model: nn.Module,
    a: Float[Tensor, "*shape"],
    b: Float[Tensor, "*shape"],
    places: int = 1024,
    layer: str = "",
) -> int:
    """Count the linear pieces of a network that a straight line from a to b crosses.

    Counted by what is computed, by whatever modules or functions (ReLUs, clamps, absolute values,
    max pooling): two places are on one piece where the outputs have the same slope along the line
    and it leads from the one's value to the other's, in float64. Pieces shorter than a step
    between two of the `places` may be missed. A bend of a unit that changes no output is none.
    Source: Montufar et al. 2014; counted along a line as by Raghu et al. 2017.

    Args:
        layer: whose outputs are meant; by default the model's.

    Raises:
        UsageError: no such layer, outputs that are not piecewise linear (after a softmax, a tanh,
            a normalisation by the example itself), or a model that cannot be run in float64.
    """
    shares = (torch.arange(places, dtype=torch.double) + OFFSET) / places
    along = _along(model, a, b, shares, layer)
    some = torch.linspace(0, places - 1, min(PROBES, places)).long()
    near = _along(model, a, b, shares[some] + CLOSE / places, layer)
    here = Along(*(of[some] for of in along))
    if int(_bent(here, near, CLOSE / places).sum()) > BENT:
        where = f"of '{layer}'" if layer else "of this network"
        raise UsageError(
            f"The outputs {where} are not piecewise linear: their slope changes all along the "
            "line. Where a softmax or the like comes last, name a layer before it."
        )
    before, after = (Along(*(of[part] for of in along)) for part in (slice(-1), slice(1, None)))
    return 1 + int(_bent(before, after, 1 / places).sum())


def _bent(one: Along, other: Along, step: float) -> Bool[Tensor, "n"]:
    """Whether there is a bend, or a jump, between places and those a step further."""
    slopes = torch.maximum(one.slopes, other.slopes)
    values = torch.maximum(one.values, other.values)
    led = other.value - one.value - step * (one.slope + other.slope) / 2
    return ((other.slope - one.slope).abs() > EQUAL * slopes) | (
        led.abs() > EQUAL * step * slopes + ROUNDED * values
    )


def _along(model: nn.Module, a: Tensor, b: Tensor, shares: Float[Tensor, "n"], layer: str) -> Along:
    model = unwrapped(model)
    named_tensors = (*model.named_parameters(), *model.named_buffers())
    weights = {n: w.detach().double() if w.is_floating_point() else w for n, w in named_tensors}
    start, direction = a.detach().double(), (b - a).detach().double()
    parts = shares.to(start.device).split(max(1, VALUES // a.numel()))
    try:
        parts_along = [_part(model, weights, start, direction, share, layer) for share in parts]
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise UsageError(
            "The network cannot be run in float64, in which linear pieces are counted: "
            f"{(str(error).splitlines() or [type(error).__name__])[0]}"
        ) from error
    return Along(*(torch.cat(one).cpu() for one in zip(*parts_along, strict=True)))


def _part(
    model: nn.Module,
    weights: dict[str, Tensor],
    start: Float[Tensor, "*shape"],
    direction: Float[Tensor, "*shape"],
    share: Float[Tensor, "n"],
    layer: str,
) -> Along:
    heard = last_answer(model, layer) if layer else nullcontext()
    with torch.enable_grad(), resting(model), heard as last:
        x = leaf(start + share.view(-1, *[1] * start.ndim) * direction)
        output = torch.func.functional_call(model, weights, (x.clone(),))
        y = last.value if last else scores_of(output)
        if y is None or not y.ndim or len(y) != len(x):
            raise UsageError("Linear pieces are counted of outputs with a row for each example.")
        y = y.reshape(len(y), -1)
        draw = torch.Generator().manual_seed(0)
        terms = y * torch.randn(y.shape[1], generator=draw, dtype=torch.double).to(y.device)
        slopes = _slope(terms.sum(), x) * direction
    parts = terms, slopes, terms.abs(), slopes.abs()
    return Along(*(of.reshape(len(x), -1).sum(1).detach() for of in parts))


def _slope(score: Tensor, x: Tensor) -> Tensor:
    """The gradient; None where the score is constant."""
    if not score.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(score, x, allow_unused=True, materialize_grads=True)[0]
