"""The pace of a training that is watched: steps a second."""

SLOWEST = 0.01
"""Steps a second, at least."""


def paced(steps: object) -> float:
    """Steps a second, 0 for as many as it can. Raises ValueError for anything else."""
    if not isinstance(steps, int | float) or isinstance(steps, bool) or not 0 <= steps <= 1000:
        raise ValueError(steps)
    return 0.0 if steps < SLOWEST else float(steps)
