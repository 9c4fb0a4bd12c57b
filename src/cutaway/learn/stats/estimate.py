"""A figure with its interval, from replicates that may share data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LEVEL = 0.95
"""The share of intervals that hold the true figure."""


Values = Sequence[float] | Float[np.ndarray, "_"]


@dataclass(frozen=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        low, high: its interval, of 95 %.
        error: its standard error.
        p: two-sided, for 'the true figure is 0'; None where nobody would ask.
    """

    value: float
    low: float
    high: float
    error: float
    p: float | None = None

    def times(self, factor: float) -> "Estimate":
        """The same in another unit or, with -1, seen from the other side."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, low, high, self.error * abs(factor), self.p)


UNKNOWN = Estimate(math.nan, -math.inf, math.inf, math.inf)
"""The mean of replicates of which one is not a number."""


def student(values: Values, overlap: float = 0.0) -> Estimate:
    """The mean of n >= 2 replicates: m +- t_(n-1) s sqrt(1/n + overlap).

    Replicates that divide the same images anew, such as folds, learn from much the same images, so
    that s^2 / n is too small. Nadeau and Bengio's correction adds n2/n1 to 1/n.

    Args:
        overlap: n2/n1, the test images of a replicate over its training images (or groups over
            groups), where the replicates divide the same images; else 0.

    Source: Student 1908; Nadeau and Bengio 2003, 'Inference for the generalization error', the
    corrected resampled t-test; Bouckaert and Frank 2004, section 3.3, for repeated folds.
    """
    x = np.asarray(values, np.float64)
    assert len(x) > 1, "one replicate has no spread"
    if not np.isfinite(x).all():
        return UNKNOWN
    error = x.std(ddof=1) * math.sqrt(1 / len(x) + overlap)
    return _t(x.mean(), error, len(x) - 1)


def t_interval(values: Values, overlap: float = 0.0) -> tuple[float, float, float]:
    """Mean and 95 % interval of `student`, to unpack."""
    estimate = student(values, overlap)
    return estimate.value, estimate.low, estimate.high


def paired(a: Values, b: Values, overlap: float = 0.0) -> Estimate:
    """The mean of b - a, each pair measured under the same seed, fold or the like (paired t)."""
    with np.errstate(invalid="ignore"):  # of two infinite values the difference is not known
        return student(np.asarray(b, np.float64) - np.asarray(a, np.float64), overlap)


def welch(a: Values, b: Values) -> Estimate:
    """mean(b) - mean(a), where nothing pairs them and their spreads may differ.

    Source: Welch 1947, with Satterthwaite's degrees of freedom
    (v_a + v_b)^2 / (v_a^2 / (n_a - 1) + v_b^2 / (n_b - 1)), v being the squared standard errors.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert min(len(x), len(y)) > 1, "one replicate has no spread"
    u, v = (one.var(ddof=1) / len(one) for one in (x, y))
    parts = u**2 / (len(x) - 1) + v**2 / (len(y) - 1)
    df = (u + v) ** 2 / parts if parts else len(x) + len(y) - 2
    return _t(y.mean() - x.mean(), math.sqrt(u + v), df)


def _t(value: float, error: float, df: float) -> Estimate:
    from scipy.special import stdtr, stdtrit  # type: ignore[import-untyped]

    half = float(stdtrit(df, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(df, -abs(value) / error)) if error else float(value == 0)
    return Estimate(float(value), float(value - half), float(value + half), float(error), p)
