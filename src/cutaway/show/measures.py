"""Names and values of metrics as text."""

from cutaway.figures import Axis
from cutaway.learn.fleet.results import Spread
from cutaway.learn.history import Row
from cutaway.learn.metrics import Metric
from cutaway.learn.tasks import metric
from cutaway.show.words import percent

PARTS = {"train": "", "val": "val"}


def name(key: str) -> str:
    """`val_loss` as `val loss`, `train_generator_loss` as `generator loss`."""
    part, _, rest = key.partition("_")
    if part in PARTS and rest:
        return f"{PARTS[part]} {name(rest)}".strip()
    about = metric(key)
    return about.label if about.name == key else key.replace("_", " ")


def text(key: str, value: float | None, places: int = 2) -> str:
    """A value with its unit: shares in per cent, ratios in decibels, others as numbers."""
    if value is None:
        return "none"
    about = metric(key)
    if about.share:
        return percent(value, places)
    if about.unit:
        return f"{value:.2f} {about.unit}"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.4f}"


def axis(about: Metric) -> Axis:
    """The axis that suits the values of a metric."""
    own = about.share or about.begins == "own"
    return Axis(about.axis, "linear" if own else "auto", zero=not own, share=about.share)


def brief(about: Metric, value: float) -> str:
    """A value in a sentence."""
    return percent(value) if about.share else f"{value:.3g}"


def interval(key: str, spread: Spread) -> str:
    """`low` to `high`, as a fleet's results have them."""
    return f"{text(key, spread['low'])} to {text(key, spread['high'])}"


def figures(row: Row) -> list[tuple[str, str]]:
    """The metrics of an epoch's row: the name and the value of each as text."""
    return [(name(k), text(k, v)) for k, v in row.items() if k.partition("_")[0] in PARTS]
