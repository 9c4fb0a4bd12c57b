"""A small run of every task, in as many processes as torchrun starts.

python -m torch.distributed.run --standalone --nproc-per-node 2 together_runs.py FOLDER
"""

import sys
from pathlib import Path

import torch

from cutaway import recipes
from cutaway.learn import fit as learning
from cutaway.together.launch import joined
from helpers.task_runs import KINDS, QUICK

SETTINGS = {"augment": "none", "label_smoothing": 0.0, "image_size": 0, "batch_size": 16}
ALONE = {"and", "xor", "gates"}
"""Kinds whose batches are one image."""


def main() -> None:
    torch.set_num_threads(1)
    with joined() as team:
        for kind, (model, source, changes) in KINDS.items():
            if kind in ALONE:
                continue
            images = source()
            if not team.first:
                learning.follow(data=images, team=team)
                continue
            more = {"ema": 0.9, "threads": 1} if kind == "segment" else {"threads": 1}
            asked = SETTINGS | changes | QUICK | more
            recipe = recipes.pair(model, f"own:{kind}").with_options(**asked)
            learning.fit(recipe, images, out=Path(sys.argv[1]) / kind, team=team)


if __name__ == "__main__":
    main()
