"""A training in two processes that cannot be: the second is not like the first, or another fault.

    python -m torch.distributed.run --standalone --nproc-per-node 2 together_faults.py FOLDER FAULT

What ends each process is written into FOLDER: the class of the error, and its sentence.
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cutaway import recipes
from cutaway.data.imageset import ImageSet
from cutaway.errors import CutawayError
from cutaway.learn import fit as learning
from cutaway.learn import team_run
from cutaway.together.launch import joined
from helpers.digits import digits


class Borrows(nn.Module):
    """Its second step takes the weights of its first."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.output = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        return self.output(x @ self.first.weight)


def trained(folder: Path, fault: str) -> None:
    images: ImageSet = digits().subset(torch.arange(200))
    recipe = recipes.pair("mlp", "own:digits").with_options(
        epochs=2, batch_size=16, device="cpu", augment="none", widths="8"
    )
    own = {"model": Borrows()} if fault == "borrowed weights" else {}
    if own:
        recipe = recipe.override(model="own:Borrows", model_options={})
    with joined() as team:
        if own and team.first:
            learning.fit(recipe, images, out=folder / "run", team=team, shard="yes", **own)
        elif own:
            learning.follow(data=images, team=team, **own)
        elif team.first:
            learning.fit(recipe, images, out=folder / "run", team=team)
        elif fault == "other data":
            learning.follow(data=digits().subset(torch.arange(40, 240)), team=team)
        elif fault == "other version":
            team_run.__version__ = "0.0.1"
            learning.follow(data=images, team=team)


def main(folder: Path, fault: str) -> None:
    told: Any = ("", "")
    try:
        trained(folder, fault)
    except CutawayError as error:
        told = type(error).__name__, str(error)
    (folder / os.environ["RANK"]).write_text("\n".join(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
