"""How to learn from photographs, where nobody names a network: chosen from what they are.

The rule is fixed and looks at counts and sizes alone (docs/photographs.md has what it is based on):

1. Pictures below 32 pixels, and pictures below 64 pixels of which there are more than 1,000 of each
   class, are learned from scratch. So is everything where the pre-trained weights are missing.
2. Everything else begins with weights that were learned from ImageNet. `fast` trains the head on
   features that are computed once; `good` goes on with all layers, at lower rates; `best` does so
   on larger pictures, and for longer. Fewer images are seen more often, and regularised more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import PARTS, ImageSet
from cutaway.data.target import Classes, Labels, Values
from cutaway.errors import UsageError, nearest
from cutaway.learn.options import TRANSFER
from cutaway.learn.recipe import Recipe
from cutaway.models import find
from cutaway.settings import Options

QUALITIES = ("fast", "good", "best")
TASKS = ("classify", "multi-label", "regress")
BACKBONE = "efficientnet_lite0"
TINY, SMALL, MANY = 32, 64, 1000
"""Sides in pixels, and images of the smallest class, of the rule above."""
LEAST, USUAL, LARGE = 96, 128, 224
"""Pictures are enlarged to the first side where they are smaller, and reduced to the second where
they are larger; `best` takes the third."""
FEW = 2000
"""Images below which a network is regularised more."""
SEEN = {"good": 12_000, "best": 24_000}
"""Images that all layers together are trained on, about; in 3 epochs at least, and at most 12 or
24."""
HEAD: Options = {"freeze": "backbone", "augment": "none", "lr": 0.001}
"""The training of the head alone, whose epochs cost next to nothing. At a rate of 0.005 it ended 5
points behind a logistic regression on the same features (500 images of CIFAR-10)."""
HEAD_SEEN = 20_000
"""Images that the head alone is trained on, about; in 20 epochs at least, and at most 200."""


@dataclass(frozen=True)
class Facts:
    """What the rule looks at.

    Attributes:
        images: how many there are, without those that are given to be tested on.
        classes: how many classes, labels or numbers are told.
        smallest: images of the smallest class, or of the rarest label; all, where numbers are told.
        side: shorter side of the pictures in pixels; of large ones, the 128 that they are read at.
        lacking: a sentence on how to get the pre-trained weights; empty where they are there.
        kind: what is told: `class`, `labels` or `value`.
    """

    images: int
    classes: int
    smallest: int
    side: int
    lacking: str = ""
    kind: str = Classes.kind

    @classmethod
    def of(cls, images: ImageSet) -> "Facts":
        counts, learned = _counts(images)
        side, kind = min(images.size), images.target.kind
        return cls(learned, len(counts), int(counts.min()), side, _lacking(), kind)

    def __str__(self) -> str:
        some = f"{self.images:,} images"
        if self.kind == Values.kind:
            return some
        if self.kind == Labels.kind:
            return f"{some} with {self.classes} labels, {self.smallest:,} with the rarest"
        return f"{some} in {self.classes} classes, {self.smallest:,} in the smallest"


@dataclass(frozen=True)
class Plan:
    """A recipe, and in a sentence what was chosen and why; nothing where it was asked for."""

    recipe: Recipe
    why: str = ""


def choose(
    images: ImageSet, beginning: Recipe, changes: Mapping[str, Any], quality: str = ""
) -> Plan:
    """Choose how to learn from pictures, and change it as the user says.

    Args:
        beginning: the recipe that learns from scratch.
        changes: as `Recipe.with_options` takes them.
        quality: of QUALITIES; by default `good`.

    Raises:
        UsageError: there is no such quality, or nothing of pictures to choose for.
    """
    asked = beginning.with_options(**changes)
    pictures = len(images.size) == 2 and images.channels in (1, 3) and images.tail is None
    if pictures and asked.task in TASKS and isinstance(images.target, Classes | Labels | Values):
        begun = beginning.with_options(task=asked.task)  # another task begins with settings anew
        plan = plan_for(Facts.of(images), begun, quality or "good")
        return replace(plan, recipe=plan.recipe.with_options(**changes))
    if quality:
        raise UsageError(
            "--quality is for pictures whose classes, labels or numbers are learned: leave it out."
        )
    return Plan(asked)


def check_quality(quality: str) -> None:
    """Raises UsageError where there is no such quality."""
    if quality not in QUALITIES:
        raise UsageError(f"There is no quality '{quality}'.{nearest(quality, QUALITIES)}")


def plan_for(facts: Facts, beginning: Recipe, quality: str) -> Plan:
    """The rule; raises UsageError where there is no such quality."""
    check_quality(quality)
    if why := _from_scratch(facts):
        return Plan(beginning, f"Chosen: {beginning.model} from scratch, because {why}.")
    recipe = beginning.override(**_transfer(facts, quality))
    layers = "its head" if quality == "fast" else "first its head, then all layers at lower rates"
    return Plan(recipe, (
        f"Chosen: {BACKBONE} with weights learned from ImageNet, {layers}, because these are "
        f"{facts}, and it needs fewer than a network that begins anew."
    ))  # fmt: skip


def _from_scratch(facts: Facts) -> str:
    """The reason to begin with random weights; nothing where there is none."""
    if facts.lacking:
        return facts.lacking[:1].lower() + facts.lacking[1:].rstrip(".")
    if facts.side < TINY:
        return f"pictures of {facts.side} pixels show little of what pre-trained weights look for"
    if facts.side < SMALL and facts.smallest > MANY:
        return f"there are many small pictures: {facts}, of {facts.side} pixels"
    return ""


def _transfer(facts: Facts, quality: str) -> Options:
    """The changes to a recipe that begins with pre-trained weights."""
    small = facts.side < LEAST
    changes = TRANSFER | {"model": BACKBONE, "pretrained": "auto", "batch_size": 32}
    usual = USUAL if facts.side > USUAL else 0  # as files are read, where arrays are larger
    changes["image_size"] = LEAST if small else LARGE if quality == "best" else usual
    if facts.images < FEW:
        changes |= {"label_smoothing": 0.1 * (facts.kind == Classes.kind), "weight_decay": 0.05}
    head = HEAD | {"epochs": max(20, min(200, HEAD_SEEN // max(1, facts.images)))}
    if facts.kind != Values.kind:
        head["dropout"] = 0.5
    if quality == "fast":
        return changes | head
    seen = SEEN[quality]
    epochs = max(3, min(seen // 1000, seen // max(1, facts.images)))
    layers: Options = {"freeze": "", "lr": 0.002, "backbone_rate": 0.25, "epochs": epochs}
    return changes | layers | {"stages": [head, {}]}


def _counts(images: ImageSet) -> tuple[Int[Tensor, " k"], int]:
    """Images of each class or label that there is, or all of them for each number; and of all,
    without those that are given to be tested on."""
    learned = images.targets >= 0
    if images.parts is not None:
        learned &= images.parts != PARTS.index("test")
    whole = int(learned.sum())
    if isinstance(images.target, Values):
        return torch.full((images.target.outputs,), whole), whole
    if images.labels is not None:
        counts = images.labels[learned].long().sum(0)
    else:
        counts = torch.bincount(images.targets[learned])
    return (counts[counts > 0] if counts.any() else torch.zeros(1, dtype=torch.long)), whole


def _lacking() -> str:
    weights = find(BACKBONE).weights
    assert weights is not None
    try:
        weights.find()
    except UsageError as problem:
        return str(problem)
    return ""
