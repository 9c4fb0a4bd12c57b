"""Load the data of a run: from a recipe's words, or an object handed in."""

from pathlib import Path
from typing import Any

from cutaway.data.class_names import class_names
from cutaway.data.corrections import corrected
from cutaway.data.imageset import PARTS, ImageSet
from cutaway.data.pack import Progress
from cutaway.data.sources import has_columns, load
from cutaway.data.target import Labels, Values
from cutaway.errors import UsageError
from cutaway.learn.card import DataCard
from cutaway.learn.recipe import OWN, SETTINGS, Recipe
from cutaway.learn.tasks import make_task
from cutaway.settings import flag


def part_or_data(data: Any, on: str) -> tuple[Any, str]:
    """Tell a part from other data: `evaluate("val")` means the part, as `evaluate(on="val")` does.

    Raises:
        UsageError: there is a folder of that name too, or both are given.
    """
    if not (isinstance(data, str) and data in PARTS):
        if data is not None and on != "test":
            raise UsageError(
                f"--on {on} names a part of the run's own data, and other data are given, of which "
                "all is evaluated: leave one of them out."
            )
        return data, on
    if Path(data).exists():
        raise UsageError(
            f"'{data}' may be a part of the run's own data or a path here: write ./{data} for the "
            f"path; on='{data}', or --on {data}, for the part."
        )
    return None, data


def load_for(recipe: Recipe, data: Any, progress: Progress | None = None) -> ImageSet:
    """Data of any kind that `load` takes, in the size and groups that the recipe asks for, and with
    the labels that it corrects."""
    needed = [make_task(stage).needs for stage in recipe.in_stages()]
    images = load(
        data, image_size=recipe.image_size or None, group_by=recipe.group_by, label=recipe.label,
        numbers=Values in needed, several=Labels in needed, progress=progress,
    )  # fmt: skip
    return corrected(images, recipe.fix) if recipe.fix else images


def load_other(data: Any, card: DataCard, label: str) -> ImageSet:
    """Other data than a run's own, as its network takes them.

    Args:
        data: whatever `load` takes.
        card: of the run's own data.
        label: the column that holds the labels.

    Raises:
        UsageError: a class that the network does not know, or targets of another kind.
    """
    numbers, several = isinstance(card.target, Values), isinstance(card.target, Labels)
    card.check_classes(() if numbers else class_names(data, label, several) or ())
    frame = card.frame if len(card.size) == 2 else None
    label = label if has_columns(data) else ""
    images = load(data, image_size=frame, label=label, numbers=numbers, several=several)
    return card.adopt(images)


def suited(recipe: Recipe, images: ImageSet) -> Recipe:
    """The recipe for what the images have: one that would tell classes learns several labels where
    they have such (see `Labels`), and stays as it is otherwise. Of a stream the epochs divide its
    steps.

    Raises:
        UsageError: steps are lacking, or given where epochs are counted; a stream is too short.
    """
    if recipe.steps or images.tail is not None:
        recipe = _with_steps(recipe, images)
    plain = recipe.task == Recipe().task and not any("task" in stage for stage in recipe.stages)
    if not (plain and isinstance(images.target, Labels)):
        return recipe
    return recipe.override(task="multi-label")


def _with_steps(recipe: Recipe, images: ImageSet) -> Recipe:
    """The recipe with as many epochs as divide its steps, at most those that it had."""
    if images.tail is None:
        raise UsageError(
            "--steps is for a stream, whose images are not counted: give --epochs here."
        )
    if not recipe.steps:
        raise UsageError(
            "A stream has no epochs: give steps=1000, and epochs=10 to be evaluated ten times; or "
            "a list of its items, list(...), where it ends and memory holds it."
        )
    counted = ("labels", "repeat", "sampling", "drop_last", "fold", "folds", "stages")
    if name := next((n for n in counted if getattr(recipe, n) != SETTINGS[n].default), ""):
        raise UsageError(f"{flag(name)} is for images that can be counted, not for a stream.")
    length, needed = images.tail.length, recipe.steps * recipe.batch_size
    if length is not None and length < needed:
        raise UsageError(
            f"The stream ends after {length:,} images, and {recipe.steps:,} steps of "
            f"{recipe.batch_size} need {needed:,}: give fewer steps, a stream that begins anew at "
            "its end (itertools.cycle), or a list of its items, list(...), and epochs."
        )
    epochs = next(n for n in range(recipe.epochs, 0, -1) if recipe.steps % n == 0)
    return recipe.override(epochs=epochs)


def load_again(recipe: Recipe, path: Path, progress: Progress | None = None) -> ImageSet:
    """Load again the data of the run or the fleet at `path`.

    Raises:
        UsageError: it was an object of the user's own, which has to be handed in again.
    """
    if recipe.data.startswith(OWN):
        raise UsageError(
            f"{path} learned from data of your own: hand them in again, "
            "cutaway.load(path, data=...)."
        )
    return load_for(recipe, recipe.data, progress)
