"""A fleet: the directory that holds the runs of many networks trained as one job."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import torch

from cutaway.data.imageset import ImageSet
from cutaway.data.split import overlap
from cutaway.errors import RunError, UsageError
from cutaway.files import read_json, write_json
from cutaway.learn.answers import Answered, Answering
from cutaway.learn.directory import Place, create_whole
from cutaway.learn.evaluation import Pooled, Summary, number
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.choice import Choice
from cutaway.learn.fleet.ensemble import (
    Ensemble,
    curve,
    ensemble_evaluation,
    member_evaluations,
)
from cutaway.learn.fleet.results import FleetFacts, FleetResults, Spread, spread
from cutaway.learn.format_versions import expect_same_steps
from cutaway.learn.job import Job
from cutaway.learn.loading import part_or_data
from cutaway.learn.notes import Note, merge_notes
from cutaway.learn.options import Changes, in_fields
from cutaway.learn.predict import answered
from cutaway.learn.recipe import REPLICATE, Recipe, from_dict
from cutaway.learn.run import Run


def plan(recipe: Recipe) -> list[dict[str, object]]:
    """Each member's changes to the recipe: every value of what varies, each fold, each replicate.

    Replicates differ in the seed of weights and order, counted up from the recipe's. The split is
    the recipe's for all, so that they can be judged together, unless `split_seed` varies.
    What varies are fields of the recipe, or options of the model or the task, with the values to
    try; with folds each member tests on another part.

    Raises:
        UsageError: nothing varies, or a field that cannot take a value.
    """
    choices: dict[str, Sequence[object]] = {}
    for name, values in recipe.vary.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise UsageError(f"'{name}' varies over a list of values: {name}=1,2,3.")
        choices[name] = values
    if folds := recipe.folds:
        if folds < 2:
            raise UsageError("A cross-validation has at least two folds: --folds 5.")
        choices["fold"] = [f"{k}/{folds}" for k in range(1, folds + 1)]
    if recipe.replicates > 1:
        if "seed" in choices:
            raise UsageError("Replicates differ in their seed: vary the seed, or give replicates.")
        choices["seed"] = range(recipe.seed, recipe.seed + recipe.replicates)
    members = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    if len(members) < 2:
        raise UsageError("A fleet has at least two members: --replicates 8, or --folds 5.")
    return [{"split_seed": recipe.division, **in_fields(recipe, one)} for one in members]


FORMAT = 1


class Fleet(Job, Answering):
    """Runs that differ in what `changes` says, each a directory of its own in `members`."""

    kind, marker = "fleet", "fleet.json"
    maker = "Fleets are made by `cutaway train --replicates 8`."
    summed_by = "mean"

    def __len__(self) -> int:
        return len(self._facts["members"])

    @classmethod
    def create(
        cls, place: Place, recipe: Recipe, changes: Sequence[Changes], choice: Choice
    ) -> "Fleet":
        """Write down what is to be trained and how, in one step; nothing is trained yet."""
        facts: FleetFacts = {
            "format": FORMAT, "recipe": recipe.to_dict(), "members": [dict(one) for one in changes],
            "way": choice.way, "at_once": choice.at_once, "threads": choice.threads,
        }  # fmt: skip
        return cls(create_whole(place, lambda folder: write_json(folder / cls.marker, facts)))

    @cached_property
    def _facts(self) -> FleetFacts:
        facts: FleetFacts = read_json(self.path / self.marker)
        return facts

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that the members share."""
        return from_dict(self._facts["recipe"], str(self.path))

    @property
    def changes(self) -> list[dict[str, object]]:
        """The fields in which each member differs."""
        return list(self._facts["members"])

    @property
    def results(self) -> FleetResults:
        results: FleetResults = self._read_results()
        return results

    @property
    def way(self) -> str:
        """The strategy that trains it, a name of `launch.STRATEGIES`."""
        return self._facts["way"]

    @property
    def at_once(self) -> int:
        """The number of members that learn as one stack, where they do."""
        return self._facts.get("at_once", 1)

    @property
    def threads(self) -> int:
        """Of each member or stack, unless a member's recipe says otherwise."""
        return self._facts.get("threads", 0) or torch.get_num_threads()

    def recipe_of(self, k: int) -> Recipe:
        """Member k's recipe (from 0), as `cutaway train` alone would take it."""
        return self.recipe.override(**self._facts["members"][k])

    def folder(self, k: int) -> str:
        """The name of member k's directory (from 0) below the fleet's."""
        return f"members/{k:03}"

    def place(self, k: int) -> Path:
        """The directory of member k (from 0)."""
        return self.path / self.folder(k)

    def begun(self, k: int) -> bool:
        return Run.is_at(self.place(k))

    def ended(self, k: int) -> bool:
        return (self.place(k) / "results.json").is_file()

    @cached_property
    def members(self) -> list[Run]:
        """The runs, in order.

        Raises:
            RunError: one has not begun.
        """
        lacking = [k for k in range(len(self)) if not self.begun(k)]
        if lacking:
            raise RunError(
                f"Member {lacking[0]} of {self.path} has not begun: resume it with "
                f"`cutaway resume {self.path}`."
            )
        return [Run(self.place(k)) for k in range(len(self))]

    @property
    def done(self) -> tuple[int, int, str]:
        return sum(map(self.ended, range(len(self)))), len(self), "member"

    @property
    def headline(self) -> tuple[str, float | None]:
        name = self.results["headline"]
        return name, self.results["measures"][name]["mean"]

    def resume(self, images: ImageSet | None = None, **execution: Any) -> "Fleet":
        from cutaway.learn.fleet.launch import train

        settings = Execution(**execution)
        if not self.finished:
            expect_same_steps(self._facts["recipe"], self.path)
            why = f"Going on with {self.path}, {self.way}, as it began."
            train(self, self.images() if images is None else images, settings, why)
        return self

    @property
    def notes(self) -> list[Note]:
        """Those of the members, each kind once."""
        return merge_notes([run.notes for run in self.members])

    def conclude(self) -> None:
        """Write what the members came to, once all have ended."""
        members = self.members
        summaries = [run.results for run in members]
        results: FleetResults = {
            "members": len(members),
            "headline": members[0].leading,
            "measures": self._measures(summaries),
            "settings": [
                {
                    "changes": changes,
                    "members": numbers,
                    "measures": self._measures([summaries[k] for k in numbers]),
                }
                for changes, numbers in self.settings()
            ],
        }
        with suppress(UsageError):  # their answers have no mean
            evaluations = member_evaluations(members)
            results["ensemble"] = ensemble_evaluation(evaluations).summary()
            results["curve"] = curve(evaluations)
        write_json(self.path / "results.json", results)

    def settings(self) -> list[tuple[dict[str, object], list[int]]]:
        """Each setting that was varied on purpose, and the members (replicates, folds) of it."""
        settings: dict[str, tuple[dict[str, object], list[int]]] = {}
        for k, changes in enumerate(self.changes):
            own = {name: value for name, value in changes.items() if name not in REPLICATE}
            settings.setdefault(repr(own), (own, []))[1].append(k)
        return list(settings.values())

    def _measures(self, summaries: Sequence[Summary]) -> dict[str, Spread]:
        first, last = summaries[0], summaries[-1]
        names = [name for name, v in first.items() if isinstance(v, float) and name in last]
        ratio = overlap([run.split for run in self.members])
        return {
            name: spread(name, [number(one, name) for one in summaries], ratio) for name in names
        }

    def ensemble(self) -> Pooled:
        """Evaluate the mean of the members' answers to their test images.

        Raises:
            UsageError: the answers have no mean, or are to other images.
        """
        return ensemble_evaluation(member_evaluations(self.members))

    def evaluate(self, data: Any = None, on: str = "test") -> Pooled:
        """Evaluate it as an ensemble, which it is for its test images only.

        Raises:
            UsageError: other data, or another part, are asked about.
        """
        data, on = part_or_data(data, on)
        if data is not None or on != "test":
            raise UsageError(
                "A fleet is measured by its members' answers to their test images: evaluate a "
                f"member, {self.place(0)}, on other data."
            )
        return self.ensemble()

    @cached_property
    def model(self) -> Ensemble:
        """The members as one network: the mean of their answers.

        Raises:
            UsageError: the answers have no mean, or are to other images.
        """
        member_evaluations(self.members)  # refuses those that are none
        runs = self.members
        tasks, networks = [run.task for run in runs], [run.model for run in runs]
        return Ensemble(tasks, networks, runs[0].data.target).eval()

    def answered(self, images: Any, coverage: float | None = None) -> Iterator[Answered]:
        """Each picture with the mean of the members' answers.

        Raises:
            UsageError: a coverage is asked for, which a member can promise.
        """
        first = self.members[0]
        if coverage is not None:
            raise UsageError(
                "Sets of classes and intervals are a single network's: ask a member, "
                f"{first.path}, for them."
            )
        return answered(self.model, first.task, first.data, first.runtime, images)
