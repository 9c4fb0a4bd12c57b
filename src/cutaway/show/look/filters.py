"""Weights as pictures, and their sizes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.figures import Axis, Curves, Images, line
from cutaway.see.filters import filters
from cutaway.see.layers import layers
from cutaway.show.look.specimen import CannotShow, Specimen
from cutaway.show.look.view import View, in_rows, rows_of
from cutaway.show.words import plural

UNITS, COLUMNS, DEEP, INPUTS = 64, 16, 8, 12
SIDE = 48
"""Pixels that a filter is drawn with, at least."""


@dataclass(frozen=True)
class Weights:
    """A tensor of weights.

    Attributes:
        of: the layer whose `weight` it is, or itself.
    """

    w: Tensor
    of: nn.Module | Tensor

    @property
    def layered(self) -> bool:
        """Whether a layer holds it, or it has the shape of a convolution called as a function."""
        return isinstance(self.of, nn.Module) or self.w.ndim == 4

    @property
    def convolving(self) -> bool:
        signals = isinstance(self.of, nn.Conv1d | nn.ConvTranspose1d)
        return self.w.shape[-1] > 1 and (signals or self.w.ndim == 4)


def view(specimen: Specimen) -> View:
    weighted = _weight_tensors(specimen)
    items: tuple[Images | Curves, ...] = (*_pictures(specimen, weighted), _weight_sizes(weighted))
    text = (
        f"{plural(len(weighted), 'tensor')} of weights between units. In the pictures "
        "grey is zero, and the largest weight of a unit is black or white; filters of a colour "
        "picture are in colour.",
    )
    return View("Filters", text, items)


def _weight_tensors(specimen: Specimen) -> dict[str, Weights]:
    """Weights of modules, in order of creation, and a module's own besides its `weight`."""
    weighted: dict[str, Weights] = {}
    for name, one in layers(specimen.model, ["*"]).items():
        within = not specimen.layer or f"{name}.".startswith(f"{specimen.layer}.")
        if not within or ".parametrizations" in f".{name}":  # what a layer's weight is made of
            continue
        own = dict(one.named_parameters(recurse=False))
        weight = own.pop("weight", None) if "weight" in own else getattr(one, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim > 1:
            weighted[name] = Weights(weight, one)
        at = "" if one is specimen.model else f"{name}."
        weighted |= {f"{at}{n}": Weights(p, p) for n, p in own.items() if p.ndim > 1}
    if not weighted:
        where = specimen.layer or "This network"
        raise CannotShow(f"{where} has no weights between units: name a layer that has.")
    return weighted


def _pictures(specimen: Specimen, weighted: dict[str, Weights]) -> Iterator[Images]:
    """The first layer, and the last convolution's filters for each of their inputs."""
    shape = tuple(specimen.shown.x.shape[1:])
    layered = [(n, one) for n, one in weighted.items() if one.layered]
    for name, one in layered[:1]:
        with suppress(UsageError):  # its inputs may not be those of a picture
            yield _first_layer(name, filters(one.of, shape, UNITS))
    for name, one in [(n, one) for n, one in layered[1:] if one.convolving][-1:]:
        yield _deep_layer(name, filters(one.of, (), max(DEEP, INPUTS)))


def _first_layer(name: str, kernels: Float[Tensor, "units parts c h w"]) -> Images:
    if kernels.shape[1] == 1:
        tiles = [(f"{i}", _large(one[0])) for i, one in enumerate(kernels)]
        return rows_of(f"Filters of {name}", in_rows(tiles, COLUMNS))
    return _deep_layer(name, kernels)


def _deep_layer(name: str, kernels: Float[Tensor, "units parts c h w"]) -> Images:
    """A row for each unit, a picture for each of its inputs."""
    rows = [
        [(f"unit {i}" if not j else "", _large(part)) for j, part in enumerate(unit[:INPUTS])]
        for i, unit in enumerate(kernels[:DEEP])
    ]
    caption = f"The first {len(rows)} units, for each of their first {len(rows[0])} inputs."
    return rows_of(f"Filters of {name}", rows, caption)


def _large(x: Float[Tensor, "c h w"]) -> Float[Tensor, "h2 w2 c"]:
    times = -(-SIDE // max(x.shape[1:]))
    return x.repeat_interleave(times, 1).repeat_interleave(times, 2).movedim(0, -1)


def _weight_sizes(weighted: dict[str, Weights]) -> Curves:
    """The size of the weights, layer by layer."""
    w = [one.w.detach().float().abs().flatten().cpu() for one in weighted.values()]
    depth = range(1, len(w) + 1)
    shares = torch.tensor([[x.median(), x.square().mean().sqrt(), x.max()] for x in w]).T
    names = ("median size", "root mean square", "largest")
    return Curves(
        "Size of the weights",
        Axis("layer"),
        Axis("size", "log"),
        tuple(line(n, depth, of, dots=len(w) == 1) for n, of in zip(names, shares, strict=True)),
        caption=f"From {next(iter(weighted))} to {list(weighted)[-1]}.",
    )
