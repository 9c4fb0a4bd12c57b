"""A search: the directory that holds its trials, and the best recipe once it has ended."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import torch

from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, TrainingError, UsageError
from cutaway.files import read_json, write_json, write_whole
from cutaway.learn.directory import Place, create_whole
from cutaway.learn.elsewhere import check_threads
from cutaway.learn.execution import Execution
from cutaway.learn.format_versions import expect_same_steps
from cutaway.learn.job import Job
from cutaway.learn.notes import Note, read_notes
from cutaway.learn.recipe import Recipe, from_dict, read_recipe
from cutaway.learn.run import Run
from cutaway.learn.search import axes, sampling
from cutaway.learn.search.space import Space
from cutaway.learn.search.trial import Trial
from cutaway.learn.search.trial import from_dict as read_trial
from cutaway.learn.tasks import metric
from cutaway.settings import Options, Scalar

FORMAT = 1


class SearchFacts(TypedDict):
    """A search's `search.json`: what is to be tried."""

    format: int
    recipe: Options
    trials: int
    objective: str
    fingerprint: str
    threads: NotRequired[int]
    at_once: NotRequired[int]
    space: Mapping[str, Mapping[str, object]]


class SearchResults(TypedDict):
    """A search's `results.json`: the best trial, and what each field mattered."""

    objective: str
    value: float | None
    trial: int
    changes: dict[str, Scalar]
    importance: dict[str, float]
    trials: list[dict[str, object]]


class Search(Job):
    """Runs that differ in what was drawn for them, each a directory of its own in `trials`."""

    kind, marker = "search", "search.json"
    maker = "Searches are made by `cutaway search`."
    summed_by = "best"

    def __len__(self) -> int:
        """The number of trials that were asked for."""
        return self._facts["trials"]

    @classmethod
    def create(
        cls,
        place: Place,
        recipe: Recipe,
        space: Space,
        trials: int,
        objective: str,
        fingerprint: str = "",
        at_once: int = 1,
        threads: int = 0,
    ) -> "Search":
        """Write down what is to be tried, in one step; nothing is trained yet.

        Args:
            fingerprint: of the images, see `check_images`.
            at_once: trials that may be at work together.
            threads: of a trial; by default as many as PyTorch has.
        """
        facts: SearchFacts = {
            "format": FORMAT, "recipe": recipe.to_dict(), "trials": trials, "objective": objective,
            "fingerprint": fingerprint, "threads": threads or torch.get_num_threads(),
            "at_once": at_once,
            "space": {name: axes.to_dict(axis) for name, axis in space.items()},
        }  # fmt: skip
        return cls(create_whole(place, lambda folder: write_json(folder / cls.marker, facts)))

    @cached_property
    def _facts(self) -> SearchFacts:
        facts: SearchFacts = read_json(self.path / self.marker)
        return facts

    @property
    def results(self) -> SearchResults:
        results: SearchResults = self._read_results()
        return results

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that the trials share."""
        return from_dict(self._facts["recipe"], str(self.path))

    @cached_property
    def space(self) -> Space:
        """The fields that vary, with what is tried for each."""
        return {name: axes.from_dict(axis) for name, axis in self._facts["space"].items()}

    @property
    def objective(self) -> str:
        """The figure of validation that the trials are judged by, such as `val_accuracy`."""
        return self._facts["objective"]

    @property
    def higher(self) -> bool:
        """Whether more of it is better."""
        return metric(self.objective).higher

    @property
    def threads(self) -> int:
        """Of a trial, unless its recipe says otherwise."""
        return self._facts.get("threads", 0) or torch.get_num_threads()

    @property
    def at_once(self) -> int:
        """Trials at work together: each follows from those before it but for so many, itself
        among them, so that what is drawn does not depend on which of them ends first."""
        return self._facts.get("at_once", 1)

    def folder(self, number: int) -> str:
        """The name of a trial's directory (from 0) below the search's."""
        return f"trials/{number:03}"

    def place(self, number: int) -> Path:
        """The directory of a trial (from 0)."""
        return self.path / self.folder(number)

    @property
    def trials(self) -> list[Trial]:
        """Those that have begun, in order."""
        path = self.path / "trials.json"
        return [read_trial(one) for one in read_json(path)] if path.exists() else []

    def write(self, trials: Sequence[Trial]) -> None:
        """Keep what is known of the trials."""
        write_json(self.path / "trials.json", [trial.to_dict() for trial in trials])

    def check_images(self, images: ImageSet) -> None:
        """Refuse images other than those that the search began with."""
        if images.fingerprint != self._facts["fingerprint"]:
            raise RunError(
                f"The images of '{self.recipe.data}' have changed since {self.path} began, so that "
                "its trials are no longer comparable: bring the old ones back, or start a new "
                "search."
            )

    @property
    def done(self) -> tuple[int, int, str]:
        return sum(trial.state != "running" for trial in self.trials), len(self), "trial"

    @property
    def headline(self) -> tuple[str, float | None]:
        return self.objective, self.results["value"]

    @property
    def members(self) -> list[Run]:
        """Refused: it has no network that is meant to be used.

        Raises:
            UsageError: always, with what to do instead.
        """
        begins = f"{self.path} is a search, which has no network of its own"
        if not self.finished:
            raise UsageError(f"{begins}: resume it with `cutaway resume {self.path}`.")
        raise UsageError(
            f"{begins}: train its best recipe with `cutaway train --recipe {self.path}/best.toml`."
        )

    def resume(self, images: ImageSet | None = None, **execution: Any) -> "Search":
        from cutaway.learn.search.trials import Trials

        settings = Execution(**execution)
        if self.finished:
            return self
        if settings.place.apart:
            check_threads(self.threads, settings.place)
        expect_same_steps(self._facts["recipe"], self.path)
        sampling.require_optuna()
        images = self.images() if images is None else images
        self.check_images(images)
        Trials(self, images, settings).go()
        return self

    @property
    def notes(self) -> list[Note]:
        """Those of the best trial."""
        return read_notes(self.place(self.results["trial"]))

    @property
    def best(self) -> Recipe:
        """The recipe of the best trial.

        Raises:
            RunError: the search has not ended.
        """
        self._expect_the_end()
        return read_recipe(self.path / "best.toml")

    def leader(self, trials: Sequence[Trial]) -> Trial | None:
        """The best of the trials that ended; of equals that with the lower loss, then the first."""
        ended = [trial for trial in trials if trial.value is not None]
        sign = -1 if self.higher else 1
        return min(ended, key=lambda one: (sign * (one.value or 0), one.loss or 0), default=None)

    def recipe_of(self, trial: Trial) -> Recipe:
        """A trial's recipe, as `cutaway train` would take it."""
        return self.recipe.with_options(**trial.changes)

    def conclude(self) -> None:
        """Write what the trials came to, once all are over.

        Raises:
            TrainingError: none has ended.
        """
        trials = self.trials
        best = self.leader(trials)
        if best is None:
            raise TrainingError(
                f"None of the {len(trials)} trials in {self.path} came to an end. {trials[0].why}"
            )
        write_whole(self.path / "best.toml", self.recipe_of(best).to_toml())
        results: SearchResults = {
            "objective": self.objective,
            "value": best.value,
            "trial": best.number,
            "changes": best.changes,
            "importance": sampling.importance(self.space, trials, self.higher),
            "trials": [trial.to_dict() for trial in trials],
        }
        write_json(self.path / "results.json", results)
