"""Train a run from its recipe to its end, and bring a stopped run back."""

import copy
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from cutaway import models
from cutaway.data.audit import Audit, audit
from cutaway.data.augment import augment_for
from cutaway.data.feed import Batch, Normalise, to_float
from cutaway.data.finding_notes import CLASSES, DIVISION, notable
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.split import Split, split
from cutaway.data.target import Classes, Labels
from cutaway.errors import RunError, UsageError
from cutaway.learn import optim
from cutaway.learn import runtime as runtimes
from cutaway.learn.augmenting import choose_augmentation
from cutaway.learn.baselines import keep_baselines
from cutaway.learn.card import DataCard
from cutaway.learn.directory import create, destination
from cutaway.learn.execution import Execution
from cutaway.learn.familiarity import keep_familiar
from cutaway.learn.format_versions import expect_same_steps
from cutaway.learn.lr_range import SWEEPS, RangeTest, expect_enough, expect_rate, sweep
from cutaway.learn.network import head_of, initial_network
from cutaway.learn.notes import Note, note
from cutaway.learn.pretrained import Pretrained, frozen, load_pretrained
from cutaway.learn.recipe import AUTO_RATE, OWN, Recipe
from cutaway.learn.regularise import regularised
from cutaway.learn.run import Run
from cutaway.learn.task import Task
from cutaway.learn.tasks import make_task
from cutaway.learn.training import Training
from cutaway.see.probe import resting


def fit(
    recipe: Recipe,
    images: ImageSet,
    *,
    model: nn.Module | None = None,
    findings: Audit | None = None,
    notes: Sequence[Note] = (),
    **execution: Any,
) -> Run:
    """Audit, split, train, test once, and keep all of it in a run directory.

    Args:
        images: what to learn from.
        model: a network of one's own; without it the recipe's is built.
        findings: what an audit of these images noticed, where there was one already.
        notes: what is to be known of the recipe.
        execution: fields of `Execution`.

    Raises:
        UsageError: the recipe, the network and the images do not fit together.
        DataError: the images cannot be learned from.
        RunError: the directory cannot be written.
        TrainingError: the loss is not finite.
    """
    settings = Execution(**execution)
    training = begin_training(recipe, images, settings, model=model, findings=findings, notes=notes)
    conclude(training)
    return training.run


def conclude(training: Training) -> None:
    """Train to the end, measure the simple baselines beside, and keep by what unlike images are
    told; raises what `Training.go` does.

    Members of a fleet go to their ends without: baselines are much the same for all, and it
    answers as an ensemble.
    """
    training.go()
    keep_baselines(training.run, training.images)
    keep_familiar(training.run, training.images)


def begin_training(
    recipe: Recipe,
    images: ImageSet,
    execution: Execution,
    *,
    model: nn.Module | None = None,
    findings: Audit | None = None,
    parts: Split | None = None,
    notes: Sequence[Note] = (),
) -> Training:
    """Make a run's directory; its training before the first step. Raises what `fit` does.

    Args:
        parts: the split, where it has been drawn already.
    """
    place, measured = destination(execution.out, recipe.model, images.name), list[Note]()
    if recipe.lr == AUTO_RATE:
        findings = findings or audit(images)
        parts = parts or split_for(recipe, images, findings)
        recipe, measured = _choose_rate(recipe, images, execution, model, findings, parts)
    network = model
    if network is None:
        network = initial_network(recipe, images.channels, images.target.outputs, images.size)
    runtime = runtimes.choose(recipe, network)
    recipe = runtimes.resolved(recipe, runtime)
    pretrained = check_fit(network, images, recipe)
    findings = findings or audit(images)
    parts = parts or split_for(recipe, images, findings)
    for stage in recipe.in_stages():
        if stage.labels:
            labelled(parts, images, stage.labels, recipe.seed)  # refuses what cannot be drawn
    recipe, augmented = choose_augmentation(recipe, images, parts)
    card = DataCard.of(images, parts, normalisation(recipe, images, parts, pretrained))
    about: dict[str, object] = {"environment": runtimes.environment(runtime)}
    about["audit"] = findings.to_json()
    about["notes"] = [*data_notes(recipe, findings, parts), *augmented, *notes, *measured]
    about |= {"pretrained": pretrained.to_dict()} if pretrained else {}
    path = create(place, recipe, card, parts, about)
    run = Run(path, model, images if recipe.data.startswith(OWN) else None)
    run.split = parts  # as it was written
    return Training(run, images, network, execution)


def range_test(
    recipe: Recipe,
    images: ImageSet,
    *,
    model: nn.Module | None = None,
    findings: Audit | None = None,
    parts: Split | None = None,
) -> RangeTest:
    """Test learning rates on a recipe's training images; what was tried is thrown away.

    Each sweep has weights and an order of its own; a network of one's own begins as it is.

    Raises:
        UsageError: the recipe has no learning rate to test, or what `fit` raises.
    """
    recipe = expect_rate(recipe)
    findings = findings or audit(images)
    parts = parts or split_for(recipe, images, findings)
    expect_enough(recipe, parts)
    sweeps = []
    for seed in range(recipe.seed, recipe.seed + SWEEPS):
        own = recipe.override(seed=seed, split_seed=recipe.division)
        with TemporaryDirectory() as folder:
            training = begin_training(
                own, images, Execution(out=Path(folder) / "run"), model=copy.deepcopy(model),
                findings=findings, parts=parts,
            )  # fmt: skip
            sweeps.append(sweep(training))
    return RangeTest(recipe, tuple(sweeps))


def _choose_rate(
    recipe: Recipe,
    images: ImageSet,
    execution: Execution,
    model: nn.Module | None,
    findings: Audit,
    parts: Split,
) -> tuple[Recipe, list[Note]]:
    """Replace `auto` by a rate; with a note on where it came from."""
    execution.callback.on_note("Testing learning rates, before training begins.")
    test = range_test(recipe, images, model=model, findings=findings, parts=parts)
    said = test.sentence
    execution.callback.on_note(said)
    return recipe.override(lr=test.rate), [note("learning rate", said)]


def data_notes(recipe: Recipe, findings: Audit, parts: Split) -> list[Note]:
    """Notes on the data, as far as they matter to what the recipe learns of them."""
    task = make_task(recipe.in_stages()[-1])
    told = task.classifies or task.needs is Labels
    but = (() if told else CLASSES) + (DIVISION if recipe.fold else ())
    return [note(*one) for one in notable([*findings.findings, *parts.findings], but)]


def split_for(recipe: Recipe, images: ImageSet, findings: Audit) -> Split:
    """Split images into the parts that the recipe asks for, duplicates kept together."""
    return split(
        images, val=recipe.val, test=recipe.test, seed=recipe.division,
        duplicates=findings.duplicates, fold=recipe.fold,
    )  # fmt: skip


def reopen_training(run: Run, images: ImageSet | None, execution: Execution) -> Training:
    """Restore a training from its last checkpoint; raises what `Run.resume` does."""
    expect_same_steps(tomllib.loads((run.path / "recipe.toml").read_text()), run.path)
    if images is None:
        images = run.images()
    else:
        run.check_images(images)
    if run.runtime.device != run.recipe.device:
        raise RunError(
            f"{run.path} began on {run.recipe.device}, which is not available here, and would end "
            "differently elsewhere: resume it there, or train again with --device auto."
        )
    training = Training(run, images, run.new_model(), execution)
    training.restore()
    return training


def normalisation(
    recipe: Recipe, images: ImageSet, parts: Split, pretrained: Pretrained | None
) -> Normalise:
    """Choose the normalisation of pixels in 0..1 that suits the weights and each of the tasks."""
    if pretrained:
        return Normalise(pretrained.mean, pretrained.std)
    wishes = [make_task(stage).scaling for stage in recipe.in_stages()]
    wish = next((wish for wish in wishes if wish != "standard"), "standard")
    if wish == "standard":
        return Normalise.of(images.images, parts.train)
    zero, one = {"unit": (0.0, 1.0), "symmetric": (0.5, 0.5)}[wish]
    return Normalise((zero,) * images.channels, (one,) * images.channels)


def check_fit(network: nn.Module, images: ImageSet, recipe: Recipe) -> Pretrained | None:
    """Try every stage of the recipe on two images before anything is written.

    Returns:
        What the pre-trained weights that the recipe names hold and want; None without them.

    Raises:
        UsageError: an augmentation or optimizer that is not known, a network that cannot take the
            images, an output that does not suit the task, or weights that do not fit.
    """
    batch = _two(images, next(network.parameters(), torch.empty(0)).device)
    for stage in recipe.in_stages():
        augment_for(stage.augment, images.size)
        task = make_task(stage)
        _check_optimizer(stage, task)
        _check_sampling(stage, task, images)
        optim.make(stage, list(network.parameters()))
        with regularised(network, stage):  # refuses what the network has no place for
            _try(task, network, batch, images)
        if stage.freeze:
            frozen(copy.deepcopy(network), stage.freeze, head_of(recipe, network))
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
