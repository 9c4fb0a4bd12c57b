"""Thresholds of two classes for what mistakes cost, chosen on the validation images."""

import numpy as np
from jaxtyping import Bool, Float

MISS_COSTS = (1, 2, 5, 10, 20, 50, 100)
"""How many false alarms a missed example of the positive class costs."""


def best_threshold(
    score: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"], miss_cost: float
) -> float:
    """The probability from which on the positive class is predicted at the least cost.

    A false alarm costs 1 and a miss `miss_cost`. Of thresholds that cost the same the one nearest
    to 1 / (1 + miss_cost) is taken, which is the best for probabilities that are calibrated; it
    keeps a quarter of their distance from the examples before and after it.

    Source: Elkan 2001, 'The foundations of cost-sensitive learning', equation 5.
    """
    wanted, order = 1 / (1 + miss_cost), np.argsort(score, kind="stable")
    score, positive = score[order], positive[order]
    missed = np.concatenate([[0], np.cumsum(positive)])  # below the k-th score: k are negative
    alarms = np.concatenate([np.cumsum(~positive[::-1])[::-1], [0]])
    edges = np.concatenate([[0.0], score, [1.0]])
    low, high = edges[:-1], edges[1:]  # between the scores that stand before and after the cut
    cost = np.where(high > low, alarms + miss_cost * missed, np.inf)
    best, margin = np.isclose(cost, cost.min()), (high - low) / 4
    nearest = np.clip(wanted, (low + margin)[best], (high - margin)[best])
    return float(nearest[np.abs(nearest - wanted).argmin()])


def cost_thresholds(
    score: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]
) -> tuple[float, ...]:
    """A threshold for each of `MISS_COSTS`; none where examples of one class are missing."""
    if not 0 < positive.sum() < len(positive):
        return ()
    return tuple(round(best_threshold(score, positive, cost), 4) for cost in MISS_COSTS)
