"""Planning: the replicates that it takes to see a difference, and the difference they can see."""

import math

import numpy as np

from cutaway.learn.stats.estimate import LEVEL

POWER = 0.8
"""The share of differences that shall be seen where they are there."""
MOST = 1_000_000
FAR = 100.0
"""Standard errors from which on every difference is seen, whatever the degrees of freedom."""


def power(
    difference: float, spread: float, n: int, *, overlap: float = 0.0, sides: int = 1
) -> float:
    """The power of n replicates: how often they see a difference (two-sided t-test, 5 %).

    P(|T| > t_df) where T is noncentral t with df = sides (n - 1) degrees of freedom and
    noncentrality difference / (spread sqrt(sides (1/n + overlap))).

    Source: Cohen 1988, section 2.2; `overlap` as in `student`.

    Args:
        spread: standard deviation of the differences of pairs; with sides=2, that of either side.
        sides: 1 where pairs are measured, 2 where n and n are measured that nothing pairs.
    """
    from scipy.special import nctdtr, stdtrit  # type: ignore[import-untyped]

    df, error = sides * (n - 1), spread * math.sqrt(sides * (1 / n + overlap))
    edge = float(stdtrit(df, (1 + LEVEL) / 2))
    if abs(difference) > FAR * error:
        return 1.0
    shift = abs(difference) / error if error else 0.0
    # Where it is below 1e-40 or so, SciPy's function is NaN now and then.
    below, beyond = np.nan_to_num([nctdtr(df, shift, edge), nctdtr(df, shift, -edge)])
    return float(1 - below + beyond)


def replicates_needed(
    difference: float, spread: float, *, overlap: float = 0.0, sides: int = 1
) -> int | None:
    """The fewest replicates (of each side) that see a difference 8 times in 10.

    None where a million would not, as where all learn from the same images.
    """

    def seen(n: int) -> bool:
        return power(difference, spread, n, overlap=overlap, sides=sides) >= POWER

    if not difference or not seen(MOST):
        return None
    low, high = 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def smallest_visible(spread: float, n: int, *, overlap: float = 0.0, sides: int = 1) -> float:
    """The smallest difference that n replicates see 8 times in 10."""
    from scipy.optimize import brentq  # type: ignore[import-untyped]

    def lacking(difference: float) -> float:
        return power(difference, spread, n, overlap=overlap, sides=sides) - POWER

    if not spread:
        return 0.0
    high = spread * math.sqrt(sides * (1 / n + overlap))
    while lacking(high) < 0:
        high *= 2
    return float(brentq(lacking, 0.0, high))
