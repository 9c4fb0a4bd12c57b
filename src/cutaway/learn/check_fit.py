"""A recipe, a network and images, tried together before anything is written."""

import copy

import torch
from torch import nn

from cutaway import models
from cutaway.data.augment import OwnAugment
from cutaway.data.batch import Batch
from cutaway.data.feed import Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.data.target import Classes
from cutaway.errors import UsageError
from cutaway.learn import optim
from cutaway.learn.augmentation import augmentation_of
from cutaway.learn.execution import Execution
from cutaway.learn.head import own_head, refuse_head
from cutaway.learn.network import head_of
from cutaway.learn.notes import Note, note
from cutaway.learn.pretrained import Pretrained, frozen, load_pretrained
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.regularise import regularised
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task
from cutaway.see.probe import resting


def with_head(
    recipe: Recipe, network: nn.Module, images: ImageSet, execution: Execution
) -> tuple[Recipe, list[Note]]:
    """The recipe with the head of one's own module, and a note where it was replaced."""
    x = _two(images, next(network.parameters(), torch.empty(0)).device).x
    told = make_task(recipe.in_stages()[-1]).needs is not None
    recipe, said = own_head(recipe, network, x, images.target.outputs, told)
    if said:
        execution.callback.on_note(said)
    return recipe, [note("head", said)] if said else []


def check_fit(
    network: nn.Module, images: ImageSet, recipe: Recipe, own: OwnAugment | None = None
) -> Pretrained | None:
    """Try every stage of the recipe on two images before anything is written, as augmented by the
    user's `own` augmentation where there is one.

    Returns:
        What the pre-trained weights that the recipe names hold and want; None without them.

    Raises:
        UsageError: an augmentation or optimizer that is not known, a network that cannot take the
            images, an output that does not suit the task, or weights that do not fit.
    """
    refuse_head(recipe)
    batch = _two(images, next(network.parameters(), torch.empty(0)).device)
    for stage in recipe.in_stages():
        augmentation_of(stage, images.size, own).check(images)
        task = make_task(stage)
        _check_optimizer(stage, task)
        _check_sampling(stage, task, images)
        optim.make(stage, list(network.parameters()))
        with regularised(network, stage):  # refuses what the network has no place for
            _try(task, network, batch, images)
        if stage.freeze:
            frozen(copy.deepcopy(network), stage.freeze, head_of(recipe))
    if not recipe.pretrained:
        return None
    if recipe.model.startswith(OWN):
        raise UsageError("Weights (--pretrained) are for networks of `cutaway models` only.")
    return load_pretrained(copy.deepcopy(network), models.find(recipe.model), recipe.pretrained)


def _check_optimizer(recipe: Recipe, task: Task) -> None:
    """Refuse a method that compares losses where there is none to compare."""
    if optim.find(recipe.optimizer).trials and not task.has_gradient:
        raise UsageError(
            f"The optimizer '{recipe.optimizer}' needs a function to minimise, and the task "
            f"'{recipe.task}' has a rule instead: take --optimizer sgd."
        )


def _check_sampling(recipe: Recipe, task: Task, images: ImageSet) -> None:
    """Refuse to show classes equally often where examples have none, or few have one that is told.

    Raises UsageError.
    """
    if recipe.sampling == "balanced" and (task.partly or not isinstance(images.target, Classes)):
        whose = "most images have none that is told" if task.partly else "these images have none"
        raise UsageError(
            f"--sampling balanced shows each class of images equally often, and {whose}: leave it "
            "out."
        )


def _two(images: ImageSet, device: torch.device) -> Batch:
    """The first two images as a batch."""
    x, truth = to_float(images.images[:2]).to(device), images.truth[:2]
    t = images.target.fitted(truth, torch.arange(len(x))).learned(truth).to(device)
    return Batch(
        Normalise((0.5,) * images.channels, (0.5,) * images.channels)(x), t, torch.arange(len(t))
    )


def _try(task: Task, network: nn.Module, batch: Batch, images: ImageSet) -> None:
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), resting(network):
            task.refuse_other(images.target)
            task.check(network, batch, images.target)
    except RuntimeError as error:
        shape = " x ".join(map(str, (images.channels, *images.size)))
        raise UsageError(
            f"The network cannot take images of {shape} (channels, then height and width): "
            f"{str(error).splitlines()[0]}"
        ) from None


def expect_validated(recipe: Recipe, parts: Split) -> None:
    """Refuse early stopping where no images are left for validation. Raises UsageError."""
    if any(stage.patience for stage in recipe.in_stages()) and not len(parts.val):
        raise UsageError(
            f"Early stopping (patience) watches validation images, and {len(parts.train)} training "
            "images leave none: give --patience 0, or more images."
        )
