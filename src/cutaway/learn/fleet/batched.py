"""Members as one stack, or as several stacks where memory holds no more."""

from collections.abc import Iterator, Mapping

from cutaway.data.imageset import ImageSet
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import one_by_one
from cutaway.learn.fleet.member import Trainer
from cutaway.learn.fleet.watching import Watcher, expect_all
from cutaway.learn.fleet.wave import Wave, brought_back
from cutaway.learn.training import Training


def batched(fleet: Fleet, images: ImageSet, watcher: Watcher, every: float) -> None:
    """All members that memory holds at once take their steps together."""
    trainer, problems = Trainer(fleet, images, None, every), list[str]()
    for members in waves(fleet):
        trainings = brought_back(trainer, members)
        if alike(trainings):
            problems += Wave(fleet, trainings, watcher, every).go()
        else:
            watcher.note("Their epochs have different lengths, so these members go in turn.")
            problems += one_by_one(trainer, members, watcher)
    expect_all(fleet, problems)


def waves(fleet: Fleet) -> Iterator[list[int]]:
    """The members that have not ended, in the groups that the fleet began with."""
    for start in range(0, len(fleet), fleet.at_once):
        group = range(start, min(start + fleet.at_once, len(fleet)))
        if members := [k for k in group if not fleet.ended(k)]:
            yield members


def alike(trainings: Mapping[int, Training]) -> bool:
    """Whether the members' epochs have as many steps, of as many images."""
    stages = [training.stage for training in trainings.values()]
    return len({(stage.steps, stage.feed.batch_size) for stage in stages}) == 1
