"""What is learned, and from what: the recipe and the images of what somebody names or hands in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cutaway import recipes
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.loading import load_for
from cutaway.learn.photographs import Plan, check_quality, choose
from cutaway.learn.recipe import OWN, Recipe
from cutaway.show.progress import reading


def planned(
    recipe: Recipe | None, names: Sequence[str], data: Any, changes: dict[str, Any],
    *, quality: str = "", progress: bool = True,
) -> tuple[Plan, ImageSet]:  # fmt: skip
    """As it was asked for or, where pictures stand alone, chosen.

    Args:
        recipe, changes, quality, progress: as `api.fit` takes them.
        names: of the model and of the data; empty where not given.
        data: an object, where it is no name.

    Raises:
        UsageError: what was asked for does not fit together.
        DataError: the data cannot be used.
    """
    model, source = names
    alone = recipe is None and (recipes.is_path(model, source) or _is_object(model, source))
    if quality and not alone:
        raise UsageError(
            "--quality (quality=...) chooses a network for pictures of your own: name these and no "
            "network."
        )
    check_quality(quality or "good")
    begun = recipe or beginning(model, source)
    plan = Plan(begun.with_options(**changes))
    images, size = images_of(plan.recipe, data, progress), plan.recipe.image_size
    if alone:
        plan = choose(images, begun, changes, quality)
    again = plan.recipe.image_size != size
    return plan, images_of(plan.recipe, data, progress) if again else images


def images_of(recipe: Recipe, data: Any, progress: bool) -> ImageSet:
    """The images of an object or a name; without either, those of the recipe."""
    source = recipe.data if isinstance(data, str) and not data else data
    with reading(progress) as callback:
        return load_for(recipe, source, callback)


def beginning(model: str, data: str) -> Recipe:
    """The recipe that suits a model and data by their names, one of which may be lacking."""
    if model.startswith(OWN) or data.startswith(OWN):
        return recipes.pair(model or "resnet20", data or "digits")
    return recipes.starting_point(*filter(None, (model, data)))


def name_of(thing: Any) -> str:
    """What a recipe calls a model or data: a name or a path as it is, an object by its kind."""
    if isinstance(thing, str | Path):
        return str(thing)
    name = getattr(thing, "name", "")  # of a data frame, a column
    return f"{OWN}{name if name and isinstance(name, str) else type(thing).__name__}"


def _is_object(model: str, data: str) -> bool:
    """Whether data of one's own stand alone."""
    return not model and data.startswith(OWN)
