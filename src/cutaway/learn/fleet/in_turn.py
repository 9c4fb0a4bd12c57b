"""One member after the other."""

from collections.abc import Sequence

from cutaway.data.imageset import ImageSet
from cutaway.errors import TrainingError
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.member import Trainer
from cutaway.learn.fleet.watching import expect_all, stopped, waiting
from cutaway.learn.training import Stopped


def in_turn(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """One member after the other, each with all cores."""
    expect_all(fleet, one_by_one(Trainer(fleet, images, execution), waiting(fleet)))


def one_by_one(trainer: Trainer, members: Sequence[int]) -> list[str]:
    """Train some members; why those that did not end did not."""
    problems = []
    for k in members:
        try:
            trainer.training(k).go()
        except Stopped:
            raise stopped(trainer.fleet) from None
        except TrainingError as error:
            problems.append(f"Member {k + 1}: {error}")
        else:
            trainer.execution.callback.on_member_end(trainer.fleet, k)
    return problems
