"""Pictures of regularisers: images as they were shown, mixed ones, and units that were left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.imageset import ImageSet
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.mixing import Mixed, mix
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.regularise import dropouts
from cutaway.learn.run import Run
from cutaway.learn.stage import feed
from cutaway.randomness import generator, reseed_global
from cutaway.show.pictures import Picture, Signal, example, flat, sheet
from cutaway.show.words import percent

COLUMNS, MIXTURES, UNITS, LAYERS = 8, 6, 40, 6


@dataclass(frozen=True)
class Altered:
    """Images as they are, and below them as the first step showed them."""

    picture: Picture
    count: int


@dataclass(frozen=True)
class Mixture:
    """A mixed image, and in words what it is made of."""

    picture: Picture | Signal
    text: str


@dataclass(frozen=True)
class Units:
    """A draw of dropout: those of `UNITS` units that are kept, a row a layer, as one path."""

    kept: str
    out: str
    rows: int
    columns: int = UNITS


def altered(run: Run, stages: Sequence[Recipe], images: ImageSet) -> Altered | None:
    """The first images of the first step of the last stage that augmented.

    None where that was an augmentation of the user's own, which is not at hand any more.
    """
    for recipe in reversed(stages):
        if recipe.augment.startswith(OWN) and run.augment is None:
            return None
        if recipe.augment != "none":
            before, after = (
                _pixels(run, feed(recipe, run, images, how).batch(0).x[:COLUMNS])
                for how in (False, True)
            )
            return Altered(sheet(flat(torch.cat([before, after])), len(before)), len(before))
    return None


def mixtures(run: Run, stages: Sequence[Recipe], images: ImageSet) -> tuple[Mixture, ...]:
    """A mixed image of each of the first steps of the last stage that mixed, as they were."""
    for recipe in reversed(stages):
        if recipe.mixup or recipe.cutmix:
            batches = feed(recipe, run, images)
            steps = min(MIXTURES, recipe.epochs * batches.batches_per_epoch)
            return tuple(_mixture(run, recipe, batches.batch(i), i) for i in range(steps))
    return ()


def _mixture(run: Run, recipe: Recipe, batch: Batch, step: int) -> Mixture:
    """The first image of a step that is made of two classes, as the step mixed it."""
    part = next(batch.parts(recipe.accumulate))
    with torch.random.fork_rng(devices=[]):
        reseed_global(recipe.seed, "step", step)
        mixed = mix(part.x, part.t, recipe.mixup, recipe.cutmix)
    at = int((mixed.t != mixed.other).int().argmax())
    return Mixture(example(_pixels(run, mixed.x[at : at + 1])[0]), _made_of(mixed, at, run))


def _made_of(mixed: Mixed, at: int, run: Run) -> str:
    parts = [(mixed.share, int(mixed.t[at])), (1 - mixed.share, int(mixed.other[at]))]
    shares = [(share, run.data.classes[k]) for share, k in sorted(parts, reverse=True)]
    return " and ".join(f"{percent(share, 0)} “{name}”" for share, name in shares)


def _pixels(run: Run, x: Tensor) -> Tensor:
    return in_bytes(run.data.normalise.undo(x))


def units(stages: Sequence[Recipe], network: nn.Module | None) -> Units | None:
    """A draw with the shares of the last stage that left any unit out."""
    for recipe in reversed(stages):
        shares = left_out(recipe, network)
        if any(shares):
            return _units(shares[:LAYERS], recipe.seed)
    return None


def left_out(recipe: Recipe, network: nn.Module | None) -> list[float]:
    """The share of units that a stage leaves out, for each layer of dropout or before the head."""
    own = [layer.p for layer in dropouts(network).values()] if network else []
    return own if recipe.dropout < 0 else [recipe.dropout] * max(1, len(own))


def _units(shares: list[float], seed: int) -> Units:
    draw = torch.rand(len(shares), UNITS, generator=generator(seed, "drawing"))
    mask = draw >= torch.tensor(shares)[:, None]
    return Units(_squares(mask), _squares(~mask), len(shares))


def _squares(cells: Tensor) -> str:
    return "".join(f"M{c}.1 {r}.1h.8v.8h-.8z" for r, c in cells.nonzero().tolist())
