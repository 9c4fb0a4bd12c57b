"""One class a pixel: the agreement of the areas, by class and by image."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.imageset import ImageSet, scaled, scaled_masks
from cutaway.learn.image_grid import palette
from cutaway.learn.tasks.segment import Segmentation, coloured, intersection_over_union
from cutaway.show import scores, words
from cutaway.show.pages.base import Outcome, Page, Section, Subject, Tile, build_page
from cutaway.show.pictures import LARGEST, Picture, picture
from cutaway.show.words import percent, plural

SECTIONS = (Section("masks", "Masks"), Section("areas", "Classes"))
SHADE, WRONG = 0.35, (255, 120, 30)
"""How dark the right pixels of an overlay are, and the colour of the wrong ones."""


@dataclass(frozen=True)
class Shown:
    """One image with its masks; those that need the images are None without them."""

    name: str
    iou: float
    answer: Picture
    image: Picture | None = None
    truth: Picture | None = None
    wrong: Picture | None = None
    share: float = 0.0


@dataclass(frozen=True)
class Area:
    """A class with its IoU, None where it does not occur; `pixels` is its share of all pixels."""

    name: str
    colour: str
    pixels: float
    iou: float | None
    weak: bool


def page(subject: Subject) -> Page:
    result = subject.result
    assert isinstance(result, Segmentation)
    content: dict[str, Any] = {
        "result": result,
        "shown": shown(result, subject.images),
        "areas": areas(result),
        "pairs": scores.pairs(result),
    }
    return build_page(subject, outcome(subject, result), SECTIONS, **content)


def outcome(subject: Subject, result: Segmentation) -> Outcome:
    name, share, iou = baseline(result)
    places = words.digits_for(len(result))
    absent = [c for c, v in zip(result.classes, result.per_class, strict=True) if v is None]
    lead = (
        f"The mean intersection over union (IoU) of the {len(result.classes) - len(absent)} "
        f"classes is {percent(result.mean_iou)}: of the pixels that are of a class or predicted as "
        "it, the share that are both.",
        f"{percent(result.pixel_accuracy)} of all pixels got the right class. Predicting “{name}”, "
        f"the commonest class, everywhere would get {percent(share)} of the pixels right and a "
        f"mean IoU of {percent(iou)}.",
    )
    tiles = (
        Tile("Mean IoU", percent(result.mean_iou, places), "100 % where every area agrees"),
        Tile(
            "Pixel accuracy",
            percent(result.pixel_accuracy, places),
            "share of pixels predicted correctly",
        ),
        Tile("Loss", f"{result.loss:.4f}", "mean −ln p of the true class, nats a pixel"),
    )
    caption = f"mean IoU on {plural(len(result), 'test image')}"
    return Outcome(percent(result.mean_iou), caption, lead, tiles)


def baseline(result: Segmentation) -> tuple[str, float, float]:
    """The commonest class, and the share right and mean IoU of always answering it."""
    totals = result.confusion.sum(1)
    k = int(totals.argmax())
    always = torch.zeros_like(result.confusion)
    always[:, k] = totals
    values = [v for v in intersection_over_union(always) if v is not None]
    return result.classes[k], (totals[k] / totals.sum()).item(), sum(values) / len(values)


def areas(result: Segmentation) -> list[Area]:
    """A row a class; the weakest marked, not more than a fifth of them."""
    values = result.per_class
    tested = sorted(v for v in values if v is not None and v < 1)
    limit = tested[: max(1, len(values) // 5)]
    shares = (result.confusion.sum(1).double() / result.confusion.sum()).tolist()
    rows = zip(result.classes, colours(len(values)), shares, values, strict=True)
    return [Area(*row, weak=row[3] is not None and row[3] in limit) for row in rows]


def colours(classes: int) -> list[str]:
    """The masks' colours, as a style sheet writes them."""
    return ["rgb({},{},{})".format(*rgb) for rgb in palette(classes).tolist()]


def shown(result: Segmentation, images: ImageSet | None) -> list[Shown]:
    """The saved images with their masks, the worst first."""
    k = len(result.classes)
    rows = zip(result.shown.tolist(), result.masks, strict=True)
    return [_shown(result, row, mask, k, images) for row, mask in rows]


def _shown(result: Segmentation, row: int, mask: Tensor, k: int, images: ImageSet | None) -> Shown:
    at, iou = int(result.index[row]), result.iou[row].item()
    answer = _reduced(mask)
    if images is None or images.masks is None:
        return Shown(f"image {at}", iou, _mask(answer, k))
    truth = _reduced(images.masks[at])
    pixels = scaled(images.images[at : at + 1], tuple(truth.shape))[0]
    return Shown(
        images.names[at], iou, _mask(answer, k), picture(pixels), _mask(truth, k),
        picture(marked(pixels, truth != answer), crisp=LARGEST),
        (images.masks[at] != mask).double().mean().item(),
    )  # fmt: skip


def _reduced(mask: UInt8[Tensor, "h w"]) -> UInt8[Tensor, "h2 w2"]:
    """Reduce a mask to at most `LARGEST` pixels a side; no class is mixed with another."""
    h, w = mask.shape
    if max(h, w) <= LARGEST:
        return mask.byte()
    scale = LARGEST / max(h, w)
    return scaled_masks(mask[None].byte(), (round(h * scale), round(w * scale)))[0]


def _mask(mask: Tensor, k: int) -> Picture:
    return picture(coloured(mask[None], k)[0], crisp=LARGEST)


def marked(pixels: UInt8[Tensor, "h w c"], wrong: Tensor) -> UInt8[Tensor, "h w 3"]:
    """The image, dark, with its wrong pixels in a colour."""
    grey = (pixels[..., :3].float().mean(2, keepdim=True) * SHADE).byte().expand(-1, -1, 3)
    return torch.where(wrong[..., None], torch.tensor(WRONG, dtype=torch.uint8), grey)
