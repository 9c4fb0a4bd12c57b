"""A process that trains trials of a search, started by `side_by_side`.

python -m cutaway.learn.search.worker SEARCH SECONDS CALLBACKS [IMAGES]
"""

from collections.abc import Callable
from typing import Any

from cutaway.learn.runtime import computing
from cutaway.learn.search.one_trial import Trainer
from cutaway.learn.search.search import Search
from cutaway.learn.search.trial import from_dict
from cutaway.learn.worker import Answer, execution_of, images_of, serve


def main(path: str, every: str, callbacks: str, images: str = "") -> Callable[[Any], Answer]:
    search, execution = Search(path), execution_of(every, callbacks)
    trainer = Trainer(search, images_of(search, images), execution)

    def trained(asked: Any) -> Answer:
        known = [from_dict(one) for one in asked["known"]]
        with computing(search.threads):
            trial = trainer.train(from_dict(asked["trial"]), known)
        return {"trial": trial.to_dict()}

    return trained


if __name__ == "__main__":
    serve(main)
