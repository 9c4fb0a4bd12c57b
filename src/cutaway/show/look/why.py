"""Attribution of predictions to pixels, and the nearest training images."""

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
    specimen.require_classes()
    specimen.require_pictures()
    shown = specimen.shown.some(SHOWN)
    answer = specimen.output[: len(shown)].argmax(1)
    maps = dict(_maps(specimen, shown.x, answer))
    rows = [
        [(_label(specimen, i), shown.pictures[i])]
        + [(name, over(shown.pictures[i : i + 1], m[i : i + 1])[0]) for name, m in maps.items()]
        for i in range(len(shown))
    ]
    text = (
        "Each row is one example and the pixels that its predicted class depends on, dark to "
        "bright. Saliency: how steeply the score changes with each pixel. Integrated gradients: "
        "they add up to the score minus that of an empty image. Occlusion: how far the score "
        "falls when a square is covered."
    )
    cam = (
        f" Grad-CAM: where {specimen.spatial_layer} supports the class."
        if "Grad-CAM" in maps
        else ""
    )
    figure = rows_of("Attribution", rows)
    items, lost = parts(
        {
            "Attribution outside the foreground is": partial(_outside_foreground, specimen),
            "The nearest training images are": partial(_nearest_training_images, specimen),
        }
    )
    return View("Why this prediction", (text + cam, *lost), (figure, *items))


def _maps(
    specimen: Specimen, x: Float[Tensor, "n c h w"], t: Int[Tensor, "n"]
) -> Iterator[tuple[str, Float[Tensor, "n h w"]]]:
    model, patch = specimen.model, max(1, min(x.shape[2:]) // PATCHES)
    yield "saliency", saliency(model, x, t)
    yield "integrated gradients", integrated_gradients(model, x, t).abs().sum(1)
    with suppress(CutawayError):  # no layer with places, or none that can be seen
        yield "Grad-CAM", grad_cam(model, x, t, specimen.spatial_layer)
    yield "occlusion", occlusion(model, x, t, patch, max(1, patch // 2)).clamp(min=0)


def _label(specimen: Specimen, i: int) -> str:
    """The prediction with its probability, and the true class where that is another."""
    p, k = specimen.probabilities(specimen.output[i : i + 1])[0].max(0)
    answer = f"{specimen.classes[int(k)]}, {percent(p.item(), 0)}"
    if i >= len(specimen.shown.t) or int(specimen.shown.t[i]) < 0:
        return answer
    truth = specimen.classes[int(specimen.shown.t[i])]
    return answer if truth == specimen.classes[int(k)] else f"{answer}; true: {truth}"


def _outside_foreground(specimen: Specimen) -> Iterator[Table | Images]:
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
    attributions = attention(
        specimen.model, x, specimen.predict(x).argmax(1), masks[sure].to(x.device),
        specimen.spatial_layer, patch=patch,
    )  # fmt: skip
    yield Table(
        f"Attribution outside the foreground, of {len(x)} of {len(held)} {specimen.source}",
        ("way", "outside (%)", "from", "to", "area outside (%)", "a pixel outside / mean pixel"),
        tuple(
            (
                way,
                *_percent_interval(one.outside),
                _percent_interval(one.area)[0],
                _mean(one.density),
            )
            for way, one in attributions.items()
        ),
    )
    cut = [
        (held.names[i].rsplit("/", 1)[-1], _fade_background(pixels[i], masks[i]))
        for i in sure.nonzero()[:6, 0].tolist()
    ]
    yield rows_of("What was taken for the foreground", [cut])


def _fade_background(
    pixels: UInt8[Tensor, "h w c"], mask: Bool[Tensor, "h w"]
) -> Float[Tensor, "h w c"]:
    """The picture with its background made pale."""
    x = pixels / 255
    return torch.where(mask[..., None], x, 0.25 * x + 0.75)


def _percent_interval(shares: Float[Tensor, "n"]) -> tuple[float, float, float]:
    """The mean and its 95 % interval over images."""
    estimate = student(100 * shares[shares.isfinite()].double().cpu().numpy())
    return round(estimate.value, 1), round(estimate.low, 1), round(estimate.high, 1)


def _mean(values: Float[Tensor, "n"]) -> float:
    return round(values[values.isfinite()].mean().item(), 2)


def _nearest_training_images(specimen: Specimen) -> Iterator[Images]:
    """Training images whose features are most like those of the shown ones."""
    from cutaway.see.maps import nearest

    learned = specimen.learned
    if learned is None:
        return
    shown = specimen.shown.some(3)
    neighbours = nearest(
        specimen.model, shown.x, specimen.batches(learned.x), specimen.hidden_layer, 6
    )
    own, theirs = shown.pictures, learned.pictures
    rows = [
        [(_label(specimen, i), own[i])]
        + [
            (specimen.classes[int(learned.t[j])], theirs[j])
            for j in neighbours.examples[i].tolist()
        ]
        for i in range(len(shown))
    ]
    yield rows_of(
        f"Nearest of {len(learned):,} training images",
        rows,
        f"By the features of {specimen.hidden_layer}: images that the network represents alike.",
    )
