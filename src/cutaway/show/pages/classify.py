"""One class an image: accuracy, confused classes, calibration, mistakes."""

from dataclasses import dataclass
from typing import Any

from cutaway.learn import by_class
from cutaway.learn.classification import Classification
from cutaway.learn.classifier import Classifier
from cutaway.learn.unlike import facts_of
from cutaway.show import baselines, pictures, scores, words
from cutaway.show.confusions import Confusions, confusions
from cutaway.show.pages import table
from cutaway.show.pages.base import LEARNING, ORIGINS, Page, Section, Subject
from cutaway.show.two_classes import thresholds

ANSWERS = (
    Section("classes", "Classes"),
    Section("calibration", "Calibration"),
    Section("mistakes", "Mistakes"),
)

THRESHOLDS = Section("thresholds", "Thresholds")


def page(subject: Subject) -> Page:
    if table.fits(subject):
        return table.page(subject)
    result = subject.result
    assert isinstance(result, Classification)
    values = content(subject, result)
    two = (THRESHOLDS,) if values["thresholds"] else ()
    sections = (Section("result", "Result"), LEARNING, *two, *ANSWERS, *ORIGINS)
    return Page(title(result), sections, values)


def title(result: Classification) -> str:
    return words.percent(result.leading[1], words.digits_for(len(result)))


@dataclass(frozen=True)
class Headline:
    """The figure that the page begins with.

    Attributes:
        guess: the value of always answering the commonest class; `guessed`, what it is called.
        lead: sentences that explain it.
    """

    name: str
    value: float
    guess: float
    guessed: str
    lead: tuple[str, ...]


def headline(result: Classification, noun: str) -> Headline:
    """The leading metric: accuracy, or what counts each class alike where they are unequal."""
    (metric, value, guess), commonest = result.leading, result.commonest[0]
    if result.unequal:
        return Headline(metric.label, value, guess, "one class always", _unequal(result, noun))
    learned = f"It classified {result.correct:,} of {words.plural(len(result), noun)} correctly"
    always = (
        f"Always predicting “{commonest}”, the commonest class, would get {words.percent(guess)}"
    )
    return Headline(
        metric.label, value, guess, "commonest class",
        (f"{learned} that it was not trained on. {_expected(result, noun)}",
         f"{always}{_no_more(result, noun)}."),
    )  # fmt: skip


def _expected(result: Classification, noun: str) -> str:
    """What the interval says."""
    low, high = (words.percent(end, words.digits_for(len(result))) for end in result.interval)
    article = "a" if result.unequal else "an"
    groups = (
        f", for which the {words.plural(len(result), noun)} count as {result.related:,} groups of "
        "related ones"
    ) * (result.groups is not None)
    return (
        f"On more {noun}s of the same kind, expect {article} {result.leading[0].label} of {low} to "
        f"{high} (95 % interval{groups})."
    )


def _no_more(result: Classification, noun: str) -> str:
    more = result.interval[0] > result.leading[2]
    return "" if more else f": these {noun}s do not show that it has learned more than that"


def _unequal(result: Classification, noun: str) -> tuple[str, ...]:
    rows = [row for row in result.per_class() if row["images"]]
    worst = min(rows, key=lambda row: row["recall"] or 0)
    recall, count = words.percent(worst["recall"]), words.plural(worst["images"], noun)
    name, share = result.commonest
    macro = words.percent(by_class.macro_f1(result.confusion))
    low, high = map(words.percent, by_class.macro_f1_interval(result.tensors(), result.groups))
    return (
        f"The classes are unequal, so this is the mean of their recalls, in which each counts "
        f"alike: the share of a class's {noun}s that it recognises, which is least for "
        f"“{worst['class']}”, {recall} of {count}. "
        f"{_expected(result, noun)} Answering one class always would get "
        f"{words.percent(result.leading[2])}{_no_more(result, noun)}.",
        f"Its accuracy, the share of all {noun}s that it classified correctly, is "
        f"{words.percent(result.accuracy)}: always predicting “{name}”, the commonest class, would "
        f"get {words.percent(share)}. Its macro F1 is {macro} (95 % interval {low} to {high}).",
    )


def stated(subject: Subject) -> tuple[float, float] | None:
    """What a miss costs by `--cost`, and the threshold for it; None where that was not stated."""
    task = subject.run.task
    if isinstance(task, Classifier) and task.decision:
        return task.miss_cost, task.decision[1]
    return None


def content(subject: Subject, result: Classification) -> dict[str, Any]:
    """The values of the sections on predictions."""
    tuned = subject.run.tuned
    rows, images, target = scores.by_class(result), subject.images, subject.run.data.target
    many = len(rows) > scores.FEW
    mistakes = pictures.mistakes(result, images) if images else []
    shown = {one.at: one.picture for one in mistakes}
    return {
        "result": result,
        "places": words.digits_for(len(result)),
        "lead": (),
        "extra": (),
        "alike": result.summary(),
        "headline": headline(result, subject.noun),
        "baselines": baselines.beside(subject.run),
        "many": many,
        "matrix": scores.matrix(result, subject.noun),
        "pairs": scores.pairs(result),
        "rows": rows,
        "weakest": scores.weakest(rows),
        "thresholds": thresholds(result, target, tuned.get("thresholds", ()), stated(subject)),
        "calibration": scores.calibration(result),
        "trust": scores.trust(result, tuned.get("temperature", 1.0)),
        "distorted": scores.distorted(subject.run.recipe.in_stages()[-1]),
        "unlike": scores.unlike(facts_of(subject.run.path), subject.noun),
        "opened": confusions(result, images, shown) if images else Confusions(),
        "mistakes": mistakes,
        "long": max(map(len, result.classes)) > pictures.LONG,
    }
