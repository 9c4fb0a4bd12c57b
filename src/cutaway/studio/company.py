"""Runs that are looked at together: the members of a fleet, or two runs beside each other."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from cutaway.figures import Curves
from cutaway.learn.fleet import Fleet
from cutaway.learn.history import Row
from cutaway.learn.run import Run
from cutaway.show.origins import apart, changes
from cutaway.show.together import MOST, Group, curves


class Company:
    """Runs that may be learning elsewhere: their files are read as they grow.

    Args:
        places: the directory of each; those that have not begun may not be there.
        names: what each is called.
        sets: the runs whose mean makes a line, and what it is called.
    """

    def __init__(
        self,
        places: Sequence[Path],
        names: Sequence[str],
        sets: Sequence[tuple[str, Sequence[int]]],
    ):
        self.places, self.names, self.sets = places, names, sets
        self._known: dict[int, tuple[int, list[Row]]] = {}

    @classmethod
    def of_fleet(cls, fleet: Fleet) -> "Company":
        names = [f"{k}: {apart(one)}" for k, one in enumerate(fleet.changes, 1)]
        sets = [(changes(one) if one else "mean", numbers) for one, numbers in fleet.settings()]
        if len(sets) > MOST:
            sets = [("mean of all settings", [*range(len(fleet))])]
        return cls([fleet.place(k) for k in range(len(fleet))], names, sets)

    @classmethod
    def of_runs(cls, paths: Sequence[Path]) -> "Company":
        alike = len({path.resolve().name for path in paths}) < len(paths)
        names = [str(path) if alike else path.resolve().name for path in paths]
        return cls(paths, names, [(name, [k]) for k, name in enumerate(names)])

    def begun(self) -> list[int]:
        """Those that have begun."""
        return [k for k, place in enumerate(self.places) if Run.is_at(place)]

    def ended(self) -> int:
        """How many have ended."""
        return sum((place / "results.json").exists() for place in self.places)

    def changed(self) -> object:
        """What differs once some run has gone on."""
        return [self._time(k) for k in range(len(self.places))]

    def rows(self, k: int) -> list[Row]:
        """The epochs of a run so far."""
        time = self._time(k)
        if time and self._known.get(k, (0, []))[0] != time:
            self._known[k] = time, Run(self.places[k]).metrics
        return self._known.get(k, (0, []))[1]

    def figures(self) -> list[Curves]:
        """The fan: each run a thin line, the mean of those that belong together a thick one."""
        groups = [
            Group(name, rows)
            for name, numbers in self.sets
            if (rows := [self.rows(k) for k in numbers if self.rows(k)])
        ]
        return list(curves(groups, self._leading).values()) if groups else []

    @cached_property
    def _leading(self) -> str:
        return Run(self.places[self.begun()[0]]).leading

    def _time(self, k: int) -> int:
        path = self.places[k] / "metrics.jsonl"
        return path.stat().st_mtime_ns if path.exists() else 0
