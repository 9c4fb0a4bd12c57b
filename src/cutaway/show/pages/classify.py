"""One class an image: how often right, which classes are confused, whether it can be believed."""

from typing import Any

from cutaway.learn.classification import Classification
from cutaway.show import pictures, scores, words
from cutaway.show.pages import table
from cutaway.show.pages.base import LEARNING, ORIGINS, Page, Section, Subject

ANSWERS = (
    Section("classes", "Classes"),
    Section("calibration", "Calibration"),
    Section("mistakes", "Mistakes"),
)


def page(subject: Subject) -> Page:
    if table.fits(subject):
        return table.page(subject)
    found = subject.found
    assert isinstance(found, Classification)
    sections = (Section("result", "Result"), LEARNING, *ANSWERS, *ORIGINS)
    return Page(title(found), sections, content(subject, found))


def title(found: Classification) -> str:
    return words.percent(found.accuracy, words.digits_for(len(found)))


def content(subject: Subject, found: Classification) -> dict[str, Any]:
    """What the sections on answers say."""
    rows, images = scores.by_class(found), subject.images
    many = len(rows) > scores.FEW
    return {
        "found": found,
        "places": words.digits_for(len(found)),
        "lead": (),
        "extra": (),
        "baseline": found.commonest,
        "many": many,
        "matrix": scores.matrix(found, subject.noun),
        "pairs": scores.pairs(found),
        "rows": rows,
        "weakest": scores.weakest(rows),
        "calibration": scores.calibration(found),
        "trust": scores.trust(found),
        "mistakes": pictures.mistakes(found, images) if images else [],
    }
