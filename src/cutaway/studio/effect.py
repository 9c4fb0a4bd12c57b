"""What a change made by hand does to the answers, at once."""

from dataclasses import dataclass

from cutaway.learn.job import figure
from cutaway.studio.scene import Scene

MOST = 512
"""Validation images that are answered, at most."""


@dataclass(frozen=True)
class Quality:
    """What a network is known by, on some validation images."""

    name: str
    value: float
    images: int


def quality(scene: Scene) -> Quality | None:
    """That of a network as it stands; None where one pass over some images does not tell it."""
    part = scene.run.split.val[:MOST]
    if scene.task.pooled is None or not len(part):
        return None
    feed = scene.run.feed(scene.images, part)
    found = scene.task.evaluate(scene.model, feed, scene.target, scene.runtime).summary()
    metric = scene.task.metric(scene.task.leading(scene.target))
    value = metric.of(found)
    return None if value is None else Quality(metric.name, value, len(part))


def effect(before: Quality | None, after: Quality | None) -> str:
    """In words; nothing where neither is known."""
    if before is None or after is None:
        return ""
    was = figure(before.name, before.value)
    now = figure(after.name, after.value).removeprefix(after.name).strip()
    return f"{was[:1].upper()}{was[1:]} before, {now} after ({after.images} validation images)."
