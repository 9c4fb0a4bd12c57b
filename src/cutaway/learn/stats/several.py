"""Several questions at once."""

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Each p raised so that one of 5 % or less among them all is wrong 5 times in 100 at most.

    The i-th smallest of m is multiplied by m - i + 1 and raised to the one before it.

    Source: Holm 1979, 'A simple sequentially rejective multiple test procedure'.
    """
    values = np.asarray(p, np.float64)
    order = values.argsort(kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    adjusted = np.empty_like(values)
    adjusted[order] = raised
    return [float(v) for v in adjusted]
