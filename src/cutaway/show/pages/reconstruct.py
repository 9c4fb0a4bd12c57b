"""Output = input: the reconstructions, their errors, and the codes."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.learn.tasks.reconstruct import psnr
from cutaway.show import errors, measures
from cutaway.show.codes import code_map
from cutaway.show.pages.base import Outcome, Page, Section, Subject, Tile, build_page, tiles
from cutaway.show.pictures import Picture, Signal, flat, sheet, signal
from cutaway.show.words import plural

AGAIN = Section("again", "Reconstructions")
CODES = Section("codes", "Codes")
ERRORS = Section("errors", "Errors")
COLUMNS, SIGNALS, MOST = 8, 12, 10_000


@dataclass(frozen=True)
class Pair:
    """A signal below its reconstruction, and the squared error."""

    name: str
    drawing: Signal
    error: float


def page(subject: Subject) -> Page:
    sections = (AGAIN, CODES, ERRORS)
    return build_page(subject, outcome(subject), sections, **content(subject, "mean squared error"))


def outcome(subject: Subject) -> Outcome:
    values, noun, n = subject.measures, subject.noun, len(subject.result)
    error = values["loss"]
    wide = subject.tensors["codes"].shape[1]
    size = subject.run.data.channels * math.prod(subject.run.data.size)
    lead = [
        f"Each {noun} of {plural(size, 'value')} went through a code of {plural(wide, 'number')} "
        "and back. Its values of 0 to 1 are reconstructed with a mean squared error of "
        f"{error:.4g}, that is a root mean squared error of {math.sqrt(error):.2g}."
    ]
    if subject.images is not None and (plain := baseline(subject, subject.images)):
        lead.append(f"Always giving the mean training {noun} would get {psnr(plain):.2f} dB.")
    notes = {
        "psnr": "10 log₁₀(1 / mean squared error)",
        "loss": "mean squared error of values of 0 to 1",
    }
    code = Tile("Code", f"{wide:,}", f"numbers for the {noun}'s {size:,}")
    caption = f"peak signal-to-noise ratio on {plural(n, 'test ' + noun)}"
    figure = measures.text("psnr", values["psnr"])
    return Outcome(figure, caption, lead, (*tiles(values, notes), code))


def baseline(subject: Subject, images: ImageSet) -> float:
    """Mean squared error of answering with the mean training example."""
    split = subject.run.split
    mean = _pixels(images, split.train).mean(0)
    return (_pixels(images, split.test) - mean).square().mean().item()


def _pixels(images: ImageSet, index: Tensor) -> Tensor:
    """The values, 0 to 1, of at most `MOST` examples in even steps."""
    chosen = index[:: max(1, len(index) // MOST)]
    return images.images[chosen].flatten(1).float() / 255


def content(subject: Subject, unit: str) -> dict[str, Any]:
    """The values of the sections on reconstructions, codes and errors."""
    tensors = subject.tensors
    each, targets, codes = tensors["errors"], tensors["targets"], tensors["codes"]
    worst = int(each.argmax())
    return {
        "unit": unit,
        "again": reconstructions(tensors["originals"], tensors["reconstructions"]),
        "pairs_shown": len(tensors["originals"]),
        "signals": signals(subject),
        "code_width": codes.shape[1],
        "code_map": code_map(codes, targets[: len(codes)], subject.classes),
        "error_rows": errors.by_class(each, targets, subject.classes),
        "error_figure": errors.histogram(each, unit, subject.noun),
        "hardest": (subject.name(int(tensors["index"][worst])), each[worst].item()),
    }


def reconstructions(originals: Tensor, outputs: Tensor) -> Picture | None:
    """Rows of originals, each above the row of its reconstructions; None for signals."""
    if originals.ndim < 4:
        return None
    originals, outputs = flat(originals), flat(outputs)
    count = len(originals) // COLUMNS * COLUMNS or len(originals)
    rows = zip(originals[:count].split(COLUMNS), outputs[:count].split(COLUMNS), strict=True)
    return sheet(torch.cat([both for row in rows for both in row]), min(COLUMNS, count), apart=2)


def signals(subject: Subject) -> list[Pair]:
    """Signals with their reconstructions drawn over them; none for pictures."""
    tensors = subject.tensors
    if tensors["originals"].ndim != 3:
        return []
    columns = (tensors[name] for name in ("index", "originals", "reconstructions", "errors"))
    rows = zip(*columns, strict=False)
    return [
        Pair(subject.name(int(at)), signal(x, y), error.item())
        for at, x, y, error in list(rows)[:SIGNALS]
    ]
