"""How a fleet goes: which members still wait, and how it stops."""

from cutaway.errors import TrainingError
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.training import Stopped


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
    done, wanted, _ = fleet.done
    return Stopped(
        f"Stopped with {done} of {wanted} members done, as asked. "
        f"Go on with: cutaway resume {fleet.path}"
    )
