"""What a test says against its own figures: that they prove little, or nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutaway.learn.classification import Classification

WIDE = 0.2  # an interval so wide leaves open how good the network is
Doubts = Iterator[tuple[str, str]]


def doubts(result: "Classification") -> list[tuple[str, str]]:
    """Reasons to doubt the leading metric of a classifier: short stable names, and a sentence."""
    return [*_baseline(result), *_few_tests(result)]


def _baseline(result: "Classification") -> Doubts:
    (low, high), (_, value, plain) = result.interval, result.leading
    if low > plain:
        return
    name, figure = result.commonest[0], "a balanced accuracy" if result.unequal else "an accuracy"
    sentence = (
        f"Always predicting '{name}' would have {figure} of {plain:.1%} on the test set, and the "
        f"network with {value:.1%} (95 % interval {low:.1%} to {high:.1%}) does not show that it "
        "has learned more: train longer, at another --lr, or on more images."
    )
    yield "baseline", sentence


def _few_tests(result: "Classification") -> Doubts:
    low, high = result.interval
    if high - low <= WIDE:
        return
    counts = zip(result.confusion.sum(1).tolist(), result.classes, strict=True)
    least, rarest = min((count, name) for count, name in counts if count)
    few = f"{least} images of '{rarest}'" if result.unequal else f"{len(result)} images"
    sentence = (
        f"The test set has only {few}, so that the {result.leading[0].label} may be anything from "
        f"{low:.0%} to {high:.0%}: add images, or test on all of them in turn with --folds 5."
    )
    yield "few-tests", sentence
