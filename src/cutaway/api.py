"""What `import cutaway as ca` offers: fit, search, resume, load, report, export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from cutaway import recipes
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load as load_images
from cutaway.errors import UsageError
from cutaway.learn import fit as learning
from cutaway.learn import search as searching
from cutaway.learn.callbacks import Callback, Callbacks, made
from cutaway.learn.fleet import Fleet, check_way, launch, refuse_member, relaunch
from cutaway.learn.handed import given_back
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.run import Run
from cutaway.learn.search import Search, searched
from cutaway.learn.taken import load_for
from cutaway.recipes import change
from cutaway.show.fleet import report as fleet_report
from cutaway.show.pages.search import report as search_report
from cutaway.show.progress import of_fleet, of_run, of_search, reading
from cutaway.show.report import report as run_report

if TYPE_CHECKING:
    from cutaway.ship.export import Shipped


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
    **changes: Any,
) -> Run | Fleet:
    """Train, test and explain a network, or many as one job.

        run = fit("lenet5", "mnist", epochs=5)
        run = fit(my_module, my_dataset, lr=0.01)
        fleet = fit("mlp", "mnist", replicates=8)
        fleet = fit("mlp", "digits", vary={"lr": [0.1, 0.01]}, folds=5)

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
        changes: fields of `Recipe`, or options of the model; `optimizer` may be a class.

    Returns:
        The finished run, with its report written; a fleet where `replicates`, `folds` or `vary`
        ask for more than one network.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    recipe = change(recipe or _beginning(_name(model), _name(data)), changes)
    check_way(way)
    told = made(callbacks)
    source = recipe.data if isinstance(data, str) and not data else data
    images = _images(source, recipe, progress)
    if recipe.several:
        several = Callbacks([*of_fleet(progress), told])
        return _fleet(recipe, images, model, way, out, several, checkpoint_every)
    own = model if isinstance(model, nn.Module) else None
    with given_back(own):
        run = learning.fit(
            recipe, images, model=own, out=out, callbacks=[*of_run(progress), told],
            checkpoint_every=checkpoint_every,
        )  # fmt: skip
        run_report(run, images)
    return run


def _fleet(
    recipe: Recipe,
    images: ImageSet,
    model: str | nn.Module,
    way: str,
    out: str | Path,
    callbacks: Callbacks,
    checkpoint_every: float,
) -> Fleet:
    if isinstance(model, nn.Module):
        raise UsageError(
            "A fleet builds each network anew, and a module that is there already is only one: "
            "give the name of a model (see `cutaway models`)."
        )
    fleet = launch(
        recipe, images, way=way, out=out, callbacks=callbacks,
        checkpoint_every=checkpoint_every,
    )  # fmt: skip
    fleet_report(fleet)
    return fleet


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
    **changes: Any,
) -> Search:
    """Try many settings, and find the recipe that does best on the validation images.

        found = search("mlp", "mnist", trials=50)
        found = search("lenet5", "digits", over={"lr": (0.001, 0.1), "optimizer": ["adamw", "sgd"]})
        run = fit(recipe=found.best, replicates=8)

    Args:
        trials: how many settings; fewer where there are not so many.
        over: fields of the recipe or options of the model, with a range (low, high) or a list of
            values for each; by default what suits the recipe.
        out: the search's directory; by default the first free `runs/MODEL-DATA-search-N`.

    The other arguments are those of `fit`. What is drawn depends on the recipe's seed.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    if isinstance(model, nn.Module):
        raise UsageError(
            "A search builds each network anew, and a module that is there already is only one: "
            "give the name of a model (see `cutaway models`)."
        )
    told = made(callbacks)
    recipe = change(recipe or _beginning(_name(model), _name(data)), changes)
    source = recipe.data if isinstance(data, str) and not data else data
    found = searching.launch(
        recipe, _images(source, recipe, progress), change, trials=trials, over=over, out=out,
        callbacks=[*of_search(progress), told],
        checkpoint_every=checkpoint_every,
    )  # fmt: skip
    search_report(found)
    return found


def report(run: Run | Fleet | Search, images: ImageSet | None = None) -> Path:
    """Write the report of a run, a fleet or a search that has ended; gives its path.

    Args:
        images: what the run learned from, where it was an object of your own.
    """
    if isinstance(run, Search):
        return search_report(run)
    return fleet_report(run) if isinstance(run, Fleet) else run_report(run, images)


def export(run: Run | str | Path, to: str | Sequence[str] = "onnx", **how: Any) -> "list[Shipped]":
    """Write a trained network for use elsewhere, and its report anew with what was found.

        export("runs/lenet5-mnist-1", ["onnx", "onnx-int8"])

    Args:
        to, how: see `ship.export.export`.

    Raises:
        CutawayError: with a sentence that says what is wrong and what to do.
    """
    from cutaway.ship.export import export as ship

    run = run if isinstance(run, Run) else Run(run)
    found = ship(run, to, **how)
    run_report(run)
    return found


def resume(
    path: str | Path,
    *,
    model: nn.Module | None = None,
    data: Any = None,
    progress: bool = True,
    callbacks: Sequence[Callback | str] = (),
    checkpoint_every: float = 15.0,
) -> Run | Fleet | Search:
    """Go on with what was stopped or killed; its end is the same to the bit.

    Args:
        model, data: one's own network and data, where the run began with such; the network comes
            back as from `fit`.
    """
    told = made(callbacks)
    if searched(path):
        return _resume_search(path, data, [*of_search(progress), told], checkpoint_every)
    if (Path(path) / "fleet.json").is_file():
        images = None if data is None else load_for(Fleet(path).recipe, data)
        fleet = relaunch(
            path, images, callbacks=[*of_fleet(progress), told],
            checkpoint_every=checkpoint_every,
        )  # fmt: skip
        fleet_report(fleet)
        return fleet
    run = Run(path, model)
    images = None
    if not run.finished:
        refuse_member(path)
        if data is None and run.recipe.data.startswith(OWN):
            raise UsageError(
                f"{path} learned from data of your own: hand them in again, resume(path, data=...)."
            )
        source = run.recipe.data if data is None else data
        images = _images(source, run.recipe, progress)
    with given_back(model):
        run = learning.resume(
            path, model=model, images=images, callbacks=[*of_run(progress), told],
            checkpoint_every=checkpoint_every,
        )  # fmt: skip
        run_report(run, images)
    return run


def _resume_search(
    path: str | Path, data: Any, callbacks: Sequence[Callback], checkpoint_every: float
) -> Search:
    images = None if data is None else load_for(Search(path).recipe, data)
    found = searching.relaunch(
        path, change, images, callbacks=callbacks, checkpoint_every=checkpoint_every
    )
    search_report(found)
    return found


def load(
    what: Any, *, model: nn.Module | None = None, data: Any = None, **options: Any
) -> Run | Fleet | Search | ImageSet:
    """A run, a fleet or a search from its directory; anything else as an `ImageSet`.

    Args:
        model, data: one's own network and data, where the run began with such.
        options: of the data: image_size, group_by, label; see `cutaway.data.sources.load`.
    """
    if isinstance(what, str | Path) and (Path(what) / "recipe.toml").is_file():
        return Run(what, model, data)
    if isinstance(what, str | Path) and (Path(what) / "fleet.json").is_file():
        return Fleet(what)
    if isinstance(what, str | Path) and searched(what):
        return Search(what)
    return load_images(what, **options)


def _images(data: Any, recipe: Recipe, progress: bool) -> ImageSet:
    with reading(progress) as callback:
        return load_for(recipe, data, callback)


def _beginning(model: str, data: str) -> Recipe:
    if model.startswith(OWN) or data.startswith(OWN):
        return recipes.pair(model or "lenet5", data or "digits")
    return recipes.starting_point(*filter(None, (model, data)))


def _name(thing: Any) -> str:
    if isinstance(thing, str | Path):
        return str(thing)
    name = getattr(thing, "name", "")  # of a data frame, a column
    return f"{OWN}{name if name and isinstance(name, str) else type(thing).__name__}"
