"""Runs and fleets as what can be compared: replicates of one recipe each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cutaway.errors import RunError, UsageError
from cutaway.learn.kinds import open_job
from cutaway.learn.recipe import REPLICATE, Recipe
from cutaway.learn.run import Run
from cutaway.settings import Options


class Key(NamedTuple):
    """The fields that tell replicates of one recipe apart."""

    seed: int
    split: int
    fold: str


@dataclass(frozen=True)
class Side:
    """One of the things that are compared, with its replicates."""

    name: str
    path: Path
    runs: tuple[Run, ...]

    @property
    def recipe(self) -> Recipe:
        """The recipe that its replicates share."""
        return self.runs[0].recipe

    @property
    def fleet(self) -> bool:
        return len(self.runs) > 1

    @property
    def keyed(self) -> dict[Key, Run]:
        """The replicates by seed, split and fold."""
        return {key(run.recipe): run for run in self.runs}


def sides(paths: Sequence[str | Path]) -> list[Side]:
    """Open what is to be compared, under names that tell it apart.

    Raises:
        UsageError: fewer than two, one of them twice, neither a run nor a fleet, or members that
            are no replicates.
        RunError: a run that has not begun or ended.
    """
    if len(paths) < 2:
        raise UsageError(
            "It takes two runs or fleets to compare: cutaway compare runs/lenet5-digits-1 "
            "runs/lenet5-digits-2"
        )
    places = [Path(path).resolve() for path in paths]
    if twice := next((path for path in places if places.count(path) > 1), None):
        raise UsageError(f"{twice} is named twice, and equals itself: name another run.")
    distinct = len({place.name for place in places}) == len(places)
    compared = []
    for path, place in zip(map(Path, paths), places, strict=True):
        compared.append(
            Side(place.name if distinct else str(path), path, tuple(open_job(path).members))
        )
        _check(compared[-1])
    return compared


def key(recipe: Recipe) -> Key:
    return Key(recipe.seed, recipe.division, recipe.fold)


def pairs(a: Side, b: Side) -> list[tuple[Run, Run]]:
    """The runs of both that have the same seed, split and fold."""
    other = b.keyed
    return [(run, other[key]) for key, run in a.keyed.items() if key in other]


def varying(runs: Sequence[Run]) -> list[str]:
    """In what the replicates differ, in words; not what follows from that."""
    keys = [key(run.recipe) for run in runs]
    names: list[str] = []
    for name in Key._fields:
        if _kinds(keys, [*names, name]) > _kinds(keys, names):
            names.append(name)
    return names


def _kinds(keys: Sequence[Key], names: Sequence[str]) -> int:
    return len({tuple(getattr(one, name) for name in names) for one in keys})


def _check(side: Side) -> None:
    for run in side.runs:
        if not run.finished:
            raise _unfinished(side.path)
    plain = [_shared(run.recipe) for run in side.runs]
    for one in plain[1:]:
        if other := [name for name in one if one[name] != plain[0][name]]:
            raise UsageError(
                f"The members of {side.path} differ in {other[0]}, so they are not replicates of "
                f"one recipe: compare them by themselves, {side.runs[0].path} and so on."
            )


def _shared(recipe: Recipe) -> Options:
    return {name: value for name, value in recipe.to_dict().items() if name not in REPLICATE}


def _unfinished(path: Path) -> RunError:
    return RunError(f"{path} has not finished: resume it with `cutaway resume {path}`.")
