"""Feature visualisation: the images that excite units most, and images optimised to."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.follow import Field
from cutaway.see.layers import index_last
from cutaway.see.probe import Last, call_on_copy, last_answer, leaf, slope
from cutaway.see.receptive import receptive_fields

Images = Float[Tensor, "b c *side"]
Batches = Iterable[Float[Tensor, "_ c *side"]]


@dataclass(frozen=True)
class Strongest:
    """The k examples that excite each unit most, strongest first.

    Attributes:
        values: how strongly.
        examples: numbers of the examples, in the order in which they came.
        places: where in the layer's map, one number a side; none for units without places.
    """

    values: Float[Tensor, "units k"]
    examples: Int[Tensor, "units k"]
    places: Int[Tensor, "units k rank"]


def strongest(model: nn.Module, batches: Batches, layer: str, k: int = 9) -> Strongest:
    """Search all batches; each example counts once for a unit, at its best place.

    Raises:
        UsageError: no such layer, or one whose output has no units.
    """
    maxima: list[tuple[Tensor, Tensor]] = []
    sides: tuple[int, ...] = ()
    with torch.no_grad(), last_answer(model, layer) as last:
        for x in batches:
            call_on_copy(model, x)
            y = last.value
            if y.ndim < 2:
                raise UsageError(f"The output of '{layer}' has no units.")
            sides = tuple(y.shape[2:])
            best = y.flatten(2).max(2) if sides else (y, torch.zeros_like(y))
            maxima.append((best[0], best[1].long()))
    values, at = (torch.cat(part) for part in zip(*maxima, strict=True))
    top = values.topk(min(k, len(values)), dim=0)
    return Strongest(top.values.T, top.indices.T, _unravelled(at.gather(0, top.indices).T, sides))


def _unravelled(at: Int[Tensor, "units k"], sides: tuple[int, ...]) -> Int[Tensor, "units k rank"]:
    """Indices along each side from an index among all places."""
    indices = [at // prod(sides[i + 1 :]) % side for i, side in enumerate(sides)]
    return torch.stack(indices, -1) if indices else at.new_zeros(*at.shape, 0)


def patch(
    x: Float[Tensor, "c *side"], field: Field | None, place: Iterable[int]
) -> Float[Tensor, "c *part"]:
    """The part of an image in the receptive field of a unit at a place; all of it where the field
    is None."""
    if field is None:
        return x
    spans = (span.at(int(i), side) for span, i, side in zip(field, place, x.shape[1:], strict=True))
    return x[index_last(slice(first, last + 1) for first, last in spans)]


def effective_field(model: nn.Module, x: Images, layer: str) -> Float[Tensor, "*side"]:
    """The effective receptive field of the unit in the middle of a layer's maps: the gradient per
    pixel.

    The mean over images and channels of |d sum over maps / d x|, 1 at its highest. Inside the
    receptive field it falls off as a Gaussian, and so is smaller in effect.
    Source: Luo et al. 2016, section 2.

    Raises:
        UsageError: no such layer, or one without places.
    """
    with torch.enable_grad(), last_answer(model, layer) as last:
        x = leaf(x)
        call_on_copy(model, x)
    y = last.value
    if y.ndim != x.ndim:
        raise UsageError(f"The outputs of '{layer}' are not maps: choose a layer before it.")
    middle = y[index_last(side // 2 for side in y.shape[2:])]
    field = slope(middle.sum(), x).abs().mean((0, 1))
    return field / field.max().clamp(min=1e-30)


def excite(
    model: nn.Module,
    start: Float[Tensor, "1 c *side"],
    layer: str,
    unit: int,
    *,
    steps: int = 128,
    rate: float = 0.05,
    smooth: float = 0.1,
    jitter: int = 2,
    seed: int = 0,
) -> Float[Tensor, "c *side"]:
    """An image that excites a unit, optimised from `start` by Adam.

    What is climbed is the mean answer of the unit over its places, less `smooth` times the mean
    squared difference of neighbouring pixels; before each step the image is moved by up to
    `jitter` pixels, so that nothing depends on single places (Olah et al. 2017).

    Raises:
        UsageError: no such layer or unit.
    """
    draw, sides = torch.Generator().manual_seed(seed), tuple(range(2, start.ndim))
    with torch.enable_grad(), last_answer(model, layer) as last:
        x = leaf(start)
        adam = torch.optim.Adam([x], rate)
        for _ in range(steps):
            by = torch.randint(-jitter, jitter + 1, (len(sides),), generator=draw).tolist()
            call_on_copy(model, x.roll(by, sides) if sides else x)
            x.grad = _roughness(x, smooth) - slope(_unit(last, unit).mean(), x)
            adam.step()
    return x.detach()[0]


def _unit(last: Last, unit: int) -> Float[Tensor, "b *place"]:
    y = last.value
    if y.ndim < 2 or not 0 <= unit < y.shape[1]:
        units = f"units 0 to {y.shape[1] - 1}" if y.ndim > 1 else "no units"
        raise UsageError(f"'{last.layer}' has {units}, not {unit}.")
    return y[:, unit]


def _roughness(x: Images, smooth: float) -> Images:
    """The gradient of `smooth` times the mean squared difference of neighbours along each side."""
    if x.ndim == 2:
        return torch.zeros_like(x)
    rough = torch.stack([(x.diff(dim=side) ** 2).mean() for side in range(2, x.ndim)])
    return torch.autograd.grad(smooth * rough.sum(), x)[0]


def field_of(model: nn.Module, x: Images, layer: str) -> Field | None:
    """The receptive field of one layer's outputs; of a layer that is used again, the last."""
    return list(receptive_fields(model, x, [layer]).values())[-1]
