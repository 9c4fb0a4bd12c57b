"""Each optimizer on the same three problems: evaluations and seconds until a target is met.

CUTAWAY_DATA=... python -m bench.optimizers [quadratic digits mnist] [--only adam,newton]

* quadratic: |A w|^2 / 2 in 20 dimensions with curvatures from 1 to 1000, down to a millionth;
  each method at the best of some rates, falling to zero where its steps do not shrink.
* digits: an MLP 64-30-30-10 on scikit-learn's digits, to 95 % of the validation images.
* mnist: LeNet-5 on MNIST, to 98 % of the validation images.

On the last two each has its own recommended rates and batch (`recipes.OPTIMIZERS`), and a limit of
seconds. Prints a JSON row for each.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.errors import TrainingError, UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.history import Row
from cutaway.learn.optim import METHODS, Closure, Evaluations, make
from cutaway.learn.options import OPTIMIZERS
from cutaway.learn.recipe import Recipe
from cutaway.learn.training import Training
from cutaway.recipes import pair

SIZE, CONDITION, DOWN_TO = 20, 1000, 1e-6
BASIS = torch.linalg.qr(
    torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
)[0]
A = torch.logspace(0, 0.5 * torch.tensor(float(CONDITION)).log10().item(), SIZE).double()
A = A[:, None] * BASIS
RATES = tuple(10 ** (k / 2) for k in range(-8, 4))
STEPS = (100, 1000, 10_000)
MOST = 5_000
"""Values of the quadratic that a rate may ask for."""
FALLING = (
    "l-bfgs",
    "newton",
    "gauss-newton",
    "newton-cg",
    "hessian-free",
    "random-search",
    "cma-es",
)
"""Methods whose steps shrink by themselves: they get one rate of 1 and no schedule."""

PROBLEMS: dict[str, tuple[str, str, float, float, dict[str, Any]]] = {
    "digits": ("mlp", "digits", 0.95, 20.0, {"widths": "30-30", "image_size": 8}),
    "mnist": ("lenet5", "mnist", 0.98, 25.0, {}),
}
"""Model, data, validation accuracy to reach, seconds that it may take, settings."""


def quadratic(name: str) -> dict[str, Any]:
    """The fewest evaluations over rates and lengths of the schedule."""
    best, row = dict[str, Any](), {"problem": "quadratic", "optimizer": name}
    try:
        descended(name, 1.0, 1)
    except (UsageError, TrainingError) as error:
        return row | {"reached": False, "refused": str(error)}
    for rate in (1.0,) if name in FALLING else RATES:
        for steps in STEPS:
            found = descended(name, rate, steps)
            if found and (not best or work(found) < work(best)):
                best = found
            if found:
                break  # longer schedules cost more
    return row | {"reached": bool(best)} | best


def descended(name: str, rate: float, steps: int) -> dict[str, Any]:
    """What it took to get down; nothing where it did not."""
    w = nn.Parameter(torch.ones(SIZE, dtype=torch.float64) / SIZE**0.5)
    recipe = Recipe(optimizer=name, lr=rate, weight_decay=0.0, momentum=momentum(name))
    counted, started = Evaluations(), time.perf_counter()
    optimizer, start = make(recipe, [w]), value(w).item()
    closure = Closure(lambda first: iter([value(w)]), [w], 0.0, counted)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate if name in FALLING else rate * (1 - step / steps)
        optimizer.step(Closure(closure.shares, [w], 0.0, counted))  # type: ignore[arg-type]
        seconds = time.perf_counter() - started
        if value(w).item() < DOWN_TO * start:
            return {**vars(counted), "steps": step + 1, "seconds": seconds, "rate": rate}
        if counted.values > MOST or not torch.isfinite(w).all():
            break
    return {}


def value(w: Tensor) -> Tensor:
    return F.mse_loss(A @ w, torch.zeros(SIZE, dtype=torch.float64), reduction="sum") / 2


def momentum(name: str) -> float:
    return 0.0 if name in ("sgd", "rmsprop") else 0.9


def work(found: dict[str, Any]) -> int:
    """Values, gradients and products together, each about as long as a pass through a network."""
    return int(found["values"] + found["gradients"] + found["products"])


class Reached(Exception):
    """The target is met, or the time is over."""


class Watch(Callback):
    """Ends a training at the target, or when its seconds are over."""

    def __init__(self, target: float, limit: float):
        self.target, self.limit = target, limit
        self.found: dict[str, Any] = {}
        self.best = 0.0

    def on_step_end(self, training: Training) -> None:
        self._note(training)
        if training.seconds > self.limit:
            raise Reached

    def on_epoch_end(self, training: Training, row: Row) -> None:
        self.best = max(self.best, row["val_accuracy"])
        if self.best >= self.target:
            raise Reached

    def _note(self, training: Training) -> None:
        moved = training.stage.player_optimizers[0]
        self.found = {
            **vars(moved.evaluations), "steps": training.step, "seconds": training.seconds,
            "epochs": round(training.step / training.stage.steps_per_epoch, 2),
            "batch": training.stage.feed.batch_size, "rate": training.recipes[0].lr,
        }  # fmt: skip


def learned(problem: str, name: str) -> dict[str, Any]:
    """What it took to reach the validation accuracy."""
    model, data, target, limit, settings = PROBLEMS[problem]
    recipe = pair(model, data).with_options(**{"optimizer": name} | settings | plain(name))
    watch, row = Watch(target, limit), {"problem": problem, "optimizer": name}
    try:
        with tempfile.TemporaryDirectory() as folder:
            fit(
                recipe, images(data, recipe.image_size), out=Path(folder) / "run", callbacks=[watch]
            )
    except Reached:
        pass
    except (UsageError, TrainingError) as error:
        return row | {"reached": False, "refused": str(error)}
    return row | {"reached": watch.best >= target, "best": watch.best} | watch.found


def plain(name: str) -> dict[str, Any]:
    """The same images and the same loss for all; with the whole set in a batch, epochs are short
    and there are many; and a constant rate has no end to plan for."""
    same: dict[str, Any] = {"augment": "none", "label_smoothing": 0.0, "patience": 0}
    wanted = OPTIMIZERS.get(name, {})
    if wanted.get("schedule") == "constant":
        return same | {"epochs": 100_000}
    return same | ({"epochs": 300} if wanted.get("batch_size") else {})


@cache
def images(data: str, size: int) -> ImageSet:
    return load(data, image_size=size or None)


def rows(problems: list[str], names: list[str]) -> Iterator[dict[str, Any]]:
    for problem in problems:
        for name in names:
            yield quadratic(name) if problem == "quadratic" else learned(problem, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=["quadratic", *PROBLEMS])
    parser.add_argument("--only", default=",".join(METHODS))
    asked = parser.parse_args()
    for one in rows(asked.problems, asked.only.split(",")):
        print(json.dumps(one), flush=True)
