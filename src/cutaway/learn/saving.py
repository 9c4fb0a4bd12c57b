"""How a training is put away in a checkpoint, and brought back."""

from typing import TYPE_CHECKING, TypedDict

from cutaway.errors import RunError
from cutaway.learn import checkpoint, sharded_checkpoint
from cutaway.learn.checkpoint import Tensors
from cutaway.learn.history import Row
from cutaway.learn.stage import StageFacts, part

if TYPE_CHECKING:
    from cutaway.learn.training import Training


class Facts(TypedDict):
    """The facts of a checkpoint, beside its tensors."""

    stage: StageFacts
    step: int
    seconds: float
    images_seen: int
    earlier: list[Row]


def save(training: "Training") -> None:
    """Write a checkpoint of everything that moves; of sharded weights, all processes at once."""
    tensors, stage = training.stage.state()
    tensors |= {f"model/{k}": v for k, v in training.model.state_dict().items()}
    tensors |= {f"steps/{k}": v for k, v in training.steps.state().items()}
    facts: Facts = {
        "stage": stage,
        "step": training.step,
        "seconds": training.seconds,
        "images_seen": training.images_seen,
        "earlier": training.rows[: len(training.rows) - len(training.stage.rows)],
    }
    if training.runtime.sharded:
        team = training.runtime.team
        sharded_checkpoint.save_shards(training.checkpoints, tensors, facts, team)
    else:
        checkpoint.save_checkpoint(training.checkpoints, tensors, facts)
        if training.run.sharded:
            sharded_checkpoint.remove(training.checkpoints)


def restore(training: "Training") -> None:
    """Bring back the last sound checkpoint, if one was written.

    Raises:
        RunError: none is sound, or it does not fit this network.
    """
    saved = sharded_checkpoint.find(training.checkpoints, training.runtime.team)
    if saved is None:
        return
    facts: Facts = saved.facts
    if saved.problem:
        training.callbacks.on_note(f"{saved.problem} Resuming from the checkpoint before it.")
    training.enter(facts["stage"]["number"])
    tensors = saved.read(_layout(training))
    try:
        training.model.load_state_dict(part(tensors, "model"))
        training.stage.restore(tensors, facts["stage"])
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise RunError(f"The checkpoint does not fit the network: {first}") from None
    training.steps.restore(part(tensors, "steps"))
    training.rows = [*facts["earlier"], *training.stage.rows]
    training.seconds, training.images_seen = facts["seconds"], facts["images_seen"]
    training.step = facts["step"]


def _layout(training: "Training") -> Tensors:
    """How the tensors of a checkpoint lie here, by their names."""
    state = training.model.state_dict()
    known = {f"{kind}/{name}": v for kind in ("model", "best") for name, v in state.items()}
    return known | training.stage.layout()
