"""What a watched run saw inside its network: a map of layers by steps for each figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from cutaway.learn.checkpoint import load_tensors
from cutaway.learn.run import Run
from cutaway.learn.watching import FILE
from cutaway.see.watched import Watched
from cutaway.show.axes import short
from cutaway.show.pictures import Picture, picture
from cutaway.show.ramp import coloured, css
from cutaway.show.words import listed, percent

LEFT, WIDTH, BELOW = 130, 400, 34
"""Of a map, in its own units, which are those of charts."""
ROW, TALL, TEXT = 15, 420, 12
"""Height of a row, of all rows at most (or a unit each), and of a name."""
LETTERS = 20
BINS, FINE = 31, 4096
LAZY, WILD = 1e-5, 0.1
"""Updates below or above these shares of the weights are worth a sentence."""


@dataclass(frozen=True)
class Name:
    """A row's name: in short, whole, and where it stands."""

    text: str
    whole: str
    y: float


@dataclass(frozen=True)
class Map:
    """Rows of layers, columns of steps or of values, a colour for each figure.

    Attributes:
        below: what stands at the left and the right end of the columns.
        ends: the figures of the first and the last colour.
    """

    title: str
    caption: str
    picture: Picture
    names: tuple[Name, ...]
    height: float
    below: tuple[str, str]
    ends: tuple[str, str]
    left: int = LEFT
    width: int = WIDTH

    @property
    def whole(self) -> float:
        return self.height + BELOW


@dataclass(frozen=True)
class Inside:
    """What the section says."""

    said: tuple[str, ...]
    maps: tuple[Map, ...]

    @property
    def ramp(self) -> str:
        """The colours from low to high, as CSS has them."""
        return css()


def inside(run: Run) -> Inside | None:
    """What was seen; None where nobody watched.

    Raises:
        RunError: the file is damaged.
    """
    if not (run.path / FILE).exists():
        return None
    seen = Watched.of(*load_tensors(run.path / FILE))
    return view(seen) if seen.steps else None


def view(seen: Watched) -> Inside:
    """Some watched steps in sentences and maps."""
    return Inside(tuple(_said(seen)), tuple(_maps(seen)))


def _said(seen: Watched) -> Iterator[str]:
    n = len(seen.steps)
    yield f"Recorded at {n} steps, from step {seen.steps[0]:,} to step {seen.steps[-1]:,}."
    if seen.fault:
        yield f"The first number that was infinite or NaN: {seen.fault}."
    if seen.layers:
        idle = seen.figure("idle")[-1]
        shares = zip(idle.tolist(), seen.layers, strict=True)
        worst = sorted(((share, name) for share, name in shares if share > 0), reverse=True)[:3]
        if worst:
            said = listed([f"{percent(share)} in {name}" for share, name in worst])
            yield f"Units that were zero for every example at the last recorded step: {said}."
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


def _maps(seen: Watched) -> Iterator[Map]:
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
    below: tuple[str, str],
) -> Map:
    """Equal ratios as equal differences of colour."""
    kept = [i for i in range(len(names)) if (values[:, i] > 0).any()]
    shown = values[:, kept].T
    logs = shown.where(shown > 0, torch.nan).log10()
    known = logs[logs.isfinite()]
    low, high = (known.min().item(), known.max().item()) if len(known) else (0.0, 1.0)
    colours = _bytes((logs - low) / max(high - low, 1e-6))
    ends = short(_round(10**low)), short(_round(10**high))
    return _map(title, caption, colours, [names[i] for i in kept], below, ends)


def _values(seen: Watched) -> Map:
    """How the outputs of each layer are spread over values, at the last look."""
    q = seen.quantiles()[-1]
    kept = [i for i in range(len(seen.layers)) if q[i].isfinite().all()]
    counts = torch.stack([_histogram(q[i]) for i in kept])
    shares = counts / counts.amax(1, keepdim=True)
    names = [seen.layers[i] for i in kept]
    return _map(
        "Values of the outputs", "At the last recorded step, how each layer's outputs are "
        "distributed, from minus to plus its largest value, with zero in the middle: where only "
        "the middle is bright, most outputs are near zero.",
        _bytes(shares), names, ("−most", "most"), ("none", "many"),
    )  # fmt: skip


def _histogram(q: Float[Tensor, "q"]) -> Float[Tensor, "bins"]:
    """The density over equal steps from minus to plus the largest value, from the quantiles."""
    between = F.interpolate(q[None, None], FINE, mode="linear", align_corners=True)[0, 0]
    return torch.histc(between / q.abs().max().clamp(min=1e-12), BINS, -1, 1)


def _bytes(shares: Float[Tensor, "n k"]) -> UInt8[Tensor, "n k 3"]:
    return coloured(shares).to(torch.uint8)


def _map(
    title: str,
    caption: str,
    colours: UInt8[Tensor, "n k 3"],
    names: Sequence[str],
    below: tuple[str, str],
    ends: tuple[str, str],
) -> Map:
    n = len(names)
    row = min(ROW, max(1.0, TALL / max(n, 1)))
    each = -(-TEXT // row)
    shown = tuple(
        Name(_brief(name), name, round((i + 0.5) * row + 4, 1))
        for i, name in enumerate(names)
        if i % each == 0
    )
    size = 1 << 16  # not reduced, and as PNG
    drawn = picture(colours, size, size)
    return Map(title, caption, drawn, shown, round(n * row, 1), below, ends)


def _brief(name: str) -> str:
    """The end of a long name, where names differ."""
    return name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}"


def _round(value: float) -> float:
    return float(f"{value:.1e}")
