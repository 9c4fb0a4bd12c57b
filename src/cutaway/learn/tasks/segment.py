"""One class a pixel."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypedDict

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Masks, Target
from cutaway.learn.columns import Row, columns
from cutaway.learn.evaluation import Evaluation, Summary, number
from cutaway.learn.image_grid import palette
from cutaway.learn.mask_prediction import MaskPrediction
from cutaway.learn.metrics import HIGHER, Metric, loss
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect
from cutaway.settings import Options

SHOWN = 16
"""Images whose masks are kept for the report, from the worst to the best in even steps."""


class SegmentationSummary(TypedDict):
    """The results of a network that segments."""

    images: int
    iou: float
    accuracy: float
    loss: float
    iou_by_class: dict[str, float | None]


@dataclass(frozen=True)
class Segmentation(Evaluation):
    """An evaluation of segmented images.

    Attributes:
        confusion: pixels; rows are true classes, columns are answered ones.
        index, iou: each image's position in the set, and its own mean IoU.
        shown, masks: rows of `index` whose answered masks are kept, and those masks.
        loss: mean of -log p(true class) over the pixels, in nats.
    """

    classes: tuple[str, ...]
    confusion: Int[Tensor, "k k"]
    index: Int[Tensor, " n"]
    iou: Float[Tensor, " n"]
    shown: Int[Tensor, " m"]
    masks: UInt8[Tensor, "m h w"]
    loss: float

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def per_class(self) -> list[float | None]:
        """Pixels in both over pixels in either; None for a class that occurs in neither."""
        return intersection_over_union(self.confusion)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that occur (Everingham et al. 2010)."""
        return mean_of_known(self.per_class)

    @property
    def pixel_accuracy(self) -> float:
        return (self.confusion.diagonal().sum() / self.confusion.sum()).item()

    def summary(self) -> SegmentationSummary:
        return {
            "images": len(self),
            "iou": self.mean_iou,
            "accuracy": self.pixel_accuracy,
            "loss": self.loss,
            "iou_by_class": dict(zip(self.classes, self.per_class, strict=True)),
        }

    def tensors(self) -> dict[str, Tensor]:
        names = ("confusion", "index", "iou", "shown", "masks")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Segment(Task):
    """Minimise -log softmax(s)_t for every pixel.

    Source: Ronneberger et al. 2015, section 3; the course's statistics text, pages 55 and 56.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        loss("nats a pixel"),
        Metric(
            "iou", "mean IoU", axis="mean IoU (%)", unit="%", higher=True,
            each=lambda tensors: tensors["iou"], of_examples="mean IoU of an image",
            caption=f"{HIGHER} Of the pixels that are of a class or predicted as it, the share "
            "that is both; mean over the classes.",
        ),
        Metric(
            "accuracy", axis="accuracy (%)", unit="%", higher=True,
            caption=f"{HIGHER} A gap that widens between training and validation is overfitting.",
        ),
    )  # fmt: skip
    primary: ClassVar[str] = "iou"
    needs: ClassVar[type[Target] | None] = Masks
    page: ClassVar[str] = "segment"
    begins: ClassVar[Options] = PLAIN | ADAM | {"lr": 0.005, "epochs": 4, "batch_size": 16}

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            s = model(batch.x)
            right = (s.detach().argmax(1) == batch.t).flatten(1).float().mean(1)
            return F.cross_entropy(s, batch.t), {"accuracy": right.sum()}

        return (Player("model", tuple(model.parameters()), loss),)

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        k = target.outputs
        shape = (len(batch), k, *batch.x.shape[2:])
        expect(model(batch.x), shape, f"segmenting into {k} classes")

    def answer(self, output: Float[Tensor, "b k h w"], target: Target) -> Float[Tensor, "b k h w"]:
        """The network's output as probabilities."""
        return output.float().softmax(1)

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> MaskPrediction:
        if answer is None:
            return MaskPrediction(name=name, error=error)
        surest, best = answer.max(0)
        mask, unsure = best.byte(), 1 - surest.mean().item()
        present = tuple(target.names[k] for k in mask.unique().tolist())
        return MaskPrediction(
            name=name, mask=mask, classes=target.names, present=present, unsure=unsure
        )

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        counts = confusions(truth.long(), answers.argmax(1), target.outputs)
        return {"iou": mean_of_known(intersection_over_union(counts.sum(0)))}

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        t = torch.arange(x[:, 0].numel()).reshape(x[:, 0].shape) % classes
        return Batch(x, t, torch.arange(len(x)))

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Segmentation:
        k = target.outputs

        def found(batch: Batch) -> Row:
            s = model(batch.x).float()
            answer = s.argmax(1)
            loss = F.cross_entropy(s, batch.t, reduction="none").flatten(1).mean(1).double()
            return batch.index, confusions(batch.t, answer, k), answer.byte(), loss

        with at_rest(model, runtime):
            index, each, answers, losses = columns(feed, runtime, found)
        own = [intersection_over_union(one) for one in each]
        iou = torch.tensor([mean_of_known(values) for values in own])
        order = iou.argsort(stable=True)
        shown = order[torch.linspace(0, len(order) - 1, min(SHOWN, len(order))).long()]
        masks, loss = answers[shown], losses.mean().item()
        return Segmentation(target.classes, each.sum(0), index, iou, shown, masks, loss)

    def recall(self, tensors: dict[str, Tensor], summary: Summary, target: Target) -> Segmentation:
        return Segmentation(target.classes, **tensors, loss=number(summary, "loss"))

    def picture(self, model: nn.Module, batch: Batch, runtime: Runtime) -> Float[Tensor, "n 3 h w"]:
        with at_rest(model, runtime):
            s = model(batch.x)
        return coloured(s.argmax(1), s.shape[1]).movedim(-1, 1).float() / 255


def coloured(
    masks: Int[Tensor, "n h w"] | UInt8[Tensor, "n h w"], classes: int
) -> UInt8[Tensor, "n h w 3"]:
    """Masks with a colour a class."""
    return palette(classes)[masks.long().cpu()]


def confusions(
    target: Int[Tensor, "b h w"], answer: Int[Tensor, "b h w"], k: int
) -> Int[Tensor, "b k k"]:
    """For each image the pixels of each pair (true class, answered class)."""
    image = torch.arange(len(target), device=target.device).view(-1, 1, 1)
    at = (image * k + target) * k + answer
    return torch.bincount(at.flatten(), minlength=len(target) * k**2).view(-1, k, k)


def intersection_over_union(confusion: Int[Tensor, "k k"]) -> list[float | None]:
    """Of each class: pixels in both over pixels in either, None where there are none."""
    both = confusion.diagonal()
    either = confusion.sum(0) + confusion.sum(1) - both
    return [b / e if e else None for b, e in zip(both.tolist(), either.tolist(), strict=True)]


def mean_of_known(values: list[float | None]) -> float:
    """The mean without the classes that occur nowhere."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known)
