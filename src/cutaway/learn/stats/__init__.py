"""Intervals and tests of results, all of them in one place.

Replicates (seeds, folds): `student`, `paired`, `welch`. Images: `share`, `mcnemar`, `bootstrap`.
Planning: `power`, `replicates_needed`, `smallest_visible`. Several questions: `holm`.
"""

from cutaway.learn.stats.estimate import LEVEL, Estimate, paired, student, t_interval, welch
from cutaway.learn.stats.planning import (
    POWER,
    power,
    replicates_needed,
    smallest_visible,
)
from cutaway.learn.stats.resampling import Statistic, Weights, bootstrap, mean_of
from cutaway.learn.stats.several import holm
from cutaway.learn.stats.shares import mcnemar, share, wilson

__all__ = [
    "LEVEL", "POWER", "Estimate", "Statistic", "Weights", "bootstrap", "holm", "mcnemar", "mean_of",
    "paired", "power", "replicates_needed", "share", "smallest_visible", "student", "t_interval",
    "welch", "wilson",
]  # fmt: skip
