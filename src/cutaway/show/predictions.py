"""The page of predictions: what was answered, and the images that are in doubt."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cutaway.data.label_sets import listed
from cutaway.figures import Axis, Bars, Part
from cutaway.files import write_whole
from cutaway.learn.answer_files import refuse_existing
from cutaway.learn.answers import Answered
from cutaway.learn.prediction import ClassPrediction, Prediction
from cutaway.show.pages.base import Section, Tile
from cutaway.show.pictures import Picture, picture
from cutaway.show.render import render
from cutaway.show.words import SPACE, percent, plural
from cutaway.version import __version__

SHOWN, NAMED, BARS = 240, 100, 24
"""Images on the page, broken files that it names, and classes that have a bar, at most."""
THUMBNAIL = 96
"""Sides of larger images are reduced to this many pixels, so that the page stays small."""
HALF = 0.5
"""The doubt from which an answer is called doubtful: less likely than all others together."""


@dataclass(frozen=True)
class Card:
    """One image: its picture, and what it predicts.

    Attributes:
        set: the classes that cover the true one, or none of them; empty where that was not asked.
    """

    name: str
    picture: Picture
    cells: dict[str, str]
    top: tuple[tuple[str, float], ...]
    unlike: bool = False
    set: str = ""


@contextmanager
def prediction_page(
    path: Path, run: str, overwrite: bool = False, coverage: float | None = None
) -> Iterator[Callable[[Answered], None]]:
    """A function that adds an answer to the page, which is written once all are there.

    Args:
        coverage: what was asked of the sets of classes, or of the intervals of numbers.

    Raises:
        UsageError: there is something at `path` already.
        RunError: it cannot be written.
    """
    refuse_existing(path, overwrite)
    gathered = Gathered()
    yield gathered.add
    page = render("predictions.html", content(gathered, run, coverage))
    write_whole(path, page.encode(errors="backslashreplace"))  # names of files may be no UTF-8


class Gathered:
    """What the page says of a stream of answers, in memory that does not grow with them.

    Attributes:
        classes: how often each was predicted.
        doubtful: answers with a doubt above `HALF`.
        unlike: images unlike all that the network learned from; `told`, whether that is known.
        broken: why images could not be read, of the first ones.
    """

    def __init__(self) -> None:
        self.answered = self.unreadable = self.doubtful = self.unlike = 0
        self.told = False
        self.classes = Counter[str]()
        self.broken: list[Prediction] = []
        self._order = count()
        self._shown: list[tuple[float, int, np.ndarray, Prediction]] = []

    def add(self, one: Answered) -> None:
        prediction = one.prediction
        if one.pixels is None:
            self.unreadable += 1
            self.broken += [prediction] if len(self.broken) < NAMED else []
            return
        self.answered += 1
        doubt = prediction.doubt or 0.0
        self.doubtful += doubt > HALF
        if isinstance(prediction, ClassPrediction):
            self.classes[prediction.label] += 1
        self.unlike += prediction.is_unlike
        self.told |= prediction.unlike is not None
        rank = doubt + prediction.is_unlike, -next(self._order)  # of equal ones the first
        if len(self._shown) < SHOWN:
            heapq.heappush(self._shown, (*rank, one.pixels.copy(), prediction))
        elif rank > self._shown[0][:2]:
            heapq.heapreplace(self._shown, (*rank, one.pixels.copy(), prediction))

    def shown(self) -> list[Card]:
        """The images in most doubt, that one first."""
        return [
            Card(
                prediction.name,
                picture(torch.from_numpy(pixels), THUMBNAIL),
                prediction.cells(),
                getattr(prediction, "top", ())[:3],
                prediction.is_unlike,
                _set(prediction),
            )
            for *_, pixels, prediction in sorted(self._shown, key=lambda one: one[:2], reverse=True)
        ]

    @property
    def judged(self) -> bool:
        """Whether the answers tell how sure they are."""
        return any(prediction.doubt is not None for *_, prediction in self._shown)


def _set(prediction: Prediction) -> str:
    found = getattr(prediction, "prediction_set", None)
    return "" if found is None else listed(found) or "none"


def content(gathered: Gathered, run: str, coverage: float | None = None) -> dict[str, Any]:
    """The values of the template."""
    cards = gathered.shown()
    kinds = [Section("classes", "Classes")] if gathered.classes else []
    broken = [Section("broken", "Unreadable")] if gathered.broken else []
    title = "In doubt" if gathered.judged else "Images"
    return {
        "run": run,
        "version": __version__,
        "sections": [Section("result", "Result"), *kinds, Section("images", title), *broken],
        "figure": f"{gathered.answered:,}",
        "caption": "image answered" if gathered.answered == 1 else "images answered",
        "tiles": [*_covered(gathered, coverage), *_tiles(gathered)],
        "bars": _bars(gathered.classes),
        "title": title,
        "lead": _lead(gathered, len(cards)),
        "promise": _promise(gathered, coverage),
        "cards": cards,
        "broken": gathered.broken,
        "unreadable": gathered.unreadable,
    }


def _covered(gathered: Gathered, coverage: float | None) -> list[Tile]:
    """What was asked for by --coverage."""
    if coverage is None or not gathered.answered:
        return []
    what = "classes" if gathered.classes else "numbers"
    kind = "sets" if gathered.classes else "intervals"
    return [Tile("Coverage", _whole(coverage), f"asked of the {kind} of {what}")]


def _whole(share: float) -> str:
    """A share as it was asked for: 90 %, 99.5 %."""
    return f"{100 * share:g}{SPACE}%"


def _promise(gathered: Gathered, coverage: float | None) -> str:
    """What the sets or intervals beside the images hold, and how often."""
    if coverage is None:
        return ""
    often = f"for {_whole(coverage)} of images like those of validation"
    if gathered.classes:
        return (
            f"With each image stands a set of classes, which holds the true one {often}. Where no "
            "class is probable enough, the set is empty (none)."
        )
    return f"With each number stands an interval, which holds the true number {often}."


def _tiles(gathered: Gathered) -> list[Tile]:
    tiles = []
    if gathered.judged:
        doubtful = percent(gathered.doubtful / gathered.answered)
        note = f"{doubtful} have a probability below 50 %"
        tiles = [Tile("Doubtful", f"{gathered.doubtful:,}", note)]
    if gathered.told:
        tiles.append(Tile("Unlike", f"{gathered.unlike:,}", "all that it learned from"))
    note = "named below" if gathered.unreadable else "every file was a picture"
    return [*tiles, Tile("Unreadable", f"{gathered.unreadable:,}", note)]


def _bars(classes: Counter[str]) -> Bars | None:
    """The number of images of each predicted class, the commonest first."""
    commonest = classes.most_common(BARS)
    if not commonest:
        return None
    names, counts = zip(*commonest, strict=True)
    rest = len(classes) - len(commonest)
    more = f" {plural(rest, 'rarer class', 'rarer classes')} more are not drawn." if rest else ""
    return Bars(
        "Images by predicted class", Axis("images", zero=True, whole=True), tuple(names),
        (Part("", tuple(map(float, counts))),), f"What was predicted, right or not.{more}",
    )  # fmt: skip


def _lead(gathered: Gathered, shown: int) -> str:
    of = plural(gathered.answered, "image")
    if shown == gathered.answered:
        which = f"All {of}" if shown != 1 else "The only image"
    else:
        which = f"{shown:,} of {of}"
    if not gathered.judged:
        return f"{which}, in the order in which they were given, as the network sees them."
    unlike = (
        ", before them those that are unlike all that it learned from (as 1 in 20 ordinary images "
        "is)"
    ) * bool(gathered.unlike)
    return (
        f"{which}, the least certain first{unlike}, as the network sees them. Look here for "
        "pictures that show no class that it knows, or more than one; a wrong answer may be "
        "certain all the same."
    )
