"""Fifty steps of small networks in float64, in as many processes as torchrun starts.

    python -m torch.distributed.run --standalone --nproc-per-node 2 together_steps.py FILE [CASE...]

The losses of each step, and a sum of the weights after the last, go into a file as JSON. Of cases
that are named, each process keeps a part of the weights.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cutaway import models
from cutaway.data.augment import augment_for
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn import runtime as runtimes
from cutaway.learn.decay import apply_decay
from cutaway.learn.loop import MetricTotals, optimizers_of, training_steps
from cutaway.learn.recipe import Recipe
from cutaway.learn.regularise import regularised
from cutaway.learn.tasks import make_task
from cutaway.together.launch import joined
from cutaway.together.sharded import shard, whole
from cutaway.together.share import Division
from cutaway.together.team import Team

STEPS = 50
BEGINS = {
    "batch_size": 13, "optimizer": "adam", "lr": 0.002, "device": "cpu", "precision": "float32",
    "augment": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A network, and what it learns."""

    network: Callable[[], nn.Module]
    task: str = "classify"
    changes: dict[str, Any] = field(default_factory=dict)
    labels: int = 0


def normed() -> nn.Module:
    """Batch normalisation, dropout of units and of maps."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2),
        nn.Flatten(), nn.Linear(256, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(16, 10),
    )  # fmt: skip


def plain() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))


def build(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: models.build(name, 1, 10, (8, 8), options)


def siren() -> nn.Module:
    return models.build("siren", 1, 1, (8, 8), {"width": 8, "depth": 1})


CASES = {
    "plain": Case(plain),
    "normed": Case(normed),
    "augmented": Case(plain, changes={"augment": "crop:1+flip+rotate:10+elastic:2:2+erase:3"}),
    "mixed": Case(normed, changes={"mixup": 0.4, "cutmix": 1.0}),
    "pulled": Case(plain, changes={"decay": "l2", "weight_decay": 0.05}),
    "decoupled": Case(plain, changes={"decay": "decoupled", "weight_decay": 0.05, "max_norm": 0.4}),
    "accumulated": Case(normed, changes={"accumulate": 3, "clip": 0.5}),
    "lbfgs": Case(plain, changes={"optimizer": "lbfgs", "lr": 0.02, "batch_size": 90}),
    "evolution": Case(plain, changes={"optimizer": "evolution", "lr": 0.05}),
    "stochastic-depth": Case(build("resnet20"), changes={"stochastic_depth": 0.5}),
    "reconstruct": Case(
        build("autoencoder", widths="16", bottleneck=4), "reconstruct", {"noise": 0.2}
    ),
    "variational": Case(build("vae", hidden=16), "variational"),
    "adversarial": Case(build("dcgan", latent=4, width=4), "adversarial", {"k": 2}),
    "semi-supervised": Case(
        build("improved_gan", latent=4, width=4, kernels=4, reference=8), "semi-supervised",
        labels=40,
    ),
    "implicit": Case(siren, "implicit", {"fit": "laplacian"}),
}  # fmt: skip


class InFloat64(Feed):
    """The batches of a feed, in float64."""

    def batch(self, number: int) -> Batch:
        found = super().batch(number)
        return replace(found, x=found.x.double())


def feed(case: Case, recipe: Recipe, images: ImageSet, turns: int, team: Team) -> Feed:
    single = make_task(recipe).single
    return InFloat64(
        images, torch.arange(1 if single else 90),
        batch_size=recipe.batch_size, normalise=Normalise((0.3,), (0.3,)), seed=recipe.seed,
        augment=augment_for(recipe.augment, images.size), turns=turns, repeat=50 if single else 1,
        labelled=torch.arange(100, 100 + case.labels) if case.labels else None,
        division=Division(team, recipe.accumulate, single),
    )  # fmt: skip


def learned(case: Case, team: Team, apart: bool) -> dict[str, Any]:
    """The losses of each step, and what the weights come to."""
    torch.manual_seed(0)
    model, images = case.network().double().train(), load("digits")
    recipe = Recipe(task=case.task).with_options(**BEGINS | case.changes)
    task, runtime = make_task(recipe), runtimes.choose(recipe, model)
    if apart:
        shard(model, team, "cpu")
    players = optimizers_of(task.players(model), recipe, replace(runtime, team=team))
    for player in players:
        apply_decay(player.optimizer, recipe)
    turns = max(one.player.turns for one in players)
    totals, losses = MetricTotals(), []
    with regularised(model, recipe):
        for _ in training_steps(players, feed(case, recipe, images, turns, team), totals, 0, STEPS):
            losses.append(totals.means())
            totals.clear()
    weights = whole(dict(model.named_parameters()), team).values()
    return {"losses": losses, "weights": [p.double().sum().item() for p in weights]}


def main() -> None:
    torch.set_num_threads(1)
    with joined() as team:
        file, *apart = sys.argv[1:]
        found = {name: learned(CASES[name], team, bool(apart)) for name in apart or CASES}
        if team.first:
            Path(file).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
