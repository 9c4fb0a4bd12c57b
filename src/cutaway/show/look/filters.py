"""Weights as pictures: what each unit multiplies its inputs by."""

from collections.abc import Iterator
from contextlib import suppress

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.errors import UsageError
from cutaway.lab.figures import Curves, Images, line
from cutaway.see.filters import filters
from cutaway.see.layers import layers
from cutaway.show.look.specimen import CannotShow, Specimen
from cutaway.show.look.view import View, in_rows, rows_of
from cutaway.show.words import plural

UNITS, COLUMNS, DEEP, INPUTS = 64, 16, 8, 12
SIDE = 48
"""Pixels that a filter is drawn with, at least."""


def view(specimen: Specimen) -> View:
    weighted = _weighted(specimen)
    items: tuple[Images | Curves, ...] = (*_pictures(specimen, weighted), _sizes(weighted))
    said = (
        f"{plural(len(weighted), 'layer')} with weights. In the pictures grey is zero, and the "
        "largest weight of a unit is black or white; filters of a colour picture are in colour.",
    )
    return View("Filters", said, items)


def _weighted(specimen: Specimen) -> dict[str, Tensor]:
    wanted = [specimen.layer] if specimen.layer else []
    weights = {
        name: getattr(one, "weight", None) for name, one in layers(specimen.model, wanted).items()
    }
    found = {name: w for name, w in weights.items() if isinstance(w, Tensor) and w.ndim > 1}
    if not found:
        where = specimen.layer or "This network"
        raise CannotShow(f"{where} has no weights between units: name a layer that has.")
    return found


def _pictures(specimen: Specimen, weighted: dict[str, Tensor]) -> Iterator[Images]:
    """The first layer, and the last convolution's filters for each of their inputs."""
    shape = tuple(specimen.shown.x.shape[1:])
    names = list(weighted)
    with suppress(UsageError):  # its inputs may not be those of a picture
        yield _first(names[0], filters(weighted[names[0]], shape, UNITS))
    deep = [n for n in names[1:] if weighted[n].ndim in (3, 4) and weighted[n].shape[-1] > 1]
    if deep:
        yield _deep(deep[-1], filters(weighted[deep[-1]], (), max(DEEP, INPUTS)))


def _first(name: str, found: Float[Tensor, "units parts c h w"]) -> Images:
    if found.shape[1] == 1:
        tiles = [(f"{i}", _large(one[0])) for i, one in enumerate(found)]
        return rows_of(f"Filters of {name}", in_rows(tiles, COLUMNS))
    return _deep(name, found)


def _deep(name: str, found: Float[Tensor, "units parts c h w"]) -> Images:
    """A row for each unit, a picture for each of its inputs."""
    rows = [
        [(f"unit {i}" if not j else "", _large(part)) for j, part in enumerate(unit[:INPUTS])]
        for i, unit in enumerate(found[:DEEP])
    ]
    caption = f"The first {len(rows)} units, for each of their first {len(rows[0])} inputs."
    return rows_of(f"Filters of {name}", rows, caption)


def _large(x: Float[Tensor, "c h w"]) -> Float[Tensor, "h2 w2 c"]:
    times = -(-SIDE // max(x.shape[1:]))
    return x.repeat_interleave(times, 1).repeat_interleave(times, 2).movedim(0, -1)


def _sizes(weighted: dict[str, Tensor]) -> Curves:
    """How large weights are, layer by layer."""
    w = [one.detach().float().abs().flatten().cpu() for one in weighted.values()]
    depth = range(1, len(w) + 1)
    shares = torch.tensor([[x.median(), x.square().mean().sqrt(), x.max()] for x in w]).T
    names = ("middle size", "root of the mean square", "largest")
    return Curves(
        "Sizes of the weights",
        "layer",
        "size",
        tuple(line(n, depth, of, dots=len(w) == 1) for n, of in zip(names, shares, strict=True)),
        y_log=True,
        caption=f"From {next(iter(weighted))} to {list(weighted)[-1]}.",
    )
