"""Difference between two sets of outputs, and latency of calls."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from jaxtyping import Float

BATCHES = (1, 64)
"""Batch sizes that latency is measured at."""
ROUNDS, BUDGET = 30, 2.0
"""Number of calls that a latency is the median of, and seconds after which fewer have to do."""


def compare_outputs(
    one: Float[np.ndarray, "n *k"], other: Float[np.ndarray, "n *k"]
) -> dict[str, float]:
    """The largest and the mean difference of two sets of outputs, and how often answers agree."""
    difference = np.abs(one.astype(np.float64) - other)
    same = np.mean(one.argmax(1) == other.argmax(1))
    return {
        "largest": float(difference.max()),
        "mean": float(difference.mean()),
        "agreement": float(same),
    }


def latencies(
    calls: dict[str, Callable[[np.ndarray], np.ndarray]], examples: np.ndarray
) -> dict[str, dict[int, float]]:
    """Milliseconds of each call at each batch size; the median of many.

    The ways are called in turn, so that whatever else the machine does is shared among them.
    """
    medians: dict[str, dict[int, float]] = {name: {} for name in calls}
    for batch in BATCHES:
        inputs = np.ascontiguousarray(np.resize(examples, (batch, *examples.shape[1:])))
        times: dict[str, list[float]] = {name: [] for name in calls}
        for call in calls.values():
            call(inputs)
        began = perf_counter()
        for _ in range(ROUNDS):
            for name, call in calls.items():
                start = perf_counter()
                call(inputs)
                times[name].append(1e3 * (perf_counter() - start))
            if perf_counter() - began > BUDGET:
                break
        for name, values in times.items():
            medians[name][batch] = float(np.median(values))
    return medians
