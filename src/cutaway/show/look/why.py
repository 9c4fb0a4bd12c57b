"""Why these answers: which pixels they come from, and which training images are nearest."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from cutaway.errors import CutawayError
from cutaway.figures import Images
from cutaway.lab.evidence import Table
from cutaway.learn.stats import student
from cutaway.see.attribution import attention, grad_cam, integrated_gradients, occlusion, saliency
from cutaway.see.foreground import foreground
from cutaway.show.look.specimen import Specimen
from cutaway.show.look.view import View, parts, rows_of
from cutaway.show.ramp import over
from cutaway.show.words import percent

SHOWN = 6
MASKED, FEW, LEAST = 64, 4, 48
"""Examples of which the thing in front is sought, how many it must be found in, smallest side."""
PATCHES = 5
"""A square of occlusion is about so many to a side."""


def view(specimen: Specimen) -> View:
    specimen.classifying()
    specimen.picturing()
    shown = specimen.shown.some(SHOWN)
    answer = specimen.output[: len(shown)].argmax(1)
    maps = dict(_maps(specimen, shown.x, answer))
    rows = [
        [(_said(specimen, i), shown.pictures[i])]
        + [(name, over(shown.pictures[i : i + 1], m[i : i + 1])[0]) for name, m in maps.items()]
        for i in range(len(shown))
    ]
    said = (
        "Each row is one example and the pixels that its predicted class depends on, dark to "
        "bright. Saliency: how steeply the score changes with each pixel. Integrated gradients: "
        "they add up to the score minus that of an empty image. Occlusion: how far the score "
        "falls when a square is covered."
    )
    cam = (
        f" Grad-CAM: where {specimen.with_places} supports the class." if "Grad-CAM" in maps else ""
    )
    figure = rows_of("Attribution", rows)
    items, lost = parts(
        {
            "Attribution outside the foreground is": partial(_thing, specimen),
            "The nearest training images are": partial(_nearest, specimen),
        }
    )
    return View("Why this prediction", (said + cam, *lost), (figure, *items))


def _maps(
    specimen: Specimen, x: Float[Tensor, "n c h w"], t: Int[Tensor, "n"]
) -> Iterator[tuple[str, Float[Tensor, "n h w"]]]:
    model, patch = specimen.model, max(1, min(x.shape[2:]) // PATCHES)
    yield "saliency", saliency(model, x, t)
    yield "integrated gradients", integrated_gradients(model, x, t).abs().sum(1)
    with suppress(CutawayError):  # no layer with places, or none that can be seen
        yield "Grad-CAM", grad_cam(model, x, t, specimen.with_places)
    yield "occlusion", occlusion(model, x, t, patch, max(1, patch // 2)).clamp(min=0)


def _said(specimen: Specimen, i: int) -> str:
    """What the example is, and what was answered."""
    p, k = specimen.output[i].softmax(0).max(0)
    answer = f"{specimen.classes[int(k)]}, {percent(p.item(), 0)}"
    if i >= len(specimen.shown.t) or int(specimen.shown.t[i]) < 0:
        return answer
    truth = specimen.classes[int(specimen.shown.t[i])]
    return answer if truth == specimen.classes[int(k)] else f"{answer}; true: {truth}"


def _thing(specimen: Specimen) -> Iterator[Table | Images]:
    """The share of attribution outside what stands in front, where that can be found."""
    held = specimen.few(MASKED)
    if min(held.x.shape[2:]) < LEAST:
        return
    pixels = (255 * held.pictures).round().to(torch.uint8)
    masks = torch.stack([foreground(one) for one in pixels])
    sure = masks.flatten(1).any(1)
    if int(sure.sum()) < FEW:
        return
    x, patch = held.x[sure], max(1, min(held.x.shape[2:]) // PATCHES)
    found = attention(
        specimen.model, x, specimen.answered(x).argmax(1), masks[sure].to(x.device),
        specimen.with_places, patch=patch,
    )  # fmt: skip
    yield Table(
        f"Attribution outside the foreground, of {len(x)} of {len(held)} {specimen.source}",
        ("way", "outside (%)", "from", "to", "area outside (%)", "a pixel outside / mean pixel"),
        tuple(
            (way, *_per_cent(one.outside), _per_cent(one.area)[0], _mean(one.density))
            for way, one in found.items()
        ),
    )
    cut = [
        (held.names[i].rsplit("/", 1)[-1], _cut(pixels[i], masks[i]))
        for i in sure.nonzero()[:6, 0].tolist()
    ]
    yield rows_of("What was taken for the foreground", [cut])


def _cut(pixels: UInt8[Tensor, "h w c"], mask: Bool[Tensor, "h w"]) -> Float[Tensor, "h w c"]:
    """The surroundings made pale."""
    x = pixels / 255
    return torch.where(mask[..., None], x, 0.25 * x + 0.75)


def _per_cent(shares: Float[Tensor, "n"]) -> tuple[float, float, float]:
    """The mean and its 95 % interval over images."""
    found = student(100 * shares[shares.isfinite()].double().cpu().numpy())
    return round(found.value, 1), round(found.low, 1), round(found.high, 1)


def _mean(values: Float[Tensor, "n"]) -> float:
    return round(values[values.isfinite()].mean().item(), 2)


def _nearest(specimen: Specimen) -> Iterator[Images]:
    """Training images whose features are most like those of the shown ones."""
    from cutaway.see.maps import nearest

    learned = specimen.learned
    if learned is None:
        return
    shown = specimen.shown.some(3)
    found = nearest(specimen.model, shown.x, specimen.batches(learned.x), specimen.hidden, 6)
    own, theirs = shown.pictures, learned.pictures
    rows = [
        [(_said(specimen, i), own[i])]
        + [(specimen.classes[int(learned.t[j])], theirs[j]) for j in found.examples[i].tolist()]
        for i in range(len(shown))
    ]
    yield rows_of(
        f"Nearest of {len(learned):,} training images",
        rows,
        f"By the features of {specimen.hidden}: images that the network represents alike.",
    )
