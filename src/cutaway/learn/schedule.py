"""Learning-rate schedules as functions of the step, so that nothing has to be kept to resume."""

import math

START, END = 1 / 25, 1 / 25e4
"""First and last rate of a one-cycle, as shares of the highest (Smith 2018, as in PyTorch)."""


def rate(schedule: str, step: int, steps: int, warmup: float) -> float:
    """Share of the highest learning rate at a step, counted from 0, of so many; never 0.

    The first w steps, a share `warmup` of all to the nearest, rise: step k has (k + 1) / (w + 1),
    so that the first one learns and the one after them, which there always is, has the highest
    rate. What follows is, with t in [0, 1) over the rest:

        one-cycle   cosine from 1 to 1/250,000 (and the rise is a cosine from 1/25, at k = 0)
        linear      1 - t
        cosine      (1 + cos(pi t)) / 2
        step        1, then 1/10 from t = 1/2, 1/100 from t = 3/4 (He et al. 2015, section 4.2)
        constant    1
    """
    rising = min(round(warmup * steps), steps - 1)
    if step < rising:
        if schedule == "one-cycle":
            return _cosine(START, 1.0, step / rising)
        return (step + 1) / (rising + 1)
    t = (step - rising) / (steps - rising)
    match schedule:
        case "one-cycle":
            return _cosine(1.0, END, t)
        case "linear":
            return 1.0 - t
        case "cosine":
            return _cosine(1.0, 0.0, t)
        case "step":
            return 1.0 if t < 0.5 else 0.1 if t < 0.75 else 0.01
        case "constant":
            return 1.0
    raise AssertionError(schedule)


def _cosine(start: float, end: float, t: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2
