"""A process that trains members of a fleet, started by `side_by_side`: it is asked by number.

python -m cutaway.learn.fleet.worker FLEET SECONDS CALLBACKS [IMAGES]
"""

from collections.abc import Callable

from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.in_turn import Trainer
from cutaway.learn.runtime import computing
from cutaway.learn.worker import Answer, execution_of, images_of, serve


def main(path: str, every: str, callbacks: str, images: str = "") -> Callable[[int], Answer]:
    fleet, execution = Fleet(path), execution_of(every, callbacks)
    trainer = Trainer(fleet, images_of(fleet, images), execution)

    def trained(k: int) -> Answer:
        with computing(fleet.threads):
            trainer.training(k).go()
        return {"member": k}

    return trained


if __name__ == "__main__":
    serve(main)
