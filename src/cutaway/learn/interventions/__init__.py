"""What somebody changes in a network while it learns, each change written down with its step.

A run's `interventions.jsonl` holds them, so that a run that goes on, and one that repeats it
(`cutaway train ... --interventions runs/digits-1`), changes the same at the same steps, and ends
with the same bytes. A change is made after as many steps as it says, before the next.

    {"step": 120, "kind": "hold", "layer": "conv1", "unit": 3, "value": 0.0}
"""

from cutaway.learn.interventions.changes import (
    KINDS,
    Change,
    Dropout,
    Hold,
    Images,
    OfWeights,
    Rate,
    Weights,
    change_of,
    divisible,
)
from cutaway.learn.interventions.lasting import Lasting
from cutaway.learn.interventions.log import (
    FILE,
    Intervention,
    Interventions,
    interventions_of,
    read_interventions,
    written,
)
from cutaway.learn.interventions.units import dropouts, hold, holdable, kernel, unit_rows, units

__all__ = [
    "FILE", "KINDS", "Change", "Dropout", "Hold", "Images", "Intervention", "Interventions",
    "Lasting", "OfWeights", "Rate", "Weights", "change_of", "divisible", "dropouts", "hold",
    "holdable", "interventions_of", "kernel", "read_interventions", "unit_rows", "units", "written",
]  # fmt: skip
