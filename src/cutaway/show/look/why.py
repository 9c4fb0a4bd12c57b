"""Why these answers: which pixels they come from, and which training images are nearest."""

from collections.abc import Iterator
from contextlib import suppress

from jaxtyping import Float, Int
from torch import Tensor

from cutaway.lab.figures import Images
from cutaway.see.why import grad_cam, integrated_gradients, occlusion, saliency
from cutaway.show.look.specimen import CannotShow, Specimen
from cutaway.show.look.view import View, rows_of
from cutaway.show.ramp import over
from cutaway.show.words import percent

SHOWN = 6
PATCHES = 5
"""A square of occlusion is about so many to a side."""


def view(specimen: Specimen) -> View:
    specimen.classifying("Why")
    shown = specimen.shown.some(SHOWN)
    if shown.x.ndim != 4:
        raise CannotShow("Attributions are drawn of pictures, and these examples are none.")
    answer = specimen.output[: len(shown)].argmax(1)
    maps = dict(_maps(specimen, shown.x, answer))
    rows = [
        [(_said(specimen, i), shown.pictures[i])]
        + [(name, over(shown.pictures[i : i + 1], m[i : i + 1])[0]) for name, m in maps.items()]
        for i in range(len(shown))
    ]
    said = (
        "Each row is one example and the pixels that its most probable class comes from, dark to "
        "bright. Saliency: how steeply the score changes. Integrated gradients: their sum is the "
        "whole score beyond that of an empty image. Occlusion: how far the score falls under a "
        "covered square."
    )
    cam = f" Grad-CAM: what {specimen.with_places} found for it." if "Grad-CAM" in maps else ""
    figure = rows_of("Where the answers come from", rows)
    return View("Why this answer", (said + cam,), (figure, *_nearest(specimen)))


def _maps(
    specimen: Specimen, x: Float[Tensor, "n c h w"], t: Int[Tensor, "n"]
) -> Iterator[tuple[str, Float[Tensor, "n h w"]]]:
    model, patch = specimen.model, max(1, min(x.shape[2:]) // PATCHES)
    yield "saliency", saliency(model, x, t)
    yield "integrated gradients", integrated_gradients(model, x, t).abs().sum(1)
    with suppress(CannotShow):
        yield "Grad-CAM", grad_cam(model, x, t, specimen.with_places)
    yield "occlusion", occlusion(model, x, t, patch, max(1, patch // 2)).clamp(min=0)


def _said(specimen: Specimen, i: int) -> str:
    """What the example is, and what was answered."""
    p, k = specimen.output[i].softmax(0).max(0)
    answer = f"{specimen.classes[int(k)]}, {percent(p.item(), 0)}"
    if i >= len(specimen.shown.t) or int(specimen.shown.t[i]) < 0:
        return answer
    truth = specimen.classes[int(specimen.shown.t[i])]
    return answer if truth == specimen.classes[int(k)] else f"{answer}; is {truth}"


def _nearest(specimen: Specimen) -> Iterator[Images]:
    """Training images whose features are most like those of the shown ones."""
    from cutaway.see.maps import nearest

    learned = specimen.learned
    if learned is None:
        return
    shown = specimen.shown.some(3)
    found = nearest(specimen.model, shown.x, learned.x.split(256), specimen.hidden, 6)
    own, theirs = shown.pictures, learned.pictures
    rows = [
        [(_said(specimen, i), own[i])]
        + [(specimen.classes[int(learned.t[j])], theirs[j]) for j in found.examples[i].tolist()]
        for i in range(len(shown))
    ]
    yield rows_of(
        f"Nearest of {len(learned):,} training images",
        rows,
        f"By the features of {specimen.hidden}: what the network takes for alike.",
    )
