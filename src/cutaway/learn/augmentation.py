"""The augmentation that a recipe names: transforms by their text, or an object of one's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from cutaway.data.augment import Augment, OwnAugment, augment_for
from cutaway.errors import UsageError
from cutaway.learn.recipe import OWN, Recipe


def augmentation_of(
    recipe: Recipe, size: Sequence[int], own: OwnAugment | None
) -> Augment | OwnAugment:
    """The recipe's augmentation, for images on a grid.

    Args:
        own: what the user handed in.

    Raises:
        UsageError: as `augment_for`, or the recipe wants another of the user's own.
    """
    if not recipe.augment.startswith(OWN):
        return augment_for(recipe.augment, size)
    text = recipe.augment.removeprefix(OWN)
    if own is None:
        raise UsageError(
            f"This learns with an augmentation of your own, which no file keeps: go on in Python "
            f"with it, cutaway.resume(path, augment=...). It is {text}."
        )
    if own.text != text:
        raise UsageError(
            f"This began with another augmentation than that which was given; hand in {text}, not "
            f"{own.text}."
        )
    return own


def without_objects(changes: Mapping[str, Any]) -> tuple[dict[str, Any], OwnAugment | None]:
    """Changes of a recipe with text in place of an augmentation of the user's own; and that.

    Raises:
        UsageError: it is neither text nor anything that can be called.
    """
    given = changes.get("augment")
    if given is None or isinstance(given, str | Augment):
        return dict(changes), None
    own = OwnAugment(given)
    return {**changes, "augment": OWN + own.text}, own
