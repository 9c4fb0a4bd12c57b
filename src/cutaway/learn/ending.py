"""The end of a training: what is kept once its network has learned."""

from typing import TYPE_CHECKING

from cutaway.files import write_json
from cutaway.learn.checkpoint import save_tensors
from cutaway.learn.evaluation import Evaluation
from cutaway.learn.notes import note_cost, note_interventions, note_test
from cutaway.together.sharded import whole

if TYPE_CHECKING:
    from cutaway.learn.training import Training

AT_THE_END = "end of training"
"""The reason of a run's own evaluation on its test part, in `looks.jsonl`."""


def finish(training: "Training") -> None:
    """Save the weights, tune, evaluate once on the test set, and save the results."""
    run, first = training.run, training.runtime.team.first
    assert training.stage.number + 1 == len(training.recipes)
    _save_weights(training)
    _tune(training)
    feed, target = run.feed(training.images, run.split.test), run.data.target
    evaluation = run.task.evaluate(training.model, feed, target, training.runtime)
    if first:
        _keep(training, evaluation.grouped(run.split))


def _save_weights(training: "Training") -> None:
    weights = whole(training.model.state_dict(), training.runtime.team)
    if training.runtime.team.first:
        training.run.save_weights(weights)
        training.run.__dict__.pop("model", None)


def _tune(training: "Training") -> None:
    """Keep what the task takes from the validation images, now that the network is done."""
    run, stage, target = training.run, training.stage, training.run.data.target
    if stage.val is None or not stage.task.tuned:
        return
    evaluation = stage.task.evaluate(stage.network, stage.val, target, training.runtime)
    if values := stage.task.tune(evaluation.grouped(run.split), target):
        write_json(run.path / "tuned.json", values)


def _keep(training: "Training", evaluation: Evaluation) -> None:
    """Write what the evaluation on the test set came to."""
    run = training.run
    note_test(run, evaluation)
    note_interventions(run)
    note_cost(run, training.images)
    if not any(look["why"] == AT_THE_END for look in run.looks):  # killed since, and resumed
        run.log_look("test", AT_THE_END, evaluation)
    save_tensors(run.path / "predictions.safetensors", evaluation.tensors(), {"part": "test"})
    speed = training.images_seen / max(training.seconds, 1e-9)
    timing = {"train_seconds": training.seconds, "images_per_second": speed}
    write_json(run.path / "timing.json", timing)
    write_json(run.path / "results.json", evaluation.summary())
    training.callbacks.on_evaluation_end(training, "test", evaluation)
