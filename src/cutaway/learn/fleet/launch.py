"""From a recipe to a finished fleet, and from a stopped fleet to its end."""

from collections.abc import Iterable
from pathlib import Path

from cutaway.data.audit import audit
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError, nearest
from cutaway.files import held, read_json
from cutaway.learn.callbacks import Callback, Callbacks, spelled
from cutaway.learn.directory import alone, destination
from cutaway.learn.fit import divided
from cutaway.learn.fleet.choice import choose
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.plan import plan
from cutaway.learn.fleet.watching import waiting
from cutaway.learn.fleet.ways import WAYS
from cutaway.learn.machine import computing
from cutaway.learn.recipe import Recipe
from cutaway.learn.versions import expect_same_steps


def launch(
    recipe: Recipe,
    images: ImageSet,
    *,
    way: str = "auto",
    out: str | Path = "",
    callbacks: Iterable[Callback] = (),
    checkpoint_every: float = 15.0,
) -> Fleet:
    """Train many networks as one job.

    Args:
        recipe: with `replicates`, `folds` or `vary`; the rest is what the members share.
        way: a name of `WAYS`; `auto` takes what a rule on counts says (see `choice`).
        out: the fleet's directory; by default the first free `runs/MODEL-DATA-fleet-N`.

    Raises:
        UsageError: a member's recipe is impossible, or the way cannot take these members, or these
            callbacks.
        DataError: fewer groups of images than folds.
        RunError: the directory cannot be written, or another process is at it.
        TrainingError: a member's loss is not finite.
    """
    changes = plan(recipe)
    shared = recipe.override(replicates=1, folds=0, vary={})
    members = [shared.override(**one) for one in changes]
    check_way(way)
    if recipe.folds:  # refuses what cannot be divided so, before anything is written
        divided(members[0], images, audit(images))
    place = destination(out, recipe.model, images.name, "fleet")
    choice, told = choose(members, images, way), Callbacks(callbacks)
    if choice.way == "side-by-side":
        spelled(told)  # refuses what members' processes cannot make
    fleet = Fleet.create(place, shared, changes, choice)
    return _train(fleet, images, told, checkpoint_every, choice.why)


def check_way(way: str) -> None:
    """Refuse a way to train many networks that there is not. Raises UsageError."""
    if way not in (*WAYS, "auto"):
        raise UsageError(
            f"There is no way '{way}' to train a fleet.{nearest(way, (*WAYS, 'auto'))}"
        )


def relaunch(
    path: str | Path,
    images: ImageSet | None = None,
    *,
    callbacks: Iterable[Callback] = (),
    checkpoint_every: float = 15.0,
) -> Fleet:
    """Go on with a fleet that was stopped or killed; members that have ended stay as they are."""
    fleet = Fleet(path)
    if fleet.finished:
        return fleet
    expect_same_steps(read_json(fleet.path / "fleet.json")["recipe"], fleet.path)
    images = fleet.images() if images is None else images
    why = f"Going on with {fleet.path}, {fleet.way}, as it began."
    return _train(fleet, images, Callbacks(callbacks), checkpoint_every, why)


def _train(
    fleet: Fleet, images: ImageSet, callbacks: Callbacks, checkpoint_every: float, why: str
) -> Fleet:
    with alone(fleet.path), computing(fleet.threads):
        _let_workers_end(fleet)
        try:
            callbacks.on_fleet_begin(fleet, why)
            WAYS[fleet.way](fleet, images, callbacks, checkpoint_every)
            fleet.conclude()
        finally:
            callbacks.on_fleet_end(fleet)
    return fleet


def _let_workers_end(fleet: Fleet) -> None:
    """Wait for those whose leader was killed: they end by themselves, at a checkpoint."""
    for k in waiting(fleet):
        if fleet.begun(k):
            with held(fleet.place(k)):
                pass
