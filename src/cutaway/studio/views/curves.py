"""The curves of losses and metrics, by step, as they grow."""

from collections.abc import Iterator, Sequence
from typing import cast

from cutaway.figures import Axis, Curves, Figure, Role, Series
from cutaway.learn.step_history import RATE
from cutaway.learn.tasks import metric
from cutaway.studio.scene import Points, Scene
from cutaway.studio.views.base import Chosen, View

PARTS = {"train": "training", "val": "validation"}


class Curve(View):
    name = "curves"
    title = "Loss and metrics"
    caption = "Training by step, validation after each epoch."
    every = 0.2
    needs_weights = False

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return True

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        groups: dict[str, dict[str, Points]] = {}
        for key, points in [*scene.by_step(), *_by_epoch(scene)]:
            x, y = groups.setdefault(_metric(key), {}).setdefault(key, ([], []))
            x += points[0]
            y += points[1]
        rate = groups.pop(RATE, None)
        order = sorted(groups, key=lambda name: name != "loss")
        figures = [_figure(name, groups[name]) for name in order]
        return [*figures, *([_figure(RATE, rate)] if rate else [])]


def _metric(key: str) -> str:
    """What the figure of a value is named by: players share one."""
    part, _, rest = key.partition("_")
    return metric(rest).name if part in PARTS else key


def _by_epoch(scene: Scene) -> Iterator[tuple[str, Points]]:
    keys = {key for row in scene.rows for key in row if key.startswith("val_")}
    for key in sorted(keys):
        rows = [row for row in scene.rows if row.get(key) is not None]
        yield key, (_places(scene, rows), [float(row[key]) for row in rows])


def _places(scene: Scene, rows: Sequence[dict[str, float]]) -> list[float]:
    """The steps of the run at which epochs ended."""
    return [scene.begins(int(row.get("stage", 1)) - 1) + row["step"] for row in rows]


def _figure(name: str, lines: dict[str, Points]) -> Curves:
    about = metric(name)
    share = about.unit == "%"
    series = tuple(
        Series(_called(key), tuple(x), tuple(y), role=_role(key, lines))
        for key, (x, y) in sorted(lines.items(), key=lambda one: one[0].startswith("val_"))
    )
    axis = Axis(about.axis or about.label, zero=about.begins == "zero", share=share, scale=(
        "linear" if share or name == RATE else "auto"))  # fmt: skip
    return Curves(about.title, Axis("step", whole=True), axis, series)


def _called(key: str) -> str:
    part, _, rest = key.partition("_")
    player = rest.removesuffix(metric(rest).name).rstrip("_") if part in PARTS else ""
    return player or PARTS.get(part, metric(key).label)


def _role(key: str, lines: dict[str, Points]) -> Role:
    """Training and validation have looks of their own, unless several players share a figure."""
    parts = [one.partition("_")[0] for one in lines]
    part = key.partition("_")[0]
    return cast(Role, part) if part in PARTS and parts.count(part) == 1 else ""
