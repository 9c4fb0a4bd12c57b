"""How far two ways to the same outputs are apart, and how long they take."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from jaxtyping import Float

BATCHES = (1, 64)
"""Numbers of examples that latency is measured at."""
ROUNDS, ENOUGH = 30, 2.0
"""Calls that a latency is the median of, and seconds after which fewer have to do."""


def apart(one: Float[np.ndarray, "n *k"], other: Float[np.ndarray, "n *k"]) -> dict[str, float]:
    """The largest and the mean difference of two sets of outputs, and how often answers agree."""
    off = np.abs(one.astype(np.float64) - other)
    same = np.mean(one.argmax(1) == other.argmax(1))
    return {"largest": float(off.max()), "mean": float(off.mean()), "agreement": float(same)}


def latencies(
    ways: dict[str, Callable[[np.ndarray], np.ndarray]], examples: np.ndarray
) -> dict[str, dict[int, float]]:
    """Milliseconds of a call of each way at each number of examples; the median of many.

    The ways are called in turn, so that whatever else the machine does is shared among them.
    """
    found: dict[str, dict[int, float]] = {name: {} for name in ways}
    for batch in BATCHES:
        some = np.ascontiguousarray(np.resize(examples, (batch, *examples.shape[1:])))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for run in ways.values():
            run(some)
        began = perf_counter()
        for _ in range(ROUNDS):
            for name, run in ways.items():
                start = perf_counter()
                run(some)
                times[name].append(1e3 * (perf_counter() - start))
            if perf_counter() - began > ENOUGH:
                break
        for name, values in times.items():
            found[name][batch] = float(np.median(values))
    return found
