"""From a recipe to a finished fleet, and from a stopped fleet to its end."""

from collections.abc import Callable
from typing import Any

from cutaway.data.audit import audit
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError, nearest
from cutaway.files import locked
from cutaway.learn.callbacks import serialize
from cutaway.learn.directory import destination, training_lock
from cutaway.learn.elsewhere import check_threads
from cutaway.learn.execution import Execution
from cutaway.learn.fit import split_for
from cutaway.learn.fleet.batched import batched
from cutaway.learn.fleet.choice import choose, elsewhere
from cutaway.learn.fleet.fleet import Fleet, plan
from cutaway.learn.fleet.in_turn import in_turn, waiting
from cutaway.learn.fleet.side_by_side import side_by_side
from cutaway.learn.recipe import AUTO_RATE, Recipe
from cutaway.learn.runtime import computing
from cutaway.workplaces import Workplace

Strategy = Callable[[Fleet, ImageSet, Execution], None]
STRATEGIES: dict[str, Strategy] = {
    "in-turn": in_turn,
    "side-by-side": side_by_side,
    "batched": batched,
}


def launch(
    recipe: Recipe,
    images: ImageSet,
    *,
    way: str = "auto",
    **execution: Any,
) -> Fleet:
    """Train many networks as one job.

    Args:
        recipe: with `replicates`, `folds` or `vary`; the rest is what the members share.
        way: a name of `STRATEGIES`; `auto` takes what a rule on counts says (see `choice`).
        execution: fields of `Execution`; its `out` is by default `runs/MODEL-DATA-fleet-N`.

    Raises:
        UsageError: a member's recipe is impossible, or the way cannot take these members, or these
            callbacks.
        DataError: fewer groups of images than folds.
        RunError: the directory cannot be written, or another process is at it.
        TrainingError: a member's loss is not finite.
    """
    settings, changes = Execution(**execution), plan(recipe)
    shared = recipe.override(replicates=1, folds=0, vary={})
    members = [shared.override(**one) for one in changes]
    check_way(way)
    if any(one.lr == AUTO_RATE for one in members):
        raise UsageError(
            "--lr auto is for one network: test the learning rate first, "
            f"`cutaway lr {recipe.model} {recipe.data}`, and give the fleet the number."
        )
    if recipe.folds:  # refuses what cannot be divided so, before anything is written
        split_for(members[0], images, audit(images))
    place = destination(settings.out, recipe.model, images.name, "fleet")
    if settings.place.apart:
        choice = elsewhere(members, way, settings)
    else:
        choice = choose(members, images, way, settings.augment)
    if choice.way == "side-by-side":
        serialize(settings.callback)  # refuses what members' processes cannot make
    return train(Fleet.create(place, shared, changes, choice), images, settings, choice.why)


def check_way(way: str) -> None:
    """Refuse a way to train many networks that there is not. Raises UsageError."""
    if way not in (*STRATEGIES, "auto"):
        raise UsageError(
            f"There is no way '{way}' to train a fleet.{nearest(way, (*STRATEGIES, 'auto'))}"
        )


def train(fleet: Fleet, images: ImageSet, execution: Execution, why: str) -> Fleet:
    """Train the members that have not ended; raises what `launch` does.

    Args:
        why: it is trained in the way that it is.
    """
    callbacks, place = execution.callback, execution.place
    if place.apart:
        _expect_tasks(fleet, place)
    with training_lock(fleet.path), computing(fleet.threads):
        _let_workers_end(fleet)
        try:
            callbacks.on_fleet_begin(fleet, why)
            for note in place.notes:
                callbacks.on_note(note)
            STRATEGIES[fleet.way](fleet, images, execution)
            fleet.conclude()
        finally:
            callbacks.on_fleet_end(fleet)
    return fleet


def _expect_tasks(fleet: Fleet, place: Workplace) -> None:
    """Refuse to go on elsewhere with what would end otherwise there. Raises UsageError."""
    if fleet.way != "side-by-side":
        raise UsageError(
            f"{fleet.path} began {fleet.way}, and would end otherwise as tasks on {place}: go on "
            f"with it here, `cutaway resume {fleet.path}`."
        )
    check_threads(fleet.threads, place)


def _let_workers_end(fleet: Fleet) -> None:
    """Wait for those whose leader was killed: they end by themselves, at a checkpoint."""
    for k in waiting(fleet):
        if fleet.begun(k):
            with locked(fleet.place(k)):
                pass
