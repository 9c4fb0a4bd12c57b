"""The inside of a network as a watched run saw it: heat maps of layers by steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.figures import Axis, HeatMap
from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.run import Run
from cutaway.learn.watching import FILE
from cutaway.see.watched import Watched
from cutaway.show.words import listed, percent

BINS, FINE = 31, 4096
LAZY, WILD = 1e-5, 0.1
"""Updates below or above these shares of the weights are worth a sentence."""


@dataclass(frozen=True)
class Inside:
    """The section: sentences and heat maps."""

    sentences: tuple[str, ...]
    figures: tuple[HeatMap, ...]


def inside(run: Run) -> Inside | None:
    """Return what was seen; None where nobody watched.

    Raises:
        RunError: the file is damaged.
    """
    if not (run.path / FILE).exists():
        return None
    seen = Watched.of(*load_tensors(run.path / FILE))
    return view(seen) if seen.steps else None


def view(seen: Watched) -> Inside:
    """Some watched steps in sentences and maps."""
    return Inside(tuple(_sentences(seen)), tuple(_maps(seen)))


def _sentences(seen: Watched) -> Iterator[str]:
    n = len(seen.steps)
    yield f"Recorded at {n} steps, from step {seen.steps[0]:,} to step {seen.steps[-1]:,}."
    if seen.fault:
        yield f"The first number that was infinite or NaN: {seen.fault}."
    if seen.layers:
        idle = seen.figure("idle")[-1]
        shares = zip(idle.tolist(), seen.layers, strict=True)
        worst = sorted(((share, name) for share, name in shares if share > 0), reverse=True)[:3]
        if worst:
            layers = listed([f"{percent(share)} in {name}" for share, name in worst])
            yield f"Units that were zero for every example at the last recorded step: {layers}."
    ratio = _weights(seen)[0][-1]
    slow, fast = int((ratio < LAZY).sum()), int((ratio > WILD).sum())
    if slow or fast:
        yield (
            f"At the last recorded step, {slow} of {len(ratio)} weight tensors changed by less "
            f"than {LAZY:g} of their norm, {fast} by more than {WILD:g}."
        )


def _weights(seen: Watched) -> tuple[Float[Tensor, "r p"], list[str]]:
    """Updates over weights, of what is not a bias or a scale where anything else learns."""
    at = [i for i, name in enumerate(seen.parameters) if name.endswith("weight")]
    at = at or list(range(len(seen.parameters)))
    return seen.ratio[:, at], [seen.parameters[i].removesuffix(".weight") for i in at]


def _maps(seen: Watched) -> Iterator[HeatMap]:
    ends = f"step {seen.steps[0]:,}", f"step {seen.steps[-1]:,}"
    ratio, names = _weights(seen)
    if seen.layers:
        yield _by_ratios(
            "Spread of the outputs", "Layers in the order of the forward pass: where the spread "
            "shrinks from top to bottom, the signal fades on its way.",
            seen.figure("spread"), seen.layers, ends,
        )  # fmt: skip
        yield _by_ratios(
            "Spread of the gradients", "Gradients of the loss with respect to each layer's "
            "output: where they shrink from bottom to top, the first layers hardly learn.",
            seen.figure("spread", "gradients"), seen.layers, ends,
        )  # fmt: skip
    yield _by_ratios(
        "Update over weight", "The norm of a step's change over that of the weights: about 0.001 "
        "is usual, much more is unstable, much less hardly learns. Grey: no change.",
        ratio, names, ends,
    )  # fmt: skip
    if seen.layers:
        yield _values(seen)


def _by_ratios(
    title: str,
    caption: str,
    values: Float[Tensor, "r n"],
    names: Sequence[str],
    ends: tuple[str, str],
) -> HeatMap:
    """Equal ratios as equal differences of colour, of the rows that have any."""
    some = [i for i in range(len(names)) if (values[:, i] > 0).any()]
    rows = tuple(map(tuple, values[:, some].T.tolist()))
    return HeatMap(
        title, tuple(names[i] for i in some), ends, rows, Axis(title.lower(), "log"), caption
    )


def _values(seen: Watched) -> HeatMap:
    """The distribution of each layer's outputs at the last recorded step."""
    q = seen.quantiles()[-1]
    known = [i for i in range(len(seen.layers)) if q[i].isfinite().all()]
    counts = [_histogram(q[i]) for i in known]
    return HeatMap(
        "Values of the outputs",
        tuple(seen.layers[i] for i in known),
        ("−most", "most"),
        tuple(tuple((row / row.max()).tolist()) for row in counts),
        Axis("outputs, as a share of the commonest value's", low=0.0, high=1.0,
             names=("none", "many")),
        "At the last recorded step, how each layer's outputs are distributed, from minus to plus "
        "its largest value, with zero in the middle: where only the middle is bright, most outputs "
        "are near zero.",
    )  # fmt: skip


def _histogram(q: Float[Tensor, "q"]) -> Float[Tensor, "bins"]:
    """The density over equal steps from minus to plus the largest value, from the quantiles."""
    between = F.interpolate(q[None, None], FINE, mode="linear", align_corners=True)[0, 0]
    return torch.histc(between / q.abs().max().clamp(min=1e-12), BINS, -1, 1)
