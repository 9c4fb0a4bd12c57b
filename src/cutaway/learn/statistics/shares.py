"""Shares, and two classifiers on the same images."""

import math

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
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
    from scipy.special import bdtr  # type: ignore[import-untyped]

    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
