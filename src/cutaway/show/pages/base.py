"""The parts of a page: its sections, its subject, its outcome, its tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from cutaway.data.finding_notes import said_left_out
from cutaway.data.imageset import ImageSet
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.run import Run
from cutaway.show import measures
from cutaway.show.pictures import Picture
from cutaway.show.strip import strip
from cutaway.show.words import capital
from cutaway.version import __version__

NOUNS = {1: "signal", 2: "image", 3: "video"}
"""The name of an example, by the rank of its grid."""


@dataclass(frozen=True)
class Section:
    """A part of the page: its id, its link in the head of the page, its template's stem."""

    name: str
    link: str
    template: str = ""

    @property
    def file(self) -> str:
        return f"{self.template or self.name}.html"


OUTCOME = Section("result", "Result", "outcome")
PROGRESS = Section("progress", "Epochs")
LEARNING = Section("learning", "Learning")
INTERVENTIONS = Section("interventions", "Changes")
REGULARISERS = Section("regularisers", "Regularisers")
INSIDE = Section("inside", "Inside")
EXPORTS = Section("exports", "Exports")
ORIGINS = (Section("data", "Data"), Section("recipe", "Recipe"), Section("next", "Next"))


@dataclass(frozen=True)
class Subject:
    """A run, its evaluation on the test set, and its images if there are any."""

    run: Run
    result: Evaluation
    images: ImageSet | None
    problem: str = ""

    @property
    def tensors(self) -> dict[str, Tensor]:
        return self.result.tensors()

    @property
    def classes(self) -> tuple[str, ...]:
        return self.run.data.classes

    @cached_property
    def measures(self) -> dict[str, float]:
        """The metrics that are single numbers."""
        summary = self.result.summary()
        return {k: v for k, v in summary.items() if isinstance(v, int | float)}

    @cached_property
    def whole(self) -> bool:
        """Whether the data are all that there is, so that nothing was held out."""
        return torch.equal(self.run.split.train, self.run.split.test)

    @property
    def noun(self) -> str:
        """The name of one example: `image`, `signal`, `sample`."""
        rank = len(self.run.data.size)
        return "sample" if self.whole and rank == 1 else NOUNS.get(rank, "example")

    def name(self, position: int) -> str:
        """The name of an example, or its number where the data are not at hand."""
        return self.images.names[position] if self.images else f"{self.noun} {position}"


@dataclass(frozen=True)
class Tile:
    """A figure with its name and a note on what it means."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Outcome:
    """The head of a page: one large figure with a caption, sentences that explain it, and tiles."""

    figure: str
    caption: str
    lead: Sequence[str]
    tiles: Sequence[Tile] = ()


@dataclass(frozen=True)
class Page:
    """The sections in their order, the title in the browser's tab, and the templates' values."""

    title: str
    sections: tuple[Section, ...]
    content: dict[str, Any] = field(default_factory=dict)


def build_page(
    subject: Subject, outcome: Outcome, sections: Sequence[Section], **content: Any
) -> Page:
    """A page that begins with an outcome; the sections on learning and on origins are added."""
    steps = strip(subject.run)
    progress = (PROGRESS,) if len(steps) > 1 else ()
    order = (OUTCOME, *sections, *progress, LEARNING, *ORIGINS)
    return Page(outcome.figure, order, {"outcome": outcome, "steps": steps, **content})


def about_set(images: ImageSet, *sections: Section) -> dict[str, Any]:
    """What each page about a set of images says: its name, how many there are, its sections."""
    return {
        "sections": (Section("result", "Result"), *sections),
        "name": images.name,
        "images": len(images),
        "noun": images.noun,
        "left_out": said_left_out(images.findings),
        "version": __version__,
    }


def tiles(values: Mapping[str, float], notes: dict[str, str], places: int = 2) -> list[Tile]:
    """A tile for each of `notes` that has a value; `places` are the decimals of percentages."""
    return [
        Tile(capital(measures.name(key)), measures.text(key, values[key], places), note)
        for key, note in notes.items()
        if values.get(key) is not None
    ]


@dataclass(frozen=True)
class Plate:
    """A picture with a title, a description for those who cannot see it, and a caption."""

    title: str
    picture: Picture
    alt: str
    caption: str = ""
