"""From a recipe to a finished run, and from a stopped run to its end."""

from pathlib import Path

import torch
from torch import nn

from cutaway.data.audit import audit
from cutaway.data.augment import parse
from cutaway.data.feed import Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.split import split
from cutaway.errors import RunError, UsageError
from cutaway.learn import machine as machines
from cutaway.learn import optimizers
from cutaway.learn.card import DataCard
from cutaway.learn.directory import create, destination
from cutaway.learn.network import initial
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import OWN, Run
from cutaway.learn.tasks import make_task
from cutaway.learn.training import Listener, Training


def fit(
    recipe: Recipe,
    images: ImageSet,
    *,
    model: nn.Module | None = None,
    out: str | Path = "",
    listener: Listener | None = None,
    checkpoint_every: float = 15.0,
) -> Run:
    """Audit, split, train, test once, and keep all of it in a run directory.

    Args:
        images: what to learn from.
        model: a network of one's own; without it the recipe's is built.
        out: the directory to make; by default the first free `runs/MODEL-DATA-N`.
        checkpoint_every: seconds between checkpoints.

    Raises:
        UsageError: the recipe, the network and the images do not fit together.
        DataError: the images cannot be learned from.
        RunError: the directory cannot be written.
        TrainingError: the loss is not finite.
    """
    listener = listener or Listener()
    network = model
    if network is None:
        network = initial(recipe, images.channels, len(images.classes), images.size)
    machine = machines.choose(recipe, network)
    recipe = machines.resolved(recipe, machine)
    check_fit(network, images, recipe)
    path = destination(out, f"{recipe.model}-{images.name}".replace(OWN, ""))
    findings = audit(images)
    parts = split(
        images, val=recipe.val, test=recipe.test, seed=recipe.seed, duplicates=findings.duplicates
    )
    card = DataCard.of(images, parts)
    about = {"environment": machines.environment(machine), "audit": findings.to_json()}
    create(path, recipe, card, parts, about)
    run = Run(path, model)
    Training(run, images, network, listener, checkpoint_every).go()
    return run


def resume(
    path: str | Path,
    *,
    model: nn.Module | None = None,
    images: ImageSet | None = None,
    listener: Listener | None = None,
    checkpoint_every: float = 15.0,
) -> Run:
    """Go on with a run from its last checkpoint; the end is the same to the bit.

    Args:
        model, images: the user's own, where the run began with such.

    Raises:
        RunError: no sound checkpoint, or images that have changed.
    """
    run = Run(path, model)
    if run.finished:
        return run
    if images is None:
        images = run.images()
    else:
        run.check_images(images)
    if run.machine.device != run.recipe.device:
        raise RunError(
            f"{run.path} began on {run.recipe.device}, which is not here, and would end otherwise "
            "elsewhere: go on with it there, or train anew with --device auto."
        )
    training = Training(run, images, run.new_model(), listener, checkpoint_every)
    training.restore()
    training.go()
    return run


def check_fit(model: nn.Module, images: ImageSet, recipe: Recipe) -> None:
    """Try the recipe and two images before anything is written.

    Raises:
        UsageError: an augmentation or optimizer that is not known, a network that cannot take the
            images, or an output that does not suit the task.
    """
    parse(recipe.augment)
    optimizers.make(recipe, list(model.parameters()))
    pixels = images.images[:2]
    normalise = Normalise((0.5,) * images.channels, (0.5,) * images.channels)
    training = model.training
    device = next(model.parameters(), torch.empty(0)).device
    try:
        with torch.no_grad():
            output = model.eval()(normalise(to_float(pixels)).to(device))
    except RuntimeError as error:
        height, width = images.size
        raise UsageError(
            f"The network cannot take images of {images.channels} x {height} x {width} "
            f"(channels, height, width): {str(error).splitlines()[0]}"
        ) from None
    finally:
        model.train(training)
    make_task(recipe).check_output(output, len(images.classes))
