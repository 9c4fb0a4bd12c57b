"""What a trained network says of single pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.errors import UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.gallery import in_bytes, save_mask
from cutaway.learn.machine import Machine
from cutaway.learn.tasks import Task, at_rest
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.segment import Segment
from cutaway.randomness import generator

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one image, best first."""

    name: str
    top: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        return self.top[0][0]


def predict(
    model: nn.Module, task: Task, card: DataCard, machine: Machine, sources: Sequence[Any]
) -> list[Prediction]:
    """The five most probable classes of each picture.

    Args:
        sources: paths or encoded bytes.

    Raises:
        DataError: a file that is not there or not an image.
        UsageError: the network does not classify.
    """
    if not isinstance(task, Classify):
        raise UsageError(
            "This network does not tell classes: `cutaway generate` draws with it, or "
            "`cutaway evaluate` measures it."
        )
    answers = _answers(model, task.probabilities, card, machine, sources)
    return [top(name, p, card.classes) for name, p in answers]


def masks(
    model: nn.Module, task: Task, card: DataCard, machine: Machine, sources: Sequence[Any]
) -> list[UInt8[Tensor, "h w"]]:
    """The most probable class of each pixel of each picture, as large as the network takes it.

    Raises:
        UsageError: the network does not tell pixels apart.
        DataError: a file that is not there or not an image.
    """
    if not isinstance(task, Segment):
        raise UsageError("This network tells whole images apart, not pixels: use `predict`.")
    answers = _answers(model, task.probabilities, card, machine, sources)
    return [p.argmax(0).byte() for _, p in answers]


def write_masks(
    found: Sequence[UInt8[Tensor, "h w"]], images: Sequence[Path], classes: Sequence[str], out: Path
) -> list[dict[str, str]]:
    """Write each image's mask as `out/NAME-mask.png`, a palette's colour a class.

    Raises:
        RunError: they cannot be written.
    """
    written = []
    for path, mask in zip(images, found, strict=True):
        target = out / f"{path.stem}-mask.png"
        save_mask(target, mask, len(classes))
        seen = ", ".join(classes[k] for k in mask.unique().tolist())
        written.append({"image": str(path), "mask": str(target), "classes": seen})
    return written


def draw(
    model: Any, card: DataCard, machine: Machine, count: int, seed: int
) -> UInt8[Tensor, "n *grid c"]:
    """Images from codes z of N(0, 1), which the seed decides.

    Raises:
        UsageError: the network draws none.
    """
    if not hasattr(model, "generate"):
        raise UsageError("This network draws no images: `cutaway models` shows which ones do.")
    z = torch.randn(count, model.latent, generator=generator(seed, "generate"))
    with at_rest(model, machine):
        parts = [model.generate(part.to(machine.device)) for part in z.split(BATCH)]
    return in_bytes(card.normalise.undo(torch.cat(parts).float()))


def _answers(
    model: nn.Module,
    probabilities: Callable[[Tensor], Tensor],
    card: DataCard,
    machine: Machine,
    sources: Sequence[Any],
) -> Iterator[tuple[str, Tensor]]:
    """The name of each picture, and what the network answers."""
    for start in range(0, len(sources), BATCH):
        chunk = sources[start : start + BATCH]
        pixels = torch.stack([card.pixels(source) for source in chunk])
        x = card.normalise(to_float(pixels.to(machine.device)))
        with at_rest(model, machine):
            found = probabilities(model(x)).cpu()
        for i, (source, p) in enumerate(zip(chunk, found, strict=True), start):
            yield named(source, i), p


def named(source: Any, place: int) -> str:
    """What a picture is called: its path, or its place in the list."""
    return str(source) if isinstance(source, str | Path) else f"image {place}"


def top(name: str, probabilities: Float[Tensor, " k"], classes: tuple[str, ...]) -> Prediction:
    """The five most probable classes."""
    best = probabilities.topk(min(5, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(name, tuple((classes[i], p) for i, p in pairs))
