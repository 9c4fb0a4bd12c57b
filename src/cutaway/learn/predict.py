"""What a trained network says of single pictures."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from cutaway.data.feed import to_float
from cutaway.errors import DataError, UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.gallery import in_bytes, save_mask
from cutaway.learn.inputs import Input, gathered, several
from cutaway.learn.machine import Machine
from cutaway.learn.tasks import Task, at_rest
from cutaway.learn.tasks.classify import Classify
from cutaway.learn.tasks.segment import Segment
from cutaway.randomness import generator

BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one image, best first; of one that cannot be read, why not."""

    name: str
    top: tuple[tuple[str, float], ...]
    error: str = ""

    @property
    def label(self) -> str:
        """The answer.

        Raises:
            DataError: the image could not be read.
        """
        if self.error:
            raise DataError(self.error)
        return self.top[0][0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        if self.error:
            return {"image": self.name, "error": self.error}
        return {"image": self.name, "top": [list(pair) for pair in self.top]}


class Answer(NamedTuple):
    """What a network says of one image: its outputs, or why it could not be read."""

    name: str
    output: Tensor | None
    error: str = ""

    def best(self, classes: tuple[str, ...]) -> Prediction:
        """The five most probable classes, where the outputs are probabilities."""
        if self.output is None:
            return Prediction(self.name, (), self.error)
        return top(self.name, self.output, classes)


def predict(
    model: nn.Module, task: Task, card: DataCard, machine: Machine, images: Any
) -> list[Prediction]:
    """The five most probable classes of each picture.

    Args:
        images: what `gathered` takes.

    Raises:
        DataError: the only picture asked about cannot be read; of several each says so itself.
        UsageError: the network does not classify.
    """
    if not isinstance(task, Classify):
        raise UsageError(
            "This network does not tell classes: `cutaway generate` draws with it, or "
            "`cutaway evaluate` measures it."
        )
    outputs = _outputs(model, task.probabilities, card, machine)
    return [one.best(card.classes) for one in answered(outputs, card, images)]


def masks(
    model: nn.Module, task: Task, card: DataCard, machine: Machine, images: Any
) -> Iterator[tuple[str, UInt8[Tensor, "h w"] | None, str]]:
    """The most probable class of each pixel of each picture, as large as the network takes it.

    Gives its name, and its mask or why it could not be read.

    Raises:
        UsageError: the network does not tell pixels apart.
        DataError: the only picture asked about cannot be read.
    """
    if not isinstance(task, Segment):
        raise UsageError("This network tells whole images apart, not pixels: use `predict`.")
    outputs = _outputs(model, task.probabilities, card, machine)
    for name, p, error in answered(outputs, card, images):
        yield name, None if p is None else p.argmax(0).byte(), error


def whole(mask: UInt8[Tensor, "h w"] | None, error: str) -> UInt8[Tensor, "h w"]:
    """The mask. Raises DataError where there is none."""
    if mask is None:
        raise DataError(error)
    return mask


def write_masks(
    found: Iterable[tuple[str, UInt8[Tensor, "h w"] | None, str]], classes: Sequence[str], out: Path
) -> list[dict[str, str]]:
    """Write each image's mask as `out/NAME-mask.png`, a palette's colour a class.

    Images of one name are numbered; one that could not be read has its reason instead.

    Raises:
        RunError: they cannot be written.
    """
    written, seen = [], Counter[str]()
    for name, mask, error in found:
        if mask is None:
            written.append({"image": name, "error": error})
            continue
        stem = Path(name).stem
        seen[stem] += 1
        number = f"-{seen[stem]}" if seen[stem] > 1 else ""
        target = out / f"{stem}{number}-mask.png"
        save_mask(target, mask, len(classes))
        shown = ", ".join(classes[k] for k in mask.unique().tolist())
        written.append({"image": name, "mask": str(target), "classes": shown})
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


def _outputs(
    model: nn.Module, probabilities: Callable[[Tensor], Tensor], card: DataCard, machine: Machine
) -> Callable[[UInt8[Tensor, "n h w c"]], Tensor]:
    """From pixels to probabilities, with the network at rest."""

    def outputs(pixels: UInt8[Tensor, "n h w c"]) -> Tensor:
        x = card.normalise(to_float(pixels.to(machine.device)))
        with at_rest(model, machine):
            return probabilities(model(x)).cpu()

    return outputs


def answered(
    outputs: Callable[[UInt8[Tensor, "n h w c"]], Tensor], card: DataCard, images: Any
) -> Iterator[Answer]:
    """What a network says of each picture, a batch at a time.

    Raises:
        DataError: the only picture asked about cannot be read; of several each says so itself.
    """
    strict = not several(images)
    inputs = gathered(images, card.levels)
    for start in range(0, len(inputs), BATCH):
        batch = inputs[start : start + BATCH]
        readings = [read(one, card, strict) for one in batch]
        sound = [pixels for pixels in readings if isinstance(pixels, Tensor)]
        found = iter(outputs(torch.stack(sound)) if sound else ())
        for one, reading in zip(batch, readings, strict=True):
            if isinstance(reading, str):
                yield Answer(one.name, None, reading)
            else:
                yield Answer(one.name, next(found))


def read(one: Input, card: DataCard, strict: bool) -> UInt8[Tensor, "h w c"] | str:
    """The pixels of a picture as the network takes it, or why it cannot be read.

    Raises:
        DataError: the same, where `strict` asks for it.
    """
    try:
        return one.pixels(card)
    except DataError as error:
        if strict:
            raise
        return str(error)


def top(name: str, probabilities: Float[Tensor, " k"], classes: tuple[str, ...]) -> Prediction:
    """The five most probable classes."""
    best = probabilities.topk(min(5, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(name, tuple((classes[i], p) for i, p in pairs))
