"""Test-time augmentation: the mean of a network's answers to several views of an image."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.augment import Flip, augment_for
from cutaway.data.target import Target
from cutaway.errors import UsageError
from cutaway.learn.answers import Answered
from cutaway.learn.predict import answered
from cutaway.learn.run import Run
from cutaway.learn.task import Task
from cutaway.learn.unlike import Familiar

STEP = 32
"""A view is shifted by one pixel for as many of the image's side, and by one at least."""


class View(NamedTuple):
    """An image moved by pixels, its edge repeated, and mirrored left to right."""

    down: int = 0
    right: int = 0
    mirrored: bool = False

    def of(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        (height, width), edge = x.shape[2:], max(abs(self.down), abs(self.right))
        wide = F.pad(x, (edge,) * 4, mode="replicate") if edge else x
        top, left = edge - self.down, edge - self.right
        moved = wide[:, :, top : top + height, left : left + width]
        return moved.flip(3) if self.mirrored else moved


def views(side: int, mirrored: bool) -> tuple[View, ...]:
    """Five places, in both directions where mirrored; the image as it is comes last."""
    step = max(1, round(side / STEP))
    places = [View(step), View(-step), View(0, step), View(0, -step), View()]
    ways = (True, False) if mirrored else (False,)
    return tuple(one._replace(mirrored=way) for way in ways for one in places)


class Views(nn.Module):
    """The output whose answer is the mean of the answers to the views of an image."""

    def __init__(self, network: nn.Module, task: Task, target: Target, views: tuple[View, ...]):
        super().__init__()
        self.network, self.task, self.target, self.views = network, task, target, views

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b *any"]:
        answers = [self.task.answer(self.network(one.of(x)), self.target) for one in self.views]
        return self.task.output_of(torch.stack(answers).mean(0), self.target)


class ViewedRun(Run):
    """A run that answers about several views of each image.

    Raises:
        UsageError: it takes no pictures, or its answers have no mean; where it is first asked.
    """

    @cached_property
    def model(self) -> nn.Module:
        card, recipe = self.data, self.recipe.in_stages()[-1]
        if len(card.size) != 2 or not self.task.pooled:
            what = "of signals and videos" if len(card.size) != 2 else f"of '{self.task.name()}'"
            raise UsageError(
                "--tta takes the mean of the answers to several views of a picture, and the "
                f"answers {what} have none: leave it out."
            )
        mirrored = False
        with suppress(UsageError):  # a transform of the user's own
            transforms = augment_for(recipe.augment, card.size).transforms
            mirrored = any(isinstance(one, Flip) and one.active for one in transforms)
        network = self.task.answering(Run(self.path, self.given, self._data).model)
        return Views(network, self.task, card.target, views(min(card.size), mirrored)).eval()

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        if coverage is not None:
            raise UsageError(
                "Sets of classes and intervals follow from answers to images as they are: leave "
                "--coverage out, or --tta."
            )
        familiar = Familiar.of(self.path)
        if familiar:  # the network as it is is asked last, and its features are those that count
            familiar = replace(familiar, layer=f"network.{familiar.layer}")
        return answered(self.model, self.task, self.data, self.runtime, images, familiar)


def viewed(network: object) -> ViewedRun:
    """What was opened, answering about several views.

    Raises:
        UsageError: it is no single run.
    """
    if not isinstance(network, Run):
        raise UsageError("--tta is for a single run, not for a fleet: name one of its members.")
    return ViewedRun(network.path, network.given, network._data)
