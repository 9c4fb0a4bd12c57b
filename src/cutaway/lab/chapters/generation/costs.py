"""What learning costs until it is as good: in steps, and in multiplications."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.lab.evidence import Effect, ratio

BATCH = 64
EVERY = 10
"""Steps between two evaluations."""


def costs(
    curves: dict[tuple[str, int], Tensor], few: int, code: int, side: int, pretraining: int
) -> tuple[float, list[Effect]]:
    """Steps of the frozen code to 90 % of the accuracy that learning all ends with, to steps of the
    latter; the same in multiplications, without pretraining and with it."""
    whole, frozen = curves["all learned", few], curves["frozen", few]
    last, first = (looks_until(curve, 0.9 * whole[-1]) for curve in (whole, frozen))
    alone, together, before = _work(code, few, side)
    said = "computation to the same accuracy, pretrained to all learned"
    return first.mean() / last.mean(), [
        ratio(said, last * together, first * alone),
        ratio(
            f"{said}, pretraining counted",
            last * together,
            first * alone + pretraining * before / EVERY,
        ),
    ]


def looks_until(
    curve: Float[Tensor, "looks r"], goal: Float[Tensor, "r"]
) -> Float[np.ndarray, "r"]:
    """Number of evaluations until the goal is reached; infinite where it never is."""
    reached = curve >= goal
    first = reached.double().argmax(0) + 1
    return torch.where(reached.any(0), first, torch.inf).double().numpy()


def _work(code: int, labels: int, side: int) -> tuple[float, float, float]:
    """Multiplications a step: softmax alone on kept codes, all learned, and reconstruction.

    A layer costs its weights once forwards, once for their gradient, and once more for that of its
    input where a layer below learns.
    """
    coder, last, n = side**2 * code, code * 10, min(labels, BATCH)
    return n * 2 * last, n * (2 * coder + 3 * last), BATCH * (2 * coder + 3 * coder)
