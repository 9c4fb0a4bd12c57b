"""What a change made by hand does to the answers, at once."""

from dataclasses import dataclass

from cutaway.learn.job import amount, figure
from cutaway.studio.scene import Scene


@dataclass(frozen=True)
class Quality:
    """What a network is known by, on some validation images."""

    name: str
    value: float
    images: int


def quality(scene: Scene) -> Quality | None:
    """That of a network as it stands; None where one pass over some images does not tell it."""
    if scene.task.pooled is None or not len(scene.run.split.val):
        return None
    metric = scene.task.metric(scene.task.leading(scene.target))
    value = metric.of(scene.summary(scene.judged))
    return None if value is None else Quality(metric.name, value, scene.judged)


def effect(before: Quality | None, after: Quality | None) -> str:
    """In words; nothing where neither is known."""
    if before is None or after is None:
        return ""
    was = figure(before.name, before.value)
    now = amount(after.name, after.value)
    return f"{was[:1].upper()}{was[1:]} before, {now} after ({after.images} validation images)."
