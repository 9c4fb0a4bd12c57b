"""The base of runs, fleets and searches: a directory that ends, goes on and reports."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from cutaway.data.augment import OwnAugment
from cutaway.data.imageset import ImageSet
from cutaway.data.pack import Progress
from cutaway.errors import RunError, UsageError
from cutaway.files import read_json
from cutaway.learn.loading import load_again, load_for
from cutaway.learn.notes import Note
from cutaway.learn.recipe import OWN, Recipe
from cutaway.learn.tasks import metric

if TYPE_CHECKING:
    from cutaway.learn.run import Run


class Job:
    """One training, or many as one, on disk.

    Args:
        path: its directory.
        model, data, augment: what learns, from what, and how that is augmented, where these are the
            user's own objects.

    Attributes:
        kind: `run`, `fleet` or `search`.
        marker: the file that makes a directory one.
        maker: the command that makes one, in a sentence.
        summed_by: what its headline is of several: `mean` of a fleet, `best` of a search.
        given: the network that was handed in.

    Raises:
        UsageError: there is none at `path`.
    """

    kind: ClassVar[str]
    marker: ClassVar[str]
    maker: ClassVar[str]
    summed_by: ClassVar[str] = ""

    def __init__(
        self, path: str | Path, model: nn.Module | None = None, data: Any = None,
        augment: OwnAugment | None = None,
    ):  # fmt: skip
        self.path, self.given, self._data, self.augment = Path(path), model, data, augment
        if not self.is_at(path):
            raise UsageError(
                f"{self.path} is not a {self.kind}: it holds no {self.marker}. {self.maker}"
            )

    @classmethod
    def is_at(cls, path: str | Path) -> bool:
        """Whether there is one at a path."""
        return (Path(path) / cls.marker).is_file()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}: {self.told})"

    @property
    def told(self) -> str:
        """What it is and how it stands, in a line; also of a directory that is damaged, or gone."""
        try:
            said = f"{self.title}, {self._standing()}"
        except Exception as error:
            said = f"cannot be read: {error}" if self.path.exists() else "is not there any more"
        return " ".join(said.split())

    def _repr_html_(self) -> str:
        from cutaway.show.jobs import html

        return html(self)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe, which decides its result."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """In a few words: `lenet5 on digits`."""
        model, data = (name.removeprefix(OWN) for name in (self.recipe.model, self.recipe.data))
        return f"{model} on {data}"

    @property
    def done(self) -> tuple[int, int, str]:
        """Its progress: how far, of how much, and of what: (3, 20, "epoch")."""
        raise NotImplementedError

    @property
    def headline(self) -> tuple[str, float | None]:
        """The measure that it is known by, and what it came to. Raises RunError before its end."""
        raise NotImplementedError

    def _standing(self) -> str:
        done, wanted, noun = self.done
        if not self.finished:
            return f"{done} of {wanted} {noun}s, not ended"
        name, value = self.headline
        came_to = [] if value is None else [f"{self.summed_by} {figure(name, value)}".strip()]
        return ", ".join([f"{done} {noun}{'s' * (done != 1)}", *came_to])

    @property
    def lacks_data(self) -> bool:
        """Whether it learned from data of the user's own, which were not handed in again."""
        return self._data is None and self.recipe.data.startswith(OWN)

    @property
    def finished(self) -> bool:
        return (self.path / "results.json").exists()

    @property
    def results(self) -> Mapping[str, object]:
        """Its results, as `results.json` holds them.

        Raises:
            RunError: it has not ended.
        """
        raise NotImplementedError

    def _read_results(self) -> Any:
        self._expect_the_end()
        return read_json(self.path / "results.json")

    def _expect_the_end(self) -> None:
        if not self.finished:
            how = f"resume it with `cutaway resume {self.path}`"
            raise RunError(f"{self.path} has not finished: {how}.")

    @property
    def notes(self) -> list[Note]:
        """Notes to know before the results are believed: `kind` and `sentence` of each."""
        raise NotImplementedError

    @property
    def members(self) -> "Sequence[Run]":
        """The runs whose networks answer.

        Raises:
            UsageError: none is meant to.
        """
        raise NotImplementedError

    def images(self, progress: Progress | None = None) -> ImageSet:
        """The images that it learns from, loaded again.

        Raises:
            UsageError: they were an object of the user's own, which has to be handed in again.
            RunError: they are not what they were.
        """
        if self._data is None:
            images = load_again(self.recipe, self.path, progress)
        else:
            images = load_for(self.recipe, self._data, progress)
        self.check_images(images)
        return images

    def check_images(self, images: ImageSet) -> None:
        """Refuse images other than those that it began with. Raises RunError."""

    def resume(self, images: ImageSet | None = None, **execution: Any) -> "Job":
        """Go on where it was stopped or killed; its end is the same to the bit.

        Args:
            images: what it learns from; without them they are loaded again.
            execution: fields of `Execution`.

        Raises:
            RunError: no sound checkpoint, images that have changed, or a begin by a version of
                Cutaway whose steps were others.
        """
        raise NotImplementedError

    def report(self, images: ImageSet | None = None) -> Path:
        """Write `report.html` into the directory, once it has ended; gives its path.

        Args:
            images: what it learned from, where it was an object of the user's own.
        """
        from cutaway.show.jobs import report

        return report(self, None if images is None else load_for(self.recipe, images))


def figure(name: str, value: float) -> str:
    """A measure in a line: `accuracy 97.8 %`, `val psnr 21.3`."""
    part = "val " * name.startswith("val_")
    return f"{part}{metric(name).label} {amount(name, value)}"


def amount(name: str, value: float) -> str:
    """A measure without its name: `97.8 %`."""
    about = metric(name)
    return f"{100 * value:.1f} %" if about.share else f"{value:.4g} {about.unit}".strip()
