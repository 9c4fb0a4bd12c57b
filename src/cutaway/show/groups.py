"""Images in groups: a page to look through, a table, and folders to rename."""

import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import RenderableType
from rich.text import Text

from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.files import writing
from cutaway.learn.grouping import Groups
from cutaway.show import tables
from cutaway.show.pages.base import Section
from cutaway.show.pictures import Picture, flat, sheet
from cutaway.show.render import render
from cutaway.show.words import plural
from cutaway.version import __version__

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


def name_of(group: int) -> str:
    """`group-01`: names that sort."""
    return f"group-{group + 1:02}"


def listed(images: ImageSet, found: Groups) -> list[Group]:
    """The groups, the largest first."""
    shown = []
    for k, members in enumerate(found.members):
        rest = members[max(TYPICAL, len(members) - UNUSUAL) :]
        shown.append(
            Group(
                name_of(k),
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
    """A CSV with the group of each image, and how far it is from the group's middle."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("image", "group", "distance"))
    for k, members in enumerate(found.members):
        for at in members.tolist():
            rows.writerow((images.names[at], name_of(k), f"{found.distance[at]:.3f}"))
    return text.getvalue()


def copy_into(folder: Path, images: ImageSet, found: Groups) -> None:
    """Copy each file into a folder of its group.

    Raises:
        UsageError: the images are no files.
        RunError: it cannot be written.
    """
    if images.sources is None or not all(isinstance(one, str) for one in images.sources):
        raise UsageError(f"{images.name} is not a folder of files, so nothing can be copied.")
    for k, members in enumerate(found.members):
        for at in members.tolist():
            name = Path(images.names[at])
            inner = (part for part in name.parts if part not in ("..", name.anchor))
            place = folder.joinpath(name_of(k), *inner)
            with writing(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(images.sources[at], place)


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
        "sections": (
            Section("result", "Result"),
            Section("groups", "Groups"),
            Section("next", "Next"),
        ),
        "name": images.name,
        "images": len(images),
        "noun": images.noun,
        "made_by": found.made_by,
        "groups": listed(images, found),
        "chosen": f"{best:.2f}" if found.scores else "",
        "tried": len(found.scores),
        "table": table,
        "into": into,
        "version": __version__,
    }


def parts(images: ImageSet, found: Groups) -> list[RenderableType]:
    """The groups, for the terminal."""
    rows = [
        {"group": name_of(k), "images": len(members), "most typical": images.names[members[0]]}
        for k, members in enumerate(found.members)
    ]
    said = f"{plural(len(images), images.noun)} in {plural(len(rows), 'group')}"
    return [Text(f"{said}, by {found.made_by}."), tables.table("Groups", rows)]
