"""The functions of `import cutaway as ca`: fit, search, resume, load, report, export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from cutaway.data.augment import OwnAugment
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load as load_images
from cutaway.errors import UsageError
from cutaway.jobs import (
    AGAIN,
    begun_before,
    carry_on,
    follow,
    objects,
    refuse_module,
    with_progress,
)
from cutaway.learn import fit as learning
from cutaway.learn.augmentation import without_objects
from cutaway.learn.callbacks import Callback
from cutaway.learn.duration import read_time, with_time
from cutaway.learn.fleet import Fleet, check_way, launch
from cutaway.learn.kinds import kind_at, open_job
from cutaway.learn.loading import suited
from cutaway.learn.notes import note
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.search import Search
from cutaway.learn.search import launch as launch_search
from cutaway.learn.user_module import given_back
from cutaway.planning import name_of, planned
from cutaway.show.jobs import report as report
from cutaway.together.environment import refuse_several
from cutaway.together.launch import joined
from cutaway.workplaces.opening import opened

if TYPE_CHECKING:
    from cutaway.ship.export import Export


def fit(
    model: str | nn.Module = "",
    data: Any = "",
    *,
    recipe: Recipe | None = None,
    out: str | Path = "",
    progress: bool = True,
    callbacks: Sequence[Callback | str] = (),
    checkpoint_every: float = 15.0,
    way: str = "auto",
    quality: str = "",
    time: str = "",
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    shard: str = "auto",
    interventions: str | Path = "",
    **changes: Any,
) -> Run | Fleet:
    """Train, test and explain a network, or many as one job.

        run = fit("lenet5", "mnist", epochs=5)
        run = fit(my_module, my_dataset, lr=0.01)
        fleet = fit("mlp", "mnist", replicates=8)
        fleet = fit("mlp", "digits", vary={"lr": [0.1, 0.01]}, folds=5)
        run = fit("photographs/", quality="best")

    Args:
        model: a name (see `cutaway models`) or any `nn.Module`, which is trained in place: it comes
            back at rest (`eval()`), without gradients, on the device that it learned on.
        data: a name (see `cutaway data`), a folder, a table, or an object that `load` takes.
        recipe: where to begin instead of the recommended settings.
        out: the run's directory; by default the first free `runs/MODEL-DATA-N`.
        progress: show it on the terminal.
        callbacks: told how it goes (see `Callback`); a class may be named, `package.module:Class`.
        checkpoint_every: seconds between checkpoints.
        way: how many networks are trained: auto, in-turn, side-by-side or batched.
        quality: fast, good (as by default) or best, where pictures of one's own are given and no
            network: how they are learned is then chosen by a rule (see `learn.photographs`).
        time: what training may take, such as `10m`: as many epochs as that allows.
        on: where many networks are trained: `ray`, or `ray://host:port` (see docs/scale.md); by
            default here.
        cpus, gpus: of each of them on Ray; by default one CPU and no GPU.
        shard: whether each of several processes keeps a part of the weights: yes, no, or auto, by a
            rule (see docs/scale.md).
        interventions: a run that somebody reached into in the studio: the same changes are made.
        changes: fields of `Recipe`, or options of the model; `optimizer` may be a class, and
            `augment` a function or a transform of torchvision or albumentations (see
            docs/own-data.md).

    Returns:
        The finished run, with its report written; a fleet where `replicates`, `folds` or `vary`
        ask for more than one network.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    changes, own_augment = without_objects(changes)
    names = name_of(model), name_of(data)
    budget = read_time(time)
    check_way(way)
    with joined() as team:
        if not team.first:
            return follow(team, model, data, own_augment)
        if earlier := begun_before(out, model, data, own_augment):
            told = with_progress("run", progress, callbacks)
            told.on_note(AGAIN)
            return carry_on(earlier, told, progress, checkpoint_every, team=team)
        plan, images = planned(recipe, names, data, changes, quality=quality, progress=progress)
        recipe, takes = suited(plan.recipe, images), ""
        if recipe.several:
            refuse_module(model, "fleet")
            refuse_several("A fleet")
            if interventions:
                raise UsageError("Changes by hand are of one run: leave --interventions out.")
        elif on:
            raise UsageError(
                "--on is for many networks: give --replicates 8, --folds 5 or --vary with it."
            )
        if plan.why or time:
            recipe, takes = with_time(recipe, images, budget, own_augment)
        told = with_progress("fleet" if recipe.several else "run", progress, callbacks)
        if said := f"{plan.why} {takes}".strip():
            told.on_note(said)
        options: dict[str, Any] = {
            "out": out, "checkpoint_every": checkpoint_every, "callbacks": told,
            "augment": own_augment, "team": team, "shard": shard,
        }  # fmt: skip
        if recipe.several:
            with opened(on, cpus, gpus) as place:
                fleet = launch(recipe, images, way=way, place=place, **options)
            report(fleet)
            return fleet
        options["interventions"] = interventions
        own, _ = objects(model, data)
        notes = [note("plan", plan.why)] if plan.why else []
        with given_back(own):
            run = learning.fit(recipe, images, model=own, notes=notes, **options)
            report(run, images)
        return run


def search(
    model: str | nn.Module = "",
    data: Any = "",
    *,
    trials: int = 20,
    over: Mapping[str, Any] = {},
    recipe: Recipe | None = None,
    out: str | Path = "",
    progress: bool = True,
    callbacks: Sequence[Callback | str] = (),
    checkpoint_every: float = 15.0,
    quality: str = "",
    at_once: int = 0,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    **changes: Any,
) -> Search:
    """Try many settings, and find the recipe that does best on the validation images.

        result = search("mlp", "mnist", trials=50)
        space = {"lr": (0.001, 0.1), "optimizer": ["adamw", "sgd"]}
        result = search("lenet5", "digits", over=space)
        run = fit(recipe=result.best, replicates=8)

    Args:
        trials: how many settings; fewer where there are not so many.
        over: fields of the recipe or options of the model, with a range (low, high) or a list of
            values for each; by default what suits the recipe.
        out: the search's directory; by default the first free `runs/MODEL-DATA-search-N`.
        at_once: trials at work together, each drawn from what came before them; by default one
            here, and on Ray as many as there is room for.

    The other arguments are those of `fit`. What is drawn depends on the recipe's seed.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    refuse_module(model, "search")
    refuse_several("A search")
    job_callbacks = with_progress("search", progress, callbacks)
    changes, own_augment = without_objects(changes)
    names = name_of(model), name_of(data)
    plan, images = planned(recipe, names, data, changes, quality=quality, progress=progress)
    if plan.why:
        job_callbacks.on_note(plan.why)
    with opened(on, cpus, gpus) as place:
        result = launch_search(
            suited(plan.recipe, images), images, trials=trials, over=over, at_once=at_once, out=out,
            callbacks=job_callbacks, checkpoint_every=checkpoint_every, augment=own_augment,
            place=place,
        )  # fmt: skip
    report(result)
    return result


def export(
    run: Run | str | Path, to: str | Sequence[str] = "onnx", **options: Any
) -> "list[Export]":
    """Write a trained network for use elsewhere, and its report with the comparison.

        export("runs/lenet5-mnist-1", ["onnx", "onnx-int8"])

    Args:
        to, how: see `ship.export.export`.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    from cutaway.ship.export import export as ship

    run = run if isinstance(run, Run) else Run(run)
    exports = ship(run, to, **options)
    report(run)
    return exports


def resume(
    path: str | Path,
    *,
    model: nn.Module | None = None,
    data: Any = None,
    augment: Any = None,
    progress: bool = True,
    callbacks: Sequence[Callback | str] = (),
    checkpoint_every: float = 15.0,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
) -> Run | Fleet | Search:
    """Resume a stopped or killed job; the result is bit-identical to an uninterrupted one.

    Args:
        model, data, augment: one's own network, data and augmentation, where the run began with
            such; the network comes back as from `fit`.
        on, cpus, gpus: where a fleet or a search goes on, as for `fit`.
    """
    own_augment = None if augment is None else OwnAugment(augment)
    with joined() as team:
        if not team.first:
            return follow(team, model, data, own_augment)
        job = open_job(path, model, data, own_augment)
        told = with_progress(job.kind, progress, callbacks)
        if isinstance(job, Run):
            if on:
                raise UsageError(f"{path} is one run, which goes on here: leave out --on.")
            return carry_on(job, told, progress, checkpoint_every, team=team)
        refuse_several(f"A {job.kind}")
        with opened(on, cpus, gpus) as place:
            return carry_on(job, told, progress, checkpoint_every, place=place)


def load(
    source: Any,
    *,
    model: nn.Module | None = None,
    data: Any = None,
    augment: Any = None,
    **options: Any,
) -> Run | Fleet | Search | ImageSet:
    """Open a run, a fleet or a search from its directory; anything else as an `ImageSet`.

    Args:
        model, data, augment: one's own network, data and augmentation, where the run began with
            such.
        options: of the data: image_size, group_by, label; see `cutaway.data.sources.load`.
    """
    if isinstance(source, str | Path) and kind_at(source):
        return open_job(source, model, data, None if augment is None else OwnAugment(augment))
    return load_images(source, **options)
