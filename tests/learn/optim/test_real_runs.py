"""One method of each family through a real run: killed, resumed, and the same to the bit."""

import json
from pathlib import Path

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At, contents
from torch import nn

from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import load_checkpoint
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run

DIGITS = digits(200)
PLAIN = {
    "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "momentum": 0.0, "epochs": 3,
    "batch_size": 64, "seed": 3, "device": "cpu", "ema": 0.9,
}  # fmt: skip
CHANGES = {
    "random-search": {"lr": 0.05},
    "evolution": {"lr": 0.02, "optimizer_options": {"pairs": 4}, "accumulate": 2},
    "cma-es": {"lr": 0.05, "optimizer_options": {"population": 6}},
    "nesterov": {"lr": 0.05, "momentum": 0.9, "max_norm": 0.5},
    "muon": {"lr": 0.01, "momentum": 0.9},
    "l-bfgs": {"lr": 1.0, "optimizer_options": {"max_iter": 4}, "accumulate": 2},
    "newton": {"lr": 1.0, "epochs": 2},
    "hessian-free": {"lr": 1.0, "optimizer_options": {"iterations": 8}},
    "soap": {"lr": 0.01, "momentum": 0.9},
    "shampoo": {"lr": 0.05, "momentum": 0.9},
}
LONG = ("newton", "evolution")


class Killed(BaseException):
    """No handler of ours knows it: what was written before is all that is left."""


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Conv2d(2, 2, 3, stride=2), nn.Tanh(),
        nn.Dropout(0.1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip


def killed_after_five_steps(recipe: Recipe, path: Path) -> None:
    def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        fit(recipe, DIGITS, model=network(), out=path, callbacks=[At(5, kill)], checkpoint_every=0)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in CHANGES]
)
def test_killed_then_resumed_is_equal(name, tmp_path):
    if name in ("soap", "shampoo"):
        pytest.importorskip("pytorch_optimizer")
    recipe = Recipe(optimizer=name).override(**PLAIN | CHANGES[name])
    whole, path = tmp_path / "whole", tmp_path / "run"
    fit(recipe, DIGITS, model=network(), out=whole)
    killed_after_five_steps(recipe, path)
    Run(path, network()).resume(DIGITS)
    assert contents(path) == contents(whole)
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]


def test_evaluations_are_counted_on(tmp_path):
    recipe = Recipe(optimizer="random-search").override(**PLAIN)
    killed_after_five_steps(recipe, tmp_path / "run")

    class Look(Callback):
        counts = 0

        def on_step_end(self, training) -> None:
            self.counts = training.stage.player_optimizers[0].evaluations.values

    look = Look()
    run = Run(tmp_path / "run", network()).resume(DIGITS, callbacks=[look])
    found = load_checkpoint(run.path / "checkpoint")
    assert found is not None
    steps = found[1]["step"]
    assert look.counts == 11 * steps
    assert found[1]["stage"]["optimizers"]["optimizer/model/0/evaluations/values"] == 11 * steps
