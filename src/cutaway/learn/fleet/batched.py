"""Members as one stack, or as several stacks where memory holds no more."""

from collections.abc import Iterator, Sequence

from cutaway.data.imageset import ImageSet
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.member import Trainer
from cutaway.learn.fleet.watching import expect_all
from cutaway.learn.fleet.wave import Wave, brought_back


def batched(fleet: Fleet, images: ImageSet, execution: Execution) -> None:
    """All members that memory holds at once take their steps together."""
    trainer, problems = Trainer(fleet, images, execution), list[str]()
    for members in waves(fleet):
        groups = alike(trainer, members)
        if len(groups) > 1:
            sizes = " or ".join(f"{size:,}" for size in groups)
            said = f"Members that learn from equally many images ({sizes}) are a stack."
            execution.callback.on_note(said)
        for group in groups.values():
            problems += Wave(fleet, brought_back(trainer, group), execution).go()
    expect_all(fleet, problems)


def waves(fleet: Fleet) -> Iterator[list[int]]:
    """The members that have not ended, in the groups that the fleet began with."""
    for start in range(0, len(fleet), fleet.at_once):
        group = range(start, min(start + fleet.at_once, len(fleet)))
        if members := [k for k in group if not fleet.ended(k)]:
            yield members


def alike(trainer: Trainer, members: Sequence[int]) -> dict[int, list[int]]:
    """Members by how many images they learn from, on which the sizes of all batches depend."""
    found: dict[int, list[int]] = {}
    for k in members:
        learned = trainer.divided(trainer.fleet.recipe_of(k)).train
        found.setdefault(len(learned), []).append(k)
    return found
