"""How a fleet goes: who watches, who still waits, and how it stops."""

from collections.abc import Sequence

from cutaway.errors import TrainingError
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.history import Row
from cutaway.learn.training import Stopped


class Watcher:
    """What wants to know how a fleet goes; each method may be overridden."""

    def begin(self, fleet: Fleet, way: str) -> None: ...

    def member(self, fleet: Fleet, k: int) -> None: ...

    def epoch(self, fleet: Fleet, rows: Sequence[Row]) -> None:
        """The newest rows of members that learn together."""

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


def expect_all(fleet: Fleet, problems: list[str]) -> None:
    """Say which members did not end, once the others have.

    Raises:
        TrainingError: some did not.
    """
    if problems:
        raise TrainingError(
            f"{len(problems)} of {len(fleet)} members did not end; the others are kept in "
            f"{fleet.path / 'members'}. {problems[0]}"
        )


def waiting(fleet: Fleet) -> list[int]:
    """The members that have not ended."""
    return [k for k in range(len(fleet)) if not fleet.ended(k)]


def stopped(fleet: Fleet) -> Stopped:
    done = len(fleet) - len(waiting(fleet))
    return Stopped(
        f"Stopped with {done} of {len(fleet)} members done, as asked. "
        f"Go on with: cutaway resume {fleet.path}"
    )
