"""The bootstrap: the interval of any statistic, by drawing the examples again."""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from cutaway.learn.stats.estimate import LEVEL, Estimate

DRAWS = 5_000
MEMORY = 1 << 18
"""Weights that are held at a time: few enough to stay in a processor's cache."""

Weights = Float[np.ndarray, "draws n"]
Statistic = Callable[[Weights], Float[np.ndarray, " draws"]]
"""A statistic of weighted examples, for a row of weights a draw. A mean: (w @ x) / w.sum(1)."""


def bootstrap(
    statistic: Statistic,
    n: int,
    clusters: Int[np.ndarray, " n"] | None = None,
    *,
    method: Literal["bca", "percentile"] = "bca",
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """A statistic of n examples with its interval; the seed decides every draw.

    What is drawn with replacement are whole clusters: photographs of one stone are not
    independent, stones are. `p` is that of the level at which the interval just touches 0.

    BCa shifts the percentiles of the draws by their bias z0 and their acceleration a, at
    Phi(z0 + (z0 + z) / (1 - a (z0 + z))); the percentile method takes both for 0.

    Source: Efron 1987, 'Better bootstrap confidence intervals'; Efron and Tibshirani 1993,
    equations 14.9 to 14.15; Davison and Hinkley 1997, section 3.8, for whole clusters.

    Args:
        clusters: which group each example belongs to; None: each is a group of its own.
    """
    which = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    units = n if which is None else int(which.max()) + 1
    assert units > 1, "a single group cannot be resampled"

    def over(rows: Iterator[Weights]) -> np.ndarray:
        return np.concatenate([statistic(w if which is None else w[:, which]) for w in rows])

    value = float(statistic(np.ones((1, n)))[0])
    statistics = over(_drawn(np.random.default_rng(seed), draws, units, n))
    bias, acceleration = 0.0, 0.0
    if method == "bca":
        bias, acceleration = _z(statistics, value), _acceleration(over(_left_out(units, n)))
    low, high = _ends(statistics, bias, acceleration)
    error, p = float(statistics.std(ddof=1)), _level_at_zero(statistics, bias, acceleration)
    return Estimate(value, low, high, error, p)


def mean_of(x: Float[np.ndarray, " n"]) -> Statistic:
    """The mean of x, as a statistic."""
    return lambda w: (w @ x) / w.sum(1)


def _drawn(rng: np.random.Generator, draws: int, units: int, n: int) -> Iterator[Weights]:
    """Draw units with replacement: counts of each, a row a draw, in parts that fit into memory."""
    for start in range(0, draws, _rows(n)):
        rows = min(_rows(n), draws - start)
        drawn = rng.integers(units, size=(rows, units)) + units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * units)
        yield counts.reshape(rows, units).astype(np.float64)


def _left_out(units: int, n: int) -> Iterator[Weights]:
    """All units but one, in parts that fit into memory (the jackknife)."""
    for start in range(0, units, _rows(n)):
        out = np.arange(start, min(start + _rows(n), units))
        weights = np.ones((len(out), units))
        weights[np.arange(len(out)), out] = 0
        yield weights


def _rows(n: int) -> int:
    return max(1, MEMORY // n)


def _ends(statistics: np.ndarray, bias: float, acceleration: float) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]

    z = bias + ndtri(np.array([1 - LEVEL, 1 + LEVEL]) / 2)
    low, high = np.quantile(statistics, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def _level_at_zero(statistics: np.ndarray, bias: float, acceleration: float) -> float:
    """The formula of the ends, solved for the level of which one is 0."""
    from scipy.special import ndtr

    below = _z(statistics, 0.0) - bias
    tail = float(ndtr(below / (1 + acceleration * below) - bias))
    return 2 * min(tail, 1 - tail)


def _acceleration(without: np.ndarray) -> float:
    """Sum d^3 / (6 (sum d^2)^(3/2)) with d = mean - value (equation 14.15)."""
    d = without.mean() - without
    scale = 6 * (d**2).sum() ** 1.5
    return float((d**3).sum() / scale) if scale else 0.0


def _z(statistics: np.ndarray, value: float) -> float:
    """The normal quantile of the share of draws below a value, ties counting half.

    No share is quite 0 or 1.
    """
    from scipy.special import ndtri

    share = ((statistics < value).mean() + (statistics <= value).mean()) / 2
    least = 1 / (len(statistics) + 1)
    return float(ndtri(np.clip(share, least, 1 - least)))
