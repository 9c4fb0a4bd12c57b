"""The result of a sitting, and that of all of a run's visitors, in figures and in sentences."""

from collections.abc import Sequence
from typing import TypedDict

from cutaway.learn.judgements import FIGURES, GUESSING, Kind, Sitting, counted, pooled
from cutaway.learn.stats import Estimate

NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}


class Share(TypedDict):
    """A share of right answers in per cent, its 95 % interval, and of how many answers."""

    value: float
    low: float
    high: float
    answers: int
    visitors: int


class Outcome(TypedDict):
    """What the page shows at the end.

    `kinds` has for each kind of image how many of them were answered rightly, and how many shown;
    `texts` the shares (%) that the text gives, by data.
    """

    own: Share
    all: Share | None
    kinds: dict[str, tuple[int, int]]
    texts: dict[str, float]
    guessing: float
    said: list[str]


def outcome(sitting: Sitting, sittings: Sequence[Sitting]) -> Outcome:
    """The result of a sitting that has ended, beside that of all sittings of the run."""
    own = _share(sitting.right, len(sitting.judged), 1)
    kept = counted(sittings)
    whole = pooled(kept)
    everyone = None
    if whole and len(kept) > 1:
        everyone = _share(whole, sum(len(one.judged) for one in kept), len(kept))
    kinds = {kind: _of_kind(sitting, kind) for kind in ("real", "drawn", "scrambled")}
    said = [_against_guessing(own), _against_text(own, sitting.data), *_warnings(sitting)]
    return {
        "own": own, "all": everyone, "kinds": kinds, "guessing": GUESSING, "said": said,
        "texts": {NAMES[data]: value for data, value in FIGURES.items()},
    }  # fmt: skip


def total(sittings: Sequence[Sitting]) -> str:
    """The count of all answers in a sentence, for the terminal."""
    said = f"{sum(len(one.answers) for one in sittings)} answers of {_people(len(sittings))}"
    kept = counted(sittings)
    whole = pooled(kept)
    if whole is None:
        return f"{said}; none of them count so far."
    share = _share(whole, sum(len(one.judged) for one in kept), len(kept))
    interval = f"95 % interval {share['low']:.1f} to {share['high']:.1f} %"
    if len(kept) == 1:
        interval = "one visitor says nothing of others"
    right = f"{share['value']:.1f} % of them are right ({interval})"
    return f"{said}; {share['answers']} of {_people(len(kept))} count: {right}."


def _people(count: int) -> str:
    return f"{count} visitor{'s' * (count != 1)}"


def _share(of: Estimate, answers: int, visitors: int) -> Share:
    value, low, high = (100 * x for x in (of.value, of.low, of.high))
    return {"value": value, "low": low, "high": high, "answers": answers, "visitors": visitors}


def _of_kind(sitting: Sitting, kind: Kind) -> tuple[int, int]:
    some = [one for one in sitting.answers if one.kind == kind]
    return sum(one.right for one in some), len(some)


def _against_guessing(own: Share) -> str:
    if own["low"] > GUESSING:
        return "You can tell them apart: guessing, 50 %, lies below the interval."
    if own["high"] < GUESSING:
        return (
            "You tell them apart, but the wrong way round: guessing, 50 %, lies above the interval."
        )
    return "Guessing, 50 %, lies in the interval: these answers do not show that you can tell."


def _against_text(own: Share, data: str) -> str:
    if data not in FIGURES:
        return "The text gives its figures for MNIST and CIFAR-10, and none for these data."
    text = f"the people of the text ({FIGURES[data]} % on {NAMES[data]})"
    if own["low"] > FIGURES[data]:
        return f"You are right more often than {text}."
    if own["high"] < FIGURES[data]:
        return f"You are right less often than {text}."
    return f"These answers do not show a difference from {text}: that share lies in the interval."


def _warnings(sitting: Sitting) -> list[str]:
    said = []
    if sitting.feedback:
        said.append(
            "You were told after each answer whether it was right, which teaches: these answers "
            "count in no figure of all visitors."
        )
    if not sitting.looked:
        seen, shown = sitting.seen_through
        said.append(
            f"These answers count in no figure of all visitors: of {shown} scrambled images {seen} "
            "were seen through, or nearly all answers were the same."
        )
    return said
