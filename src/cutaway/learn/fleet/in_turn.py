"""One member after the other."""

from cutaway.data.imageset import ImageSet
from cutaway.errors import TrainingError
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.member import Trainer
from cutaway.learn.fleet.watching import Watcher, expect_all, stopped, waiting
from cutaway.learn.training import Stopped


def in_turn(fleet: Fleet, images: ImageSet, watcher: Watcher, every: float) -> None:
    """One member after the other, each with all cores."""
    trainer, problems = Trainer(fleet, images, None, every), list[str]()
    for k in waiting(fleet):
        try:
            trainer.train(k)
        except Stopped:
            raise stopped(fleet) from None
        except TrainingError as error:
            problems.append(f"Member {k + 1}: {error}")
            continue
        watcher.member(fleet, k)
    expect_all(fleet, problems)
