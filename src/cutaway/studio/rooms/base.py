"""What a room is made of: text, questions, pieces that compute figures, claims of the course."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from cutaway.errors import UsageError
from cutaway.figures.serialization import Plain
from cutaway.settings import Setting, settings_of

Figures = Iterator[Sequence[Plain]]
"""Figures, or a `Diagram`, again and again: each time in place of those before."""
DRAWING = "drawing"
"""The panel of a setting that is a picture: a file in base64, or nothing for an example."""
KERNEL = "kernel"
"""The panel of a setting that is the nine numbers of a kernel, row by row."""


@dataclass(frozen=True)
class Question:
    """Something to think about before the experiment.

    Attributes:
        answer: the place of the right one among the choices.
        because: why it is right, in a sentence or two.
        before: settings of the piece that is shown beside the question; nothing where empty.
    """

    asks: str
    choices: tuple[str, ...]
    answer: int
    because: str
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """Something to try.

    Attributes:
        says: what is seen, and what can be done.
        settings: a dataclass of settings; their limits bound how long it takes.
        draw: from such settings to figures.
        live: whether it is quick enough to follow a slider.
        place: the two settings that are the place of a click on a plane; none where empty.
    """

    name: str
    title: str
    says: str
    settings: type
    draw: Callable[[Any], Figures]
    question: Question
    live: bool = True
    place: tuple[str, ...] = ()

    def settled(self, asked: Mapping[str, Any]) -> Any:
        """Settings as the piece takes them: what is asked for, and else what is usual.

        Raises:
            UsageError: an unknown setting, or a value that it cannot have.
        """
        known = settings_of(self.settings, self.title)
        for name in asked:
            if name not in known:
                raise UsageError(f"'{self.title}' has no setting '{name}'.")
        return self.settings(**{name: known[name].read(value) for name, value in asked.items()})

    def described(self) -> dict[str, Any]:
        """It as a page needs it."""
        question = {"asks": self.question.asks, "choices": self.question.choices,
                    "answer": self.question.answer, "because": self.question.because,
                    "before": self.question.before}  # fmt: skip
        settings = [described(one) for one in settings_of(self.settings).values()]
        return {
            "name": self.name, "title": self.title, "says": self.says, "live": self.live,
            "place": self.place, "question": question, "settings": settings,
        }  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A part of a room.

    Attributes:
        text: paragraphs.
        claims: numbers of claims that say what is seen here.
    """

    title: str
    text: tuple[str, ...]
    piece: Piece | None = None
    claims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """A chapter of the course as five minutes of trying.

    Attributes:
        sentence: what one finds out there.
        start: a model and data whose training in the studio goes further; none where empty.
    """

    number: int
    title: str
    sentence: str
    sections: tuple[Section, ...]
    start: tuple[str, str] | None = None

    @property
    def pieces(self) -> dict[str, Piece]:
        return {one.piece.name: one.piece for one in self.sections if one.piece}

    @property
    def claims(self) -> tuple[str, ...]:
        return tuple(number for section in self.sections for number in section.claims)

    def described(self) -> dict[str, Any]:
        """It as a page needs it."""
        sections = [
            {"title": one.title, "text": one.text, "claims": one.claims,
             "piece": one.piece and one.piece.described()}
            for one in self.sections
        ]  # fmt: skip
        return {"number": self.number, "title": self.title, "sentence": self.sentence,
                "sections": sections, "start": self.start}  # fmt: skip


def described(one: Setting) -> dict[str, Any]:
    """A setting as a page needs it."""
    kind = "numbers" if one.many else getattr(one.kind, "__name__", str(one.kind))
    low, high = (end if isfinite(end) else None for end in (one.low, one.high))
    return {"name": one.name, "help": one.help, "kind": kind, "panel": one.panel,
            "choices": one.choices, "low": low, "high": high, "value": one.default}  # fmt: skip
