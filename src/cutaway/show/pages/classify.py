"""One class an image: accuracy, confused classes, calibration, mistakes."""

from typing import Any

from cutaway.learn.classification import Classification
from cutaway.show import baselines, pictures, scores, words
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
    result = subject.result
    assert isinstance(result, Classification)
    sections = (Section("result", "Result"), LEARNING, *ANSWERS, *ORIGINS)
    return Page(title(result), sections, content(subject, result))


def title(result: Classification) -> str:
    return words.percent(result.accuracy, words.digits_for(len(result)))


def content(subject: Subject, result: Classification) -> dict[str, Any]:
    """The values of the sections on predictions."""
    rows, images = scores.by_class(result), subject.images
    many = len(rows) > scores.FEW
    return {
        "result": result,
        "places": words.digits_for(len(result)),
        "lead": (),
        "extra": (),
        "baseline": result.commonest,
        "baselines": baselines.rows(subject.run),
        "many": many,
        "matrix": scores.matrix(result, subject.noun),
        "pairs": scores.pairs(result),
        "rows": rows,
        "weakest": scores.weakest(rows),
        "calibration": scores.calibration(result),
        "trust": scores.trust(result),
        "mistakes": pictures.mistakes(result, images) if images else [],
    }
