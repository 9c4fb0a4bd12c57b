"""Images whose label may be wrong: a page to look through, and a table to fill in."""

import csv
import io
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cutaway.data.corrections import COLUMNS
from cutaway.data.imageset import ImageSet
from cutaway.learn.suspects import Suspects
from cutaway.show import tables
from cutaway.show.pages.base import Section, about_set
from cutaway.show.pictures import LONG, Picture, Signal, example
from cutaway.show.render import render
from cutaway.show.scores import Pair
from cutaway.show.words import percent, plural

SHOWN, PAIRS, ON_TERMINAL = 200, 8, 10
"""Suspects with a picture, pairs of classes, and suspects on the terminal, at most."""


@dataclass(frozen=True)
class Suspect:
    """One image: its name, the class that it has, and the one that it looks like."""

    at: int
    name: str
    label: str
    suggested: str
    confidence: float


def listed(images: ImageSet, found: Suspects) -> list[Suspect]:
    """The suspects, the likeliest first."""
    return [
        Suspect(
            at,
            images.names[at],
            images.classes[found.targets[at]],
            images.classes[found.suggested[at]],
            float(found.confidence[at]),
        )
        for at in found.order.tolist()
    ]


def spreadsheet(suspects: list[Suspect]) -> str:
    """A CSV whose last column is for the right class."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in suspects:
        rows.writerow((one.name, one.label, one.suggested, f"{one.confidence:.3f}", ""))
    return text.getvalue()


def page(images: ImageSet, found: Suspects, table: str, train: str) -> str:
    """The page, one file that needs nothing beside it.

    Args:
        table: where the CSV is.
        train: the command that trains on these images.
    """
    fix = f"{train} --fix {shlex.quote(table)}"
    return render("suspects.html", _content(images, found) | {"table": table, "fix": fix})


def _content(images: ImageSet, found: Suspects) -> dict[str, Any]:
    suspects = listed(images, found)
    shown = (Section("suspects", "Suspects"),) if suspects else ()
    return {
        **about_set(images, *shown, Section("next", "Next")),
        "classes": len(images.classes),
        "made_by": found.made_by,
        "suspects": suspects,
        "cards": [(one, _picture(images, one)) for one in suspects[:SHOWN]],
        "pairs": _pairs(images, suspects),
        "long": max(map(len, images.classes)) > LONG,
        "related": "from its copies" if images.groups is None else "from others of its group",
    }


def _picture(images: ImageSet, one: Suspect) -> Picture | Signal:
    return example(images.images[one.at])


def _pairs(images: ImageSet, suspects: list[Suspect]) -> list[Pair]:
    """The commonest pairs of a label and what is suggested instead."""
    totals = dict(zip(images.classes, images.counts(), strict=True))
    counts = Counter((one.label, one.suggested) for one in suspects)
    return [
        Pair(label, suggested, count, totals[label])
        for (label, suggested), count in counts.most_common(PAIRS)
    ]


def parts(images: ImageSet, found: Suspects) -> list[RenderableType]:
    """The likeliest suspects, for the terminal."""
    suspects = listed(images, found)
    said = f"{plural(len(suspects), images.noun)} of {len(images):,} may have a wrong label"
    rows = [
        {
            "image": one.name,
            "label": one.label,
            "suggested": one.suggested,
            "confidence": percent(one.confidence),
        }
        for one in suspects[:ON_TERMINAL]
    ]
    if not rows:
        return [Text(f"No {images.noun} of {len(images):,} looks like another class than its own.")]
    title = f"The {len(rows)} likeliest" if len(suspects) > len(rows) else "All of them"
    return [Text(f"{said}."), tables.table(title, rows)]
