"""Train a run from its recipe to its end, and bring a stopped run back."""

import copy
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from cutaway.data.audit import Audit, audit
from cutaway.data.augment import OwnAugment
from cutaway.data.feed import Normalise
from cutaway.data.finding_notes import CLASSES, DIVISION, notable
from cutaway.data.imageset import ImageSet
from cutaway.data.labels import labelled
from cutaway.data.split import Split, split
from cutaway.data.target import Labels
from cutaway.errors import RunError
from cutaway.learn import runtime as runtimes
from cutaway.learn.augmenting import choose_augmentation
from cutaway.learn.baselines import keep_baselines
from cutaway.learn.card import DataCard
from cutaway.learn.check_fit import check_fit, expect_validated, with_head
from cutaway.learn.directory import create, destination
from cutaway.learn.execution import Execution
from cutaway.learn.familiarity import keep_familiar
from cutaway.learn.format_versions import expect_same_steps
from cutaway.learn.interventions import FILE as INTERVENTIONS
from cutaway.learn.interventions import read_interventions, written
from cutaway.learn.lr_range import STEPS, SWEEPS, RangeTest, expect_enough, expect_rate, sweep
from cutaway.learn.network import initial_network
from cutaway.learn.notes import Note, note
from cutaway.learn.pretrained import Pretrained
from cutaway.learn.recipe import AUTO_RATE, OWN, Recipe
from cutaway.learn.run import Run
from cutaway.learn.runtime import Runtime
from cutaway.learn.sharding import choose_sharding
from cutaway.learn.tasks import make_task
from cutaway.learn.team_run import Begin, expect_shareable, followed, shared
from cutaway.learn.training import Training
from cutaway.models.packaged import versions


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
    begin = partial(begin_training, recipe, images, model=model, findings=findings, notes=notes)
    return carried_out(begin, Execution(**execution))


def carried_out(begin: Begin, execution: Execution) -> Run:
    """Begin or reopen a training, with the other processes that take part, and end it."""
    with shared(begin, execution) as training:
        conclude(training)
        return training.run


def follow(model: nn.Module | None = None, data: Any = None, **execution: Any) -> Run:
    """Take part in the training that the first of several processes begins or reopens.

    Args:
        model, data: the user's own, where it has such.

    Returns:
        The run of the first process.

    Raises:
        Excused: that says what is wrong.
    """

    def reopen(path: Path, settings: Execution) -> Training:
        return reopen_training(Run(path, model, data, settings.augment), None, settings)

    with followed(Execution(**execution), reopen) as (training, path):
        conclude(training)
    return Run(path, model, data) if Run.is_at(path) else training.run


def conclude(training: Training) -> None:
    """Train to the end, measure the simple baselines beside, and keep by what unlike images are
    told; raises what `Training.go` does.

    Members of a fleet go to their ends without: baselines are much the same for all, and it
    answers as an ensemble.
    """
    training.go()
    if training.runtime.team.first:
        keep_baselines(training.run, training.images)
        keep_familiar(training)


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
    changes = execution.interventions
    texts = {INTERVENTIONS: written(read_interventions(Path(changes)))} if changes else {}
    place, measured = destination(execution.out, recipe.model, images.name), list[Note]()
    if recipe.lr == AUTO_RATE:
        findings = findings or audit(images)
        parts = parts or split_for(recipe, images, findings)
        recipe, measured = _choose_rate(recipe, images, execution, model, findings, parts)
    if (network := model) is None:
        network = initial_network(recipe, images.channels, images.target.outputs, images.size)
    elif recipe.model.startswith(OWN):
        recipe, replaced = with_head(recipe, network, images, execution)
        measured += replaced
    runtime = runtimes.choose(recipe, network)
    runtime = _with_sharding(runtime, recipe, network, execution)
    recipe = runtimes.resolved(recipe, runtime)
    pretrained = check_fit(network, images, recipe, execution.augment)
    findings = findings or audit(images)
    parts = parts or split_for(recipe, images, findings)
    expect_validated(recipe, parts)
    expect_shareable(recipe, parts, images, execution.team)
    for stage in recipe.in_stages():
        if stage.labels:
            labelled(parts, images, stage.labels, recipe.seed)  # refuses what cannot be drawn
    recipe, augmented = choose_augmentation(recipe, images, parts)
    card = DataCard.of(images, parts, normalisation(recipe, images, parts, pretrained))
    about: dict[str, object] = {
        "environment": {
            **runtimes.environment(runtime), **versions(recipe.model)
        }
    }  # fmt: skip
    about["audit"] = findings.to_json()
    about["notes"] = [*data_notes(recipe, findings, parts), *augmented, *notes, *measured]
    about |= {"pretrained": pretrained.to_dict()} if pretrained else {}
    path = create(place, recipe, card, parts, about, texts)
    own_images = images if recipe.data.startswith(OWN) else None
    run = Run(path, model, own_images, execution.augment)
    run.split = parts  # as it was written
    return Training(run, images, network, execution)


def _with_sharding(
    runtime: Runtime, recipe: Recipe, network: nn.Module, execution: Execution
) -> Runtime:
    """The runtime with its team, its weights sharded where they are to be, which is told."""
    team = execution.team
    sharded, why = choose_sharding(execution.shard, recipe, network, team, runtime.device)
    if not sharded:
        return replace(runtime, team=team)
    execution.callback.on_note(why)
    layout = "contiguous"  # the one order of memory that PyTorch shards
    return replace(runtime, team=team, sharded=True, memory_format=layout)


def range_test(
    recipe: Recipe,
    images: ImageSet,
    *,
    model: nn.Module | None = None,
    findings: Audit | None = None,
    parts: Split | None = None,
    augment: OwnAugment | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> RangeTest:
    """Test learning rates on a recipe's training images; what was tried is thrown away.

    Each sweep has weights and an order of its own; a network of one's own begins as it is.

    Args:
        tell: is told how far it has come, in words.

    Raises:
        UsageError: the recipe has no learning rate to test, or what `fit` raises.
    """
    recipe = expect_rate(recipe)
    findings = findings or audit(images)
    parts = parts or split_for(recipe, images, findings)
    expect_enough(recipe, parts)
    tell(f"Testing learning rates of {recipe.model}: {SWEEPS} sweeps of at most {STEPS} steps.")
    sweeps = []
    for seed in range(recipe.seed, recipe.seed + SWEEPS):
        began = time.monotonic()
        own = recipe.override(seed=seed, split_seed=recipe.division)
        with TemporaryDirectory() as folder:
            training = begin_training(
                own, images, Execution(out=Path(folder) / "run", augment=augment),
                model=copy.deepcopy(model),
                findings=findings, parts=parts,
            )  # fmt: skip
            sweeps.append(sweep(training))
        tell(f"Sweep {len(sweeps)} of {SWEEPS} took {time.monotonic() - began:.0f} s.")
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
    test = range_test(
        recipe, images, model=model, findings=findings, parts=parts, augment=execution.augment,
        tell=execution.callback.on_note,
    )  # fmt: skip
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
    run.augment = execution.augment or run.augment
    begins = execution.team.first or not run.sharded
    training = Training(run, images, run.new_model() if begins else _without_memory(run), execution)
    if not training.runtime.sharded:
        training.restore()
    return training


def _without_memory(run: Run) -> nn.Module:
    """A run's network as its parts from the first process are put into it."""
    with torch.device("meta"):
        return run.new_model()


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
