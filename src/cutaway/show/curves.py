"""The learning curves: what a run wrote at the end of each epoch."""

from dataclasses import dataclass
from typing import Any

from cutaway.learn import history
from cutaway.learn.recipe import Recipe
from cutaway.show import plots
from cutaway.show.plots import Chart, Point, Scale
from cutaway.show.words import percent

TALL, SMALL = 240, 140
SERIES = (("train", "training", "train"), ("val", "validation", "val"))

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Curves:
    """The charts with what has to be said of them; `kept` is the epoch whose weights were kept."""

    charts: tuple[Chart, ...]
    rows: Rows
    kept: int
    early: bool
    validated: bool


def curves(rows: Rows, recipe: Recipe) -> Curves | None:
    """The charts of a run's metrics; None where it wrote none."""
    if not rows:
        return None
    validated = any("val_loss" in row for row in rows)
    kept, early = (
        history.kept(rows, recipe.monitor, recipe.patience)["epoch"],
        bool(recipe.patience),
    )
    last = rows[-1]["epoch"]
    x = plots.across(1, last) if last > 1 else plots.across(0, 2)
    marks = (plots.mark(x(kept), f"kept: epoch {kept}"),) if early else ()
    charts = (_loss(rows, x, marks), _accuracy(rows, x, marks), _rate(rows, x))
    return Curves(charts, rows, kept, early, validated)


def _data(rows: Rows, name: str) -> list[Point]:
    return [(row["epoch"], row[name]) for row in rows if name in row]


def _loss(rows: Rows, x: Scale, marks: tuple[plots.Mark, ...]) -> Chart:
    values = [v for key, _, _ in SERIES for _, v in _data(rows, f"{key}_loss")]
    low, high = max(min(values), 1e-6), max(*values, 2e-6)
    log = high / low > 30  # else the late epochs, where it is decided, would be a flat line
    bottom, top = (low * 0.8, high * 1.25) if log else (0, high * 1.05)
    y = plots.upright(bottom, top, TALL, log)
    ticks = plots.log_ticks(bottom, top) if log else plots.round_ticks(bottom, top)
    lines = tuple(
        plots.line(name, kind, [(a, max(b, low)) for a, b in data], x, y, _loss_text)
        for key, name, kind in SERIES
        if (data := _data(rows, f"{key}_loss"))
    )
    return Chart(
        title="Loss",
        summary=_summary("Loss", rows, "loss", lambda v: f"{v:.3g}"),
        x_label="epoch",
        y_label="loss (nats, log scale)" if log else "loss (nats)",
        height=TALL,
        x_ticks=_epochs(x),
        y_ticks=plots.place(ticks, y, lambda v: f"{v:g}"),
        lines=lines,
        marks=marks,
    )


def _loss_text(point: Point) -> str:
    return f"epoch {point[0]:.0f}: {point[1]:.4g}"


def _accuracy(rows: Rows, x: Scale, marks: tuple[plots.Mark, ...]) -> Chart:
    values = [v for key, _, _ in SERIES for _, v in _data(rows, f"{key}_accuracy")]
    low = min(values)
    high = min(1, 1.5 * max(*values, 0.01))
    y = plots.upright(max(0, low - 0.1 * (high - low) - 1e-3), high, TALL)
    ticks = plots.round_ticks(y.low, y.high)
    places = max(0, -_exponent(ticks) - 2)
    lines = tuple(
        plots.line(name, kind, data, x, y, lambda p: f"epoch {p[0]:.0f}: {percent(p[1], 2)}")
        for key, name, kind in SERIES
        if (data := _data(rows, f"{key}_accuracy"))
    )
    return Chart(
        title="Accuracy",
        summary=_summary("Accuracy", rows, "accuracy", percent),
        x_label="epoch",
        y_label="share right (%)",
        height=TALL,
        x_ticks=_epochs(x),
        y_ticks=plots.place(ticks, y, lambda v: f"{v * 100:.{places}f}"),
        lines=lines,
        marks=marks,
    )


def _exponent(ticks: list[float]) -> int:
    """Of the last decimal that tells two ticks apart."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return next(e for e in range(0, -12, -1) if step >= 0.999 * 10.0**e)


def _rate(rows: Rows, x: Scale) -> Chart:
    data = _data(rows, "lr")
    high = max(value for _, value in data) or 1.0
    y = plots.upright(0, high * 1.1, SMALL)
    return Chart(
        title="Learning rate",
        summary=f"Learning rate by epoch, at most {high:.3g}.",
        x_label="epoch",
        y_label="rate",
        height=SMALL,
        x_ticks=_epochs(x),
        y_ticks=plots.place(plots.round_ticks(0, y.high, 3), y, lambda v: f"{v:g}"),
        lines=(plots.line("rate", "rate", data, x, y, lambda p: f"epoch {p[0]:.0f}: {p[1]:.3g}"),),
    )


def _epochs(x: Scale) -> tuple[tuple[float, str], ...]:
    ticks = plots.round_ticks(x.low, x.high, 8, whole=True)
    return plots.place(ticks if x.low else [1], x, lambda v: f"{v:.0f}")


def _summary(title: str, rows: Rows, measure: str, text: Any) -> str:
    """The chart in words, for who cannot see it."""
    found = [
        f"{name} from {text(data[0][1])} to {text(data[-1][1])}"
        for key, name, _ in SERIES
        if (data := _data(rows, f"{key}_{measure}"))
    ]
    epochs = rows[-1]["epoch"]
    return f"{title} over {epochs} epoch{'s' * (epochs != 1)}: {', '.join(found)}."
