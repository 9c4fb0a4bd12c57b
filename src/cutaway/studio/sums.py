"""Of what one number of a node is made: products that are added, the numbers of a window, or what
a normalisation subtracts and divides by."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cutaway.byhand.node import Node
from cutaway.byhand.operations import (
    AdaptiveMeanPooling,
    Affine,
    BatchNormalisation,
    Convolution,
    Flatten,
    LayerNormalisation,
    LinearUpsampling,
    MaxPooling,
    Mean,
    MeanPooling,
    NearestUpsampling,
    Reshape,
    Sum,
    TransposedConvolution,
    Unflatten,
)
from cutaway.errors import UsageError
from cutaway.studio.tensors import plain
from cutaway.studio.wire import Message

CHANNELS = 16
"""Channels whose products are sent, those of the largest sums first."""
TERMS = 12
"""Products of a sum that are sent, the largest first."""
WEIGHTED = MeanPooling | AdaptiveMeanPooling | LinearUpsampling | NearestUpsampling | Sum | Mean
"""Operations that are linear in their input, with weights that are not learned."""


def made_of(
    node: Node, y: Tensor, x: Sequence[Tensor | None], batch: Sequence[Tensor | None], place: int
) -> Message:
    """What a number of a node's value comes from.

    Args:
        y: the value, of one image where it has a row for each.
        x: the node's inputs, likewise.
        batch: the inputs of all images.
        place: of the number in y, row by row.
    """
    if not y.numel():
        raise UsageError(f"{node.name} has no numbers: its batch has none of what it takes.")
    place = min(max(place, 0), y.numel() - 1)
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(place), y.shape))
    about = {"name": node.name, "value": plain(float(y[index])), "index": list(index)}
    operation: Any = node.operation
    if isinstance(operation, Convolution | TransposedConvolution) and y.ndim in (3, 4):
        return about | _convolved(operation, y, x, index)
    if isinstance(operation, Affine):
        return about | _affine(x, index)
    if isinstance(operation, WEIGHTED):
        return about | _weighted(operation, y, x, index)
    if isinstance(operation, BatchNormalisation):
        return about | _of_channel(operation, x, batch, index)
    if isinstance(operation, LayerNormalisation):
        return about | _of_example(operation, x, index)
    if isinstance(operation, MaxPooling) and y.ndim in (3, 4):
        return about | _window(operation, x, index)
    return about | _elementwise(node, y, x, index)


def _convolved(
    operation: Any, y: Tensor, x: Sequence[Tensor | None], index: tuple[int, ...]
) -> Message:
    """Patch times kernel, channel by channel, and the bias."""
    z, u, bias = x[0], x[1], x[2] if len(x) > 2 else None
    assert z is not None
    assert u is not None
    if isinstance(operation, Convolution):
        patch, kernel = operation.terms(z, u, index)
    else:
        patch, kernel = _laid(operation, y, z, u, index)
    if patch.ndim == 2:  # one axis: a row
        patch, kernel = patch[:, None], kernel[:, None]
    sums = (patch * kernel).flatten(1).sum(1)
    first = sums.abs().argsort(descending=True)[:CHANNELS]
    return {
        "how": "convolved",
        "channels": [
            {"channel": int(c), "sum": plain(sums[c].item()), "patch": _grid(patch[c]),
             "kernel": _grid(kernel[c]), "product": _grid(patch[c] * kernel[c])} for c in first
        ],
        "others": len(sums) - len(first),
        "rest": plain((sums.sum() - sums[first].sum()).item()),
        "bias": None if bias is None else plain(bias[index[1]].item()),
    }  # fmt: skip


def _laid(
    operation: TransposedConvolution, y: Tensor, z: Tensor, u: Tensor, index: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """What of z reaches one number of a transposed convolution, and by which weights."""
    weights = _share(operation, y, index, z, u)[index[0]]
    used = weights.abs().sum(0).nonzero()
    if not len(used):
        return weights[:, :1, :1] * 0, weights[:, :1, :1]
    ends = zip(used.amin(0).tolist(), used.amax(0).tolist(), strict=True)
    box: Any = (slice(None), *(slice(a, b + 1) for a, b in ends))
    return z[index[0]][box], weights[box]


def _share(operation: Any, y: Tensor, index: tuple[int, ...], *x: Tensor) -> Tensor:
    """By which weights the first input makes a number that is linear in it: its gradient."""
    g = torch.zeros_like(y)
    g[index] = 1
    sent: Any = operation.backward(g, y, *x)[0]
    weights: Tensor = sent() if callable(sent) else sent
    return weights


def _weighted(
    operation: Any, y: Tensor, x: Sequence[Tensor | None], index: tuple[int, ...]
) -> Message:
    """The numbers that are added, each with the weight that it has."""
    assert x[0] is not None
    weights = _share(operation, y, index, x[0])
    used = weights.nonzero()
    numbers, weights = (v[tuple(used.T)] for v in (x[0], weights))
    return _products(numbers, weights, [", ".join(map(str, one[1:])) for one in used.tolist()])


def _of_channel(
    operation: BatchNormalisation, x: Sequence[Tensor | None], batch: Sequence[Tensor | None],
    index: tuple[int, ...],
) -> Message:  # fmt: skip
    """What batch normalisation makes of a number of a channel."""
    z, a, b, *kept = (*batch, None, None, None, None)[:5]
    assert z is not None
    assert x[0] is not None
    mean, var = operation.statistics(z, *kept)
    learns = operation.training or kept[0] is None
    over = "the channel over all images shown" if learns else "the channel, kept while it learned"
    of_channel = [None if v is None else v[index[1]].item() for v in (a, b)]
    spread = (var[index[1]] + operation.eps).sqrt().item()
    return _normalised(x[0][index].item(), mean[index[1]].item(), spread, of_channel, over)


def _of_example(
    operation: LayerNormalisation, x: Sequence[Tensor | None], index: tuple[int, ...]
) -> Message:
    """What layer normalisation makes of a number of an example."""
    z, a, b = (*x, None, None)[:3]
    assert z is not None
    mean = z.mean(operation.axes, keepdim=True).expand_as(z)[index].item()
    var = z.var(operation.axes, correction=0, keepdim=True).expand_as(z)[index]
    there = [None if v is None else v.expand_as(z)[index].item() for v in (a, b)]
    spread = (var + operation.eps).sqrt().item()
    return _normalised(z[index].item(), mean, spread, there, "the example's last axes")


def _normalised(
    number: float, mean: float, spread: float, learned: Sequence[float | None], over: str
) -> Message:
    scale, shift = (None if one is None else plain(one) for one in learned)
    return {
        "how": "normalised", "number": plain(number), "mean": plain(mean),
        "spread": plain(spread), "scale": scale, "shift": shift, "over": over,
    }  # fmt: skip


def _affine(x: Sequence[Tensor | None], index: tuple[int, ...]) -> Message:
    """The largest products of a unit."""
    z, u, bias = x[0], x[1], x[2] if len(x) > 2 else None
    assert z is not None
    assert u is not None
    unit, row = index[-1], z[index[:-1]]
    names = [str(i) for i in range(len(row))]
    return _products(row, u[unit], names, None if bias is None else bias[unit].item())


def _products(
    numbers: Tensor, weights: Tensor, names: Sequence[str], bias: float | None = None
) -> Message:
    products = numbers * weights
    first = products.abs().argsort(descending=True, stable=True)[:TERMS]
    return {
        "how": "products",
        "terms": [
            {"from": names[i], "input": plain(numbers[i].item()),
             "weight": plain(weights[i].item()), "product": plain(products[i].item())}
            for i in first.tolist()
        ],
        "others": len(products) - len(first),
        "rest": plain((products.sum() - products[first].sum()).item()),
        "bias": None if bias is None else plain(bias),
    }  # fmt: skip


def _window(operation: MaxPooling, x: Sequence[Tensor | None], index: tuple[int, ...]) -> Message:
    """The window whose largest number it is."""
    assert x[0] is not None
    window = operation.window(x[0], index)
    return {
        "how": "window", "window": _grid(window if window.ndim == 2 else window[None]),
        "largest": int(window.argmax()),
    }  # fmt: skip


def _elementwise(
    node: Node, y: Tensor, x: Sequence[Tensor | None], index: tuple[int, ...]
) -> Message:
    """The numbers at the same place, where the inputs have one there."""
    given = []
    for name, value in zip(node.inputs, x, strict=True):
        if value is None:
            continue
        try:
            again = isinstance(node.operation, (Flatten, Reshape, Unflatten))
            there = value.reshape(y.shape) if again else value.expand(y.shape)
        except RuntimeError:
            return {"how": "other"}
        given.append({"name": name, "value": plain(float(there[index]))})
    return {"how": "same place" if given else "other", "given": given}


def _grid(x: Tensor) -> list[list[float | None]]:
    return [[plain(number) for number in row] for row in x.tolist()]
