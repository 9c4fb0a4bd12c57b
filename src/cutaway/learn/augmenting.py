"""Whether an augmentation leaves the classes as they are, found out before anything is learned.

An arrow to the left, mirrored, is an arrow to the right: a network that learns from mirrored images
cannot tell them apart. So a plain classifier is tried first, in a cross-validation on some of the
training images: is it right less often once it learns from altered copies as well? It goes from
patch features (`patch_features`) to the classes by ridge regression: less than a second, and it
works at any place.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from cutaway.data.augment import AUTO, Augment, Flip, Rotate, Transform, augment_for, warp
from cutaway.data.elsewhere import in_few_shards
from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.split import Split
from cutaway.data.target import Classes
from cutaway.learn.augmentation import names_an_object
from cutaway.learn.notes import Note, note
from cutaway.learn.patch_features import patch_features, small
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.stats import mcnemar
from cutaway.learn.tasks import make_task
from cutaway.randomness import generator

MOST = 400
"""Images that are tried at most."""
FOLDS, RIDGE = 5, 0.1
"""Parts of the cross-validation, and how strongly the regression is pulled to zero."""
SURE = 0.002
"""p (McNemar, two-sided) below which more wrong answers are no chance: 10 more and none fewer."""
COPIES: dict[type[Transform], str] = {Flip: "mirrored", Rotate: "turned"}
"""The transforms that are tried, with what they make of an image: many classes differ in which way
something points, and few in what small moves and colours change."""


@dataclass(frozen=True)
class Trial:
    """A plain classifier's results on the same images, without altered copies and with them.

    Attributes:
        images: how many were asked about.
        right: how many of them it told right, without copies and with them.
        lost, won: those that it told right only without, and only with them.
        pair: two classes that most of the lost ones were mistaken for each other; or none.
    """

    images: int
    right: tuple[int, int]
    lost: int
    won: int
    pair: tuple[str, ...] = ()

    @property
    def harmful(self) -> bool:
        """Whether the copies made it worse, and not by chance."""
        return self.lost > self.won and mcnemar(self.lost, self.won) < SURE


def choose_augmentation(
    recipe: Recipe, images: ImageSet, parts: Split
) -> tuple[Recipe, list[Note]]:
    """Replace `auto` in a recipe; with notes on augmentations that change classes.

    What was asked for by name stays. The training images alone are looked at.
    """
    augmented = [_of_stage(stage, images, parts, recipe.seed) for stage in recipe.in_stages()]
    texts = [text for text, _ in augmented]
    said = dict.fromkeys(sentence for _, sentence in augmented if sentence)
    whole = texts[0] if recipe.augment == AUTO else recipe.augment
    stages = [
        stage if stage.get("augment", whole) == text else stage | {"augment": text}
        for stage, text in zip(recipe.stages, texts, strict=False)
    ]
    return recipe.override(augment=whole, stages=stages), [
        note("augmentation", sentence) for sentence in said
    ]


def _of_stage(recipe: Recipe, images: ImageSet, parts: Split, seed: int) -> tuple[str, str]:
    """A stage's augmentation, and a sentence where a part of it changes the classes."""
    if recipe.augment.startswith(OWN) or names_an_object(recipe.augment):
        return recipe.augment, ""
    wish, auto = augment_for(recipe.augment, images.size), recipe.augment == AUTO
    known = labelled(parts, images, recipe.labels, seed) if recipe.labels else parts.train
    trials = {
        each: try_copies(images, known, each)
        for each in wish.transforms
        if each.active and type(each) in COPIES and _tells_classes(recipe, images)
    }
    harmful = {each: trial for each, trial in trials.items() if trial.harmful}
    rest = Augment(tuple(each for each in wish.transforms if each not in harmful))
    text = str(rest) if auto else recipe.augment
    return text, " ".join(
        _said(each, trial, auto, str(wish if auto else rest)) for each, trial in harmful.items()
    )


def _tells_classes(recipe: Recipe, images: ImageSet) -> bool:
    """Whether whole pictures are told apart by their class."""
    classes = make_task(recipe).classifies and isinstance(images.target, Classes)
    return classes and len(images.classes) > 1 and len(images.size) == 2


def _said(transform: Transform, trial: Trial, auto: bool, instead: str) -> str:
    without, with_copies = (f"{100 * count / trial.images:.0f} %" for count in trial.right)
    pair = f" ('{trial.pair[0]}' and '{trial.pair[1]}' are confused)" if trial.pair else ""
    what = "is left out: it" if auto else "does not suit these images: it"
    ends = "To use it all the same" if auto else "To leave it out"
    return (
        f"The augmentation '{transform}' {what} makes classes alike. A quick classifier predicted "
        f"{without} of {trial.images} training images correctly, and {with_copies} once it was "
        f"also trained on {COPIES[type(transform)]} copies{pair}. {ends}: --augment {instead}"
    )


_known: dict[str, Trial] = {}
"""Trials by what was asked: the members of a fleet ask the same."""


def try_copies(images: ImageSet, index: Int[Tensor, " m"], transform: Transform) -> Trial:
    """Try copies altered by a transform on a plain classifier of the images at `index`."""
    question = f"{images.fingerprint} {transform}".encode() + index.numpy().tobytes()
    key = blake2b(question, digest_size=16).hexdigest()
    if key not in _known:
        draw = generator(0, "augmenting")
        some = in_few_shards(images.images, index[images.targets[index] >= 0], MOST)
        some = some[torch.randperm(len(some), generator=draw)[:MOST]]
        _known[key] = _CrossValidation(images, some, transform).trial()
    return _known[key]


def _altered(x: Float[Tensor, "n c h w"], transform: Transform) -> Float[Tensor, "n c h w"]:
    """Every image as the transform alters it at most: mirrored, or turned by the largest angle."""
    if not isinstance(transform, Rotate):
        return x.flip(3)
    turn = math.radians(transform.degrees)
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return warp(x, matrix.expand(len(x), 3, 3))


class _CrossValidation:
    """A cross-validation without copies and with them."""

    def __init__(self, images: ImageSet, some: Int[Tensor, " n"], transform: Transform):
        self.classes, self.t = images.classes, images.targets[some].long()
        x = small(to_float(images.images[some]))
        self.x, self.copies = x, _altered(x, transform)
        self.fold = torch.arange(len(some)) % FOLDS

    def trial(self) -> Trial:
        """Run it; nothing is lost or won where there are too few images to divide."""
        if len(self.t) < 2 * FOLDS:
            return Trial(len(self.t), (0, 0), 0, 0)
        without, with_copies = self._answers(False), self._answers(True)
        right, still = without == self.t, with_copies == self.t
        lost = right & ~still
        count = (int(right.sum()), int(still.sum()))
        pair = self._pair(self.t[lost], with_copies[lost])
        return Trial(len(self.t), count, int(lost.sum()), int((still & ~right).sum()), pair)

    def _answers(self, copies: bool) -> Int[Tensor, " n"]:
        """For each image the class that is found without it."""
        answers = torch.empty_like(self.t)
        for k in range(FOLDS):
            held = self.fold == k
            x, t = self._features[0][~held], self.t[~held]
            if copies:
                x, t = torch.cat([x, self._features[1][~held]]), torch.cat([t, t])
            answers[held] = _ridge(x, t, self._features[0][held], len(self.classes))
        return answers

    @cached_property
    def _features(self) -> tuple[Tensor, Tensor]:
        """Of the images and of their copies."""
        both = torch.cat([self.x, self.copies])
        x, copies = patch_features(both, both).chunk(2)
        return x, copies

    def _pair(self, true: Tensor, answered: Tensor) -> tuple[str, ...]:
        """The two classes within which most of these mistakes were made."""
        pairs = Counter(frozenset(both) for both in torch.stack([true, answered], 1).tolist())
        for pair, count in pairs.most_common(1):
            if 2 * count > len(true):
                return tuple(self.classes[c] for c in sorted(pair))
        return ()


def _ridge(
    x: Float[Tensor, "n d"], t: Int[Tensor, " n"], queries: Float[Tensor, "m d"], classes: int
) -> Int[Tensor, " m"]:
    """The classes of those asked about, by ridge regression on the others' features."""
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, queries = (x - mean) / std, (queries - mean) / std
    y = F.one_hot(t, classes).to(x)
    pull = RIDGE * x.shape[1] * torch.eye(len(x), dtype=x.dtype)
    weights: Tensor = torch.linalg.solve(x @ x.T + pull, y - y.mean(0))
    return (queries @ x.T @ weights + y.mean(0)).argmax(1)
