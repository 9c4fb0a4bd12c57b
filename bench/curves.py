"""Powers of growth, and their pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import linregress, t

BLUE, ORANGE = "#0072b2", "#d55e00"
"""Told apart by colour-blind readers too (Okabe and Ito 2008)."""


class Power(NamedTuple):
    """y = a n^b, fitted to the logarithms.

    Attributes:
        low, high: 95 % interval of the exponent, were the logarithms' errors normal.
        apart: the largest distance of a point from the line, as a share of the line.
    """

    exponent: float
    low: float
    high: float
    factor: float
    apart: float

    def __str__(self) -> str:
        return f"{self.exponent:.3f} ({self.low:.3f} to {self.high:.3f})"


def power(n: Sequence[float], y: Sequence[float]) -> Power:
    """The power with which y grows."""
    x, logs = np.log(n), np.log(y)
    found = linregress(x, logs)
    half = t.ppf(0.975, len(x) - 2) * found.stderr
    apart = np.expm1(np.abs(logs - found.intercept - found.slope * x).max())
    b, factor = found.slope, np.exp(found.intercept)
    return Power(*map(float, (b, b - half, b + half, factor, apart)))


def straight(n: Sequence[float], y: Sequence[float]) -> dict[str, float]:
    """y = a + b n, with equal weight for equal shares: what one more of n costs, and what none.

    `apart` is the largest distance of a point from the line, as a share of the line.
    """
    x, values = np.asarray(n, float), np.asarray(y, float)
    b, a = np.polyfit(x, values, 1, w=1 / values)
    apart = np.abs(values / (a + b * x) - 1).max()
    return {"each": float(b), "none": float(a), "apart": float(apart)}


def picture(
    file: Path, about: dict[str, str], rows: list[dict[str, Any]], series: dict[str, str]
) -> None:
    """Points and fitted powers on logarithmic axes, as SVG.

    Args:
        about: `title`, and the axes `x` and `y` with their units.
        series: what is drawn of each row, by the name that the picture gives it.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": file.name, "svg.fonttype": "none", "font.size": 11})
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    styles = zip((BLUE, ORANGE), "os", ("-", "--"), strict=True)
    for (name, key), (colour, marker, dashes) in zip(series.items(), styles, strict=False):
        n, y = (np.array([row[of] for row in rows if key in row]) for of in ("n", key))
        line = power(n, y)
        axes.plot(n, y, marker, color=colour, label=f"{name}: n^{line}")
        axes.plot(n, line.factor * n**line.exponent, dashes, color=colour)
    axes.set(xscale="log", yscale="log", title=about["title"], xlabel=about["x"], ylabel=about["y"])
    axes.grid(which="major", color="#dddddd")
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
