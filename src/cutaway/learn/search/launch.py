"""Search from a recipe to the end."""

from collections.abc import Mapping
from typing import Any

from cutaway.data.audit import audit
from cutaway.data.augment import OwnAugment
from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.data.target import Target
from cutaway.errors import UsageError
from cutaway.learn import fit as learning
from cutaway.learn import runtime as runtimes
from cutaway.learn.check_fit import check_fit
from cutaway.learn.directory import destination
from cutaway.learn.elsewhere import expect_tasks
from cutaway.learn.execution import Execution
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import AUTO_RATE, Recipe
from cutaway.learn.search import sampling, space
from cutaway.learn.search.search import Search
from cutaway.learn.search.trials import Trials
from cutaway.learn.tasks import make_task


def launch(
    recipe: Recipe,
    images: ImageSet,
    *,
    trials: int = 20,
    over: Mapping[str, Any] = {},
    at_once: int = 0,
    **execution: Any,
) -> Search:
    """Try many settings, and keep the recipe of the one that does best on the validation images.

    The test images are looked at by none of them. The same recipe on the same images and computer
    gives the same trials, also where the search was killed and has gone on.

    Args:
        trials: how many; fewer where there are not so many settings.
        over: fields of the recipe, or options of the model, with a range (low, high) or a list of
            values for each; by default what suits the recipe.
        at_once: trials at work together, each drawn from what came before them; by default one
            here, and elsewhere as many as there is room for.
        execution: fields of `Execution`; its `out` is by default `runs/MODEL-DATA-search-N`.

    Raises:
        UsageError: a space, a recipe or images that cannot be searched.
        RunError: the directory cannot be written.
        TrainingError: no trial came to its end.
    """
    settings = Execution(**execution)
    sampling.require_optuna()
    _check_wishes(recipe, trials, at_once)
    threads = expect_tasks(recipe.threads, settings) if settings.place.apart else 0
    wanted = space.read(recipe, over)
    recipe = recipe.override(split_seed=recipe.division)
    place = destination(settings.out, recipe.model, images.name, "search")
    findings = audit(images)
    parts = learning.split_for(recipe, images, findings)
    _check_division(parts)
    objective = _objective(recipe, images.target.fitted(images.truth, parts.train))
    for one in (recipe, *space.check(wanted, recipe)):
        _try(one, images, settings.augment)
    trials = int(min(trials, space.points(wanted)))
    at_once = at_once or (settings.place.slots(threads) if threads else 1)
    search = Search.create(
        place, recipe, wanted, trials, objective, images.fingerprint, min(at_once, trials), threads
    )
    return Trials(search, images, settings, findings).go()


def _check_wishes(recipe: Recipe, trials: int, at_once: int) -> None:
    if at_once < 0:
        raise UsageError(f"At least one trial is at work: --at-once 4, not {at_once}.")
    if trials < 1:
        raise UsageError(f"A search takes at least one trial: --trials 20, not {trials}.")
    if recipe.lr == AUTO_RATE:
        raise UsageError(
            "--lr auto is for one network: a search tries learning rates itself, so leave it out."
        )
    if recipe.several:
        raise UsageError(
            "A search trains one network a trial: leave --replicates and --folds for the best "
            "recipe, once it is found."
        )


def _check_division(parts: Split) -> None:
    if not len(parts.val):
        raise UsageError(
            "A search needs validation images to choose on, because choosing on the test set is "
            "refused: give --val 0.1, and data that can be divided."
        )


def _objective(recipe: Recipe, target: Target) -> str:
    """The column that trials are judged by: the leading metric of the last stage's task."""
    final = recipe.in_stages()[-1]
    task = make_task(final)
    leading = task.leading(target)
    if leading not in task.measured():
        raise UsageError(
            f"The task '{final.task}' measures no {leading} while it learns, so that there "
            "is nothing to choose by."
        )
    return f"val_{leading}"


def _try(recipe: Recipe, images: ImageSet, own: OwnAugment | None) -> None:
    """Raises UsageError where a recipe cannot be trained on these images."""
    network = initial_network(recipe, images.channels, images.target.outputs, images.size)
    runtimes.choose(recipe, network)
    check_fit(network, images, recipe, own)
