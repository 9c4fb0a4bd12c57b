"""What pages are told of a run, whether it learns or is read."""

from collections.abc import Mapping, Sequence

from cutaway.learn.history import Row
from cutaway.learn.interventions import Intervention, Lasting
from cutaway.learn.task import Task
from cutaway.learn.tasks import METRICS
from cutaway.studio.scene import Scene
from cutaway.studio.views import View, described
from cutaway.studio.wire import Message


def told(
    made: Sequence[Intervention],
    lasting: Lasting,
    undo: bool = False,
    effects: Mapping[Intervention, str] | None = None,
) -> Message:
    """What has been changed, as pages are told.

    Args:
        undo: whether the last one can be taken back.
        effects: what some of them did, at once, to the answers.
    """
    return {
        "kind": "changed", "undo": undo,
        "interventions": [
            {"step": one.step, "text": str(one), "effect": (effects or {}).get(one, "")}
            for one in made
        ],
        "lasting": {
            "factor": lasting.factor, "dropout": lasting.dropout, "images": lasting.images,
            "held": [[*place, value] for place, value in lasting.held.items()],
        },
    }  # fmt: skip


def progress(step: int, rows: Sequence[Row], epochs: int) -> Message:
    """How far a run has come, and the figures of its last validation."""
    figures = {k: v for row in rows[-1:] for k, v in row.items() if k.startswith("val_")}
    return {"step": step, "epoch": len(rows), "epochs": epochs, "metrics": figures}


def measures(task: Task) -> dict[str, dict[str, bool]]:
    """Of each measure of a task whether it is a share, and whether more is better."""
    known = [*METRICS, *task.metrics]
    return {one.name: {"share": one.unit == "%", "higher": one.higher} for one in known}


def about_run(scene: Scene, views: Mapping[str, View]) -> Message:
    """What a page needs to know of a run, however it is looked at."""
    run = scene.run
    return {
        "kind": "begun", "title": run.title, "task": run.recipe.task, "model": run.recipe.model,
        "data": run.recipe.data, "lr": run.recipe.lr, "run": str(run.path),
        "classes": list(scene.target.classes), "images": len(scene.batch.x),
        "shape": list(scene.batch.x.shape[1:]), "measures": measures(scene.task),
        "pictures": scene.images.images.ndim == 4 and scene.task.takes == "images",
        "views": described(views, scene),
    }  # fmt: skip
