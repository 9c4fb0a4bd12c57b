"""Images in groups: a page to look through, a table, and folders to rename."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import RenderableType
from rich.text import Text

from cutaway.data.finding_notes import left_out
from cutaway.data.imageset import ImageSet
from cutaway.learn.grouping import Groups
from cutaway.show import tables
from cutaway.show.pages.base import Section, about_set
from cutaway.show.pictures import Picture, flat, sheet
from cutaway.show.render import render
from cutaway.show.words import plural

TYPICAL, UNUSUAL, COLUMNS = 24, 8, 12
"""Images of a group that are shown: the most typical, and those furthest from its middle."""


@dataclass(frozen=True)
class Group:
    """One group: its name, how many images, and pictures of some."""

    name: str
    count: int
    typical: Picture
    unusual: Picture | None
    first: str


def listed(images: ImageSet, found: Groups) -> list[Group]:
    """The groups, the largest first."""
    shown = []
    for name, members in zip(found.names, found.members, strict=True):
        rest = members[max(TYPICAL, len(members) - UNUSUAL) :]
        shown.append(
            Group(
                name,
                len(members),
                _sheet(images, members[:TYPICAL].tolist()),
                _sheet(images, rest.tolist()) if len(rest) else None,
                images.names[members[0]],
            )
        )
    return shown


def _sheet(images: ImageSet, index: list[int]) -> Picture:
    return sheet(flat(images.images[torch.tensor(index)]), COLUMNS)


def spreadsheet(images: ImageSet, found: Groups) -> str:
    """A CSV with the group of each image, and how far it is from the group's middle; of a file that
    was left out the reason."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("image", "group", "distance", "left_out"))
    for name, members in zip(found.names, found.members, strict=True):
        for at in members.tolist():
            rows.writerow((images.names[at], name, f"{found.distance[at]:.3f}", ""))
    for name, reason in left_out(images.findings).items():
        rows.writerow((name, "", "", reason))
    return text.getvalue()


def page(images: ImageSet, found: Groups, table: str, into: str) -> str:
    """The page, one file that needs nothing beside it.

    Args:
        table: where the CSV is.
        into: where the files were copied; empty where they were not.
    """
    return render("groups.html", _content(images, found, table, into))


def _content(images: ImageSet, found: Groups, table: str, into: str) -> dict[str, Any]:
    best = max(found.scores.values(), default=0.0)
    return {
        **about_set(images, Section("groups", "Groups"), Section("next", "Next")),
        "made_by": found.made_by,
        "groups": listed(images, found),
        "chosen": f"{best:.2f}" if found.scores else "",
        "tried": len(found.scores),
        "table": table,
        "into": into,
    }


def parts(images: ImageSet, found: Groups) -> list[RenderableType]:
    """The groups, for the terminal."""
    rows = [
        {"group": name, "images": len(members), "most typical": images.names[members[0]]}
        for name, members in zip(found.names, found.members, strict=True)
    ]
    said = f"{plural(len(images), images.noun)} in {plural(len(rows), 'group')}"
    return [Text(f"{said}, by {found.made_by}."), tables.table("Groups", rows)]
