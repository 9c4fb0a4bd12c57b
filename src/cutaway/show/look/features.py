"""Features: maps, patches that activate units, receptive fields, a map of the last layer's."""

from collections.abc import Iterator
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.figures import Axis, Curves, Images, line
from cutaway.lab.evidence import Table
from cutaway.randomness import generator
from cutaway.see.features import effective_field, excite, field_of, patch, strongest
from cutaway.see.filters import feature_maps
from cutaway.see.follow import Field
from cutaway.see.maps import embedding, tsne
from cutaway.see.receptive import receptive_fields
from cutaway.show.look.specimen import Specimen
from cutaway.show.look.view import View, in_rows, parts, rows_of
from cutaway.show.ramp import coloured
from cutaway.show.words import plural

UNITS, PATCHES, MAPS = 8, 7, 12
SIDE = 48
"""Pixels that a patch is shown with."""
POINTS, NEIGHBOURS, HUES = 500, 30, 10
STEPS, FEWER = 96, 24
"""Steps of optimising an image, and where images have more numbers than `LARGE`."""
LARGE = 1 << 14


def view(specimen: Specimen) -> View:
    specimen.require_pictures()
    layer = specimen.spatial_layer
    text = (
        f"The layer is {layer}, {plural(specimen.width, 'unit')}; choose another with --layer "
        "(layer=). First feature maps: where each unit is active in one example. Then the image "
        "patches that activate units most, a row for each unit, and at its end an image "
        "optimised to activate it.",
    )
    items, lost = parts(
        {
            "Feature maps are": partial(_feature_maps, specimen, layer),
            "Patches that activate units most are": partial(_top_patches, specimen, layer),
            "The effective receptive field is": partial(_effective_field, specimen, layer),
            "Map of the features is": partial(_embedding, specimen),
            "Receptive fields are": partial(_receptive_fields, specimen),
        }
    )
    return View("Features", (*text, *lost), items)


def _feature_maps(specimen: Specimen, layer: str) -> Iterator[Images]:
    """The strongest maps of one example."""
    strong = feature_maps(specimen.model, specimen.shown.x[0], layer, MAPS, strongest=True)
    tiles = [("the example", specimen.shown.pictures[0].cpu())]
    tiles += [
        (f"unit {unit}", _enlarged(_shades(one.float().cpu()), tiles[0][1].shape[:2]))
        for unit, one in zip(strong.units.tolist(), strong.maps, strict=True)
    ]
    caption = "Dark: low, bright: high, each map on a scale of its own."
    yield rows_of("Feature maps of one example", in_rows(tiles, 7), caption)


def _shades(y: Float[Tensor, "h w"]) -> Float[Tensor, "h w 3"]:
    low, high = y.min(), y.max()
    return coloured((y - low) / (high - low).clamp(min=1e-9)) / 255


def _enlarged(x: Float[Tensor, "h w c"], sides: tuple[int, ...]) -> Float[Tensor, "h2 w2 c"]:
    """A picture resized pixel by pixel."""
    return F.interpolate(x.movedim(-1, 0)[None], tuple(sides), mode="nearest")[0].movedim(0, -1)


def _top_patches(specimen: Specimen, layer: str) -> Iterator[Images]:
    """Rows of patches for the most active units, each with an image optimised to activate it."""
    held = specimen.held
    top = strongest(specimen.model, specimen.batches(held.x), layer, PATCHES)
    field = _field_of(specimen, layer)
    units = top.values[:, 0].argsort(descending=True)[:UNITS].sort().values.tolist()
    start, rows = _initial_noise(held.x[:1]), []
    steps = STEPS if start.numel() <= LARGE else FEWER
    for unit in units:
        row = []
        for k in range(top.examples.shape[1]):
            i, place = int(top.examples[unit, k]), top.places[unit, k].tolist()
            part = held.as_pictures(patch(held.x[i], field, place)[None])[0]
            row.append((f"unit {unit}" if not k else "", _enlarged(part, (SIDE, SIDE))))
        optimised = excite(specimen.model, start, layer, unit, steps=steps)
        row.append(("made", _enlarged(held.as_pictures(optimised[None])[0], (SIDE, SIDE))))
        rows.append(row)
    caption = f"Of {len(held):,} examples: the receptive field where each unit is most active."
    yield rows_of("Patches that activate units most", rows, caption)


def _initial_noise(x: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c h w"]:
    """The start of optimisation; not an empty image, where a ReLU that is zero has no slope."""
    return torch.randn(x.shape, generator=generator(0, "excite")).to(x)


def _field_of(specimen: Specimen, layer: str) -> Field | None:
    """The layer's receptive field; None too where the network cannot be followed."""
    try:
        return field_of(specimen.model, specimen.shown.x[:1], layer)
    except UsageError:
        return None  # whole images are shown


def _receptive_fields(specimen: Specimen) -> Iterator[Table]:
    fields = receptive_fields(specimen.model, specimen.shown.x[:1])
    rows = [
        (name, " × ".join(str(span.size) for span in field), float(field[0].jump))
        for name, field in fields.items()
        if field
    ]
    last, shown = "", []
    for name, size, jump in rows:
        if size != last:
            shown.append((name, size, jump))
        last = size
    yield Table(
        "Receptive fields, where they grow (pixels)", ("layer", "field", "step"), tuple(shown)
    )


def _effective_field(specimen: Specimen, layer: str) -> Iterator[Images]:
    """The gradient of the unit in the middle by each pixel."""
    reach = effective_field(specimen.model, specimen.few(64).x, layer).cpu().float()
    title = "Effective receptive field of the unit in the middle"
    tile = _enlarged(coloured(reach.sqrt()) / 255, _large(reach))
    yield rows_of(
        title,
        [[(layer, tile)]],
        "How much each pixel changes the unit: mean over examples, square root, 0 dark.",
    )


def _large(x: Tensor) -> tuple[int, int]:
    times = max(1, 160 // max(x.shape[:2]))
    return x.shape[0] * times, x.shape[1] * times


def _embedding(specimen: Specimen) -> Iterator[Curves]:
    """A map of the last hidden layer's features, by class."""
    held = specimen.held.some(POINTS)
    if not (len(held.t) and specimen.classes and len(held) > 3 * NEIGHBOURS):
        return
    layer = specimen.hidden_layer
    at = tsne(embedding(specimen.model, specimen.batches(held.x), layer), perplexity=NEIGHBOURS)
    t = held.t.cpu()
    commonest = t.bincount().argsort(descending=True, stable=True)[:HUES].sort().values.tolist()
    series = [line(specimen.classes[k], at[t == k, 0], at[t == k, 1], dots=True) for k in commonest]
    rest = "" if len(specimen.classes) <= HUES else f" The {HUES} commonest classes are shown."
    yield Curves(
        "Map of the features", Axis(""), Axis(""), tuple(series),
        caption=f"t-SNE of {len(held)} examples' features in {layer}: neighbours stay neighbours, "
        f"but distances mean little.{rest}",
    )  # fmt: skip
