"""How each layer fares: its gradients and its answers, moment by moment."""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from cutaway.figures import Axis, Figure, HeatMap
from cutaway.see.layers import layers
from cutaway.see.probe import answers
from cutaway.studio.scene import Scene
from cutaway.studio.views.base import Chosen, Option, View

MOST = 96
"""Moments that are kept; then every second is let go."""
NOTHING = float("nan")

Measure = Callable[[Scene, dict[str, nn.Module]], dict[str, float]]


def gradients(scene: Scene, named: dict[str, nn.Module]) -> dict[str, float]:
    """log10 of the root mean square of each layer's gradients."""
    return {name: _log(_rms(p.grad for p in one.parameters(False))) for name, one in named.items()}


def relative(scene: Scene, named: dict[str, nn.Module]) -> dict[str, float]:
    """log10 of the gradients beside the weights."""
    return {
        name: _log(_rms(p.grad for p in one.parameters(False)))
        - _log(_rms(p.detach() for p in one.parameters(False)))
        for name, one in named.items()
    }


def spread(scene: Scene, named: dict[str, nn.Module]) -> dict[str, float]:
    """log10 of the standard deviation of each layer's answers."""
    return {name: _log(y.float().std().item()) for name, y in _answers(scene, named).items()}


def zeros(scene: Scene, named: dict[str, nn.Module]) -> dict[str, float]:
    """The share of a layer's answers that are exactly 0."""
    return {name: (y == 0).float().mean().item() for name, y in _answers(scene, named).items()}


MEASURES: dict[str, tuple[str, str, Measure, bool]] = {
    "gradients": ("Gradients", "log10 of the gradients' root mean square", gradients, True),
    "relative": ("Gradients beside weights", "log10 of gradients / weights", relative, True),
    "spread": ("Answers", "log10 of the answers' standard deviation", spread, False),
    "zeros": ("Silent answers", "share of answers that are 0", zeros, False),
}


class Health(View):
    name = "health"
    title = "Health of each layer"
    caption = (
        "A column for each moment that was looked at; the input is on top. Rows that fade towards "
        "the input are gradients that vanish."
    )
    every = 0.25

    def __init__(self) -> None:
        self._columns: dict[str, list[dict[str, float]]] = {}
        self._steps: dict[str, list[int]] = {}

    @classmethod
    def fits(cls, scene: Scene) -> bool:
        return scene.learns

    def options(self, scene: Scene) -> dict[str, Option]:
        choices = [(name, label) for name, (label, _, _, _) in MEASURES.items()]
        return {"measure": Option("Measure", choices, "gradients")}

    def draw(self, scene: Scene, chosen: Chosen) -> Sequence[Figure]:
        which = chosen["measure"]
        label, unit, measure, learning = MEASURES[which]
        columns, steps = self._columns.setdefault(which, []), self._steps.setdefault(which, [])
        if (not learning or scene.gradients) and scene.step not in steps[-1:]:
            named = {
                name: one for name, one in layers(scene.model).items()
                if not learning or any(p.requires_grad for p in one.parameters(False))
            }  # fmt: skip
            columns.append(measure(scene, named))
            steps.append(scene.step)
            if len(columns) > MOST:
                del columns[1::2], steps[1::2]
        if not columns:
            return []
        names = list(columns[-1])
        values = tuple(tuple(one.get(name, NOTHING) for one in columns) for name in names)
        ends = (f"step {steps[0]:,}", f"step {steps[-1]:,}")
        return [HeatMap(label, tuple(names), ends, values, Axis(unit))]


def _answers(scene: Scene, named: dict[str, nn.Module]) -> dict[str, Tensor]:
    if scene.task.takes != "images":
        return {}
    return answers(scene.model, scene.batch.x)


@torch.no_grad()
def _rms(several: Iterable[Tensor | None]) -> float:
    known = [one for one in several if isinstance(one, Tensor)]
    count = sum(one.numel() for one in known)
    return math.sqrt(sum(one.float().square().sum().item() for one in known) / max(1, count))


def _log(value: float) -> float:
    return math.log10(value) if value > 0 else NOTHING
