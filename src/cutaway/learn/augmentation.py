"""The augmentation that a recipe names: transforms by their text, or an object of one's own.

The object is imported where the recipe says from where (`package.module:name`), and is handed in
otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cutaway.data.augment import KINDS, Augment, OwnAugment, augment_for
from cutaway.errors import UsageError
from cutaway.learn.import_path import import_own
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
        return augmentation(recipe.augment, size)
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


def augmentation(text: str, size: Sequence[int]) -> Augment | OwnAugment:
    """The transforms that a text names, for images on a grid, or the object that it says where.

    Raises:
        UsageError: as `augment_for`, or there is nothing to import, or nothing that can be called.
    """
    return _imported(text) if names_an_object(text) else augment_for(text, size)


def names_an_object(text: str) -> bool:
    """Whether it is `package.module:name`."""
    module, _, name = text.partition(":")
    return name.isidentifier() and module not in KINDS


def _imported(path: str) -> OwnAugment:
    try:
        return OwnAugment(import_own(path))
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The augmentation '{path}' cannot be imported: {error}.") from None


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
