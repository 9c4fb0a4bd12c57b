"""Shares, and two classifiers on the same images."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from cutaway.learn.stats.estimate import Estimate

Right = Float[np.ndarray, " n"] | Bool[np.ndarray, " n"]
Groups = Int[np.ndarray, " n"]

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def share(right: Right, groups: Groups | None = None) -> Estimate:
    """The share that is right, with Wilson's 95 % interval.

    Related images say less than as many independent ones. Their share p has the variance
    V = G / (G - 1) sum_g (sum_(i in g) (x_i - p))^2 / n^2 over G groups, so that they are worth
    p (1 - p) / V independent images, fewer still where t of G - 1 degrees of freedom is wider than
    the normal distribution, and that is what the interval is of.

    Source: Kish 1965, the design effect; Korn and Graubard 1998, 'Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data'.

    Args:
        right: 0 or 1 for each image.
        groups: which group each belongs to; None: each is by itself.
    """
    x = np.asarray(right, np.float64)
    p, n = float(x.mean()), float(len(x))
    worth = (
        n if groups is None else min(n, _worth(x - p, np.unique(groups, return_inverse=True)[1]))
    )
    return Estimate(p, *wilson(p * worth, worth), math.sqrt(p * (1 - p) / worth))


def _worth(off: np.ndarray, group: np.ndarray) -> float:
    """The number of independent images that the related ones are worth, `off` being x - p."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    sums = np.bincount(group, off)
    count = len(sums)
    if count == 1:
        return 1.0
    spread = count / (count - 1) * (sums**2).sum() / len(off) ** 2
    alike = (off**2).mean()
    if alike == 0:  # all are right, or none: each group says it once
        spread, alike = 1.0, float(count)
    independent = alike / spread if spread > 0 else math.inf
    return float(max(1.0, independent * (Z95 / stdtrit(count - 1, 0.975)) ** 2))


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """95 % interval for a share, sound for few trials and for shares near 0 and 1.

    Source: Wilson 1927, 'Probable inference, the law of succession, and statistical inference'.
    """
    if trials == 0:
        return 0.0, 1.0
    p, z2 = successes / trials, Z95**2
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p for 'both are right equally often', images being independent.

    Where only one of two classifiers is right, it is either with probability 1/2:
    p = 2 P(B <= min(b, c)) with B binomial in (b + c, 1/2).

    Source: McNemar 1947; the exact form as in Dietterich 1998, section 3.1.

    Args:
        only_a, only_b: images that only the one, only the other answers rightly.
    """
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
