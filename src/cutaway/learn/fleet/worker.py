"""A process that trains members of a fleet: numbers come in as lines, answers go out as JSON.

    python -m cutaway.learn.fleet.worker FLEET SECONDS CALLBACKS [IMAGES]

Started by `side_by_side`. It reads the images itself (from the cache, so at once) where it is not
given a file with them, and stops at a checkpoint when whoever started it is gone.
"""

import json
import os
import sys

from cutaway.data.carried import carried
from cutaway.errors import CutawayError
from cutaway.learn.callbacks import Callback, Callbacks, deserialize
from cutaway.learn.execution import Execution
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import Answer, Trainer
from cutaway.learn.runtime import computing
from cutaway.learn.training import Stopped, Training


class Orphan(Callback):
    """Stops the training, at a checkpoint, once the starting process has ended."""

    def __init__(self, parent: int):
        self.parent = parent

    def on_step_end(self, training: Training) -> None:
        if os.getppid() != self.parent:
            training.save()
            raise Stopped("The process that led the fleet is gone.")


def main(path: str, every: str, callbacks: str, images: str = "") -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what callbacks print is no answer
    fleet, combined = Fleet(path), Callbacks([Orphan(os.getppid()), deserialize(callbacks)])
    execution = Execution(callbacks=combined, checkpoint_every=float(every))
    trainer = Trainer(fleet, carried(images) if images else fleet.images(), execution)
    with computing(fleet.threads):
        for line in sys.stdin:
            print(json.dumps(answer(trainer, int(line))), file=answers, flush=True)


def answer(trainer: Trainer, k: int) -> Answer:
    """Train member k to its end."""
    try:
        trainer.training(k).go()
    except CutawayError as error:
        return {"member": k, "error": str(error), "stopped": isinstance(error, Stopped)}
    except Exception as error:
        return {"member": k, "error": f"{type(error).__name__}: {error}", "stopped": False}
    return {"member": k}


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (BrokenPipeError, KeyboardInterrupt):  # nobody listens, or all of us are to stop
        os._exit(1)  # what is still to be written has no reader
