"""What processes that train for another have in common: questions come in as lines of JSON.

They read the images themselves (from the cache, so at once) where they are not given a file with
them, and stop at a checkpoint when whoever started them is gone.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cutaway.data.carried import carried
from cutaway.data.imageset import ImageSet
from cutaway.errors import CutawayError
from cutaway.learn.callbacks import Callback, Callbacks, deserialize
from cutaway.learn.execution import Execution
from cutaway.learn.job import Job
from cutaway.learn.training import Stopped, Training

Answer = dict[str, Any]
"""What was asked for; or `error`, a sentence; or `stopped`, where that was why."""


class Orphan(Callback):
    """Stops the training, at a checkpoint, once the starting process has ended."""

    def __init__(self, parent: int):
        self.parent = parent

    def on_step_end(self, training: Training) -> None:
        if os.getppid() != self.parent:
            training.save()
            raise Stopped("The process that led the training is gone.")


def execution_of(every: str, callbacks: str) -> Execution:
    """How it trains: seconds between checkpoints, and callbacks as `serialize` wrote them."""
    combined = Callbacks([Orphan(os.getppid()), deserialize(callbacks)])
    return Execution(callbacks=combined, checkpoint_every=float(every))


def images_of(job: Job, file: str) -> ImageSet:
    """What it learns from: in a file, or as the job's recipe names them."""
    return carried(file) if file else job.images()


def serve(main: Callable[..., Callable[[Any], Answer]]) -> None:
    """Answer what is asked until the input ends.

    Args:
        main: takes the words of the command, and gives what answers a question.
    """
    try:
        with _answering() as say:
            answer = main(*sys.argv[1:])
            for line in sys.stdin:
                say(_settled(answer, json.loads(line)))
    except (BrokenPipeError, KeyboardInterrupt):  # nobody listens, or all of us are to stop
        os._exit(1)  # what is still to be written has no reader


@contextmanager
def _answering() -> Iterator[Callable[[Answer], None]]:
    """A way to answer; what callbacks print is no answer, and goes to standard error."""
    output, sys.stdout = sys.stdout, sys.stderr
    yield lambda answer: print(json.dumps(answer), file=output, flush=True)


def _settled(answer: Callable[[Any], Answer], question: Any) -> Answer:
    try:
        return answer(question)
    except CutawayError as error:
        return {"error": str(error), "stopped": isinstance(error, Stopped)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "stopped": False}
