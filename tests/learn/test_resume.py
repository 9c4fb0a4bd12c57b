"""A run that is killed at any moment ends as if nothing had happened, byte for byte."""

import multiprocessing
import os
import random
import signal
from pathlib import Path

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At, contents
from torch import nn

from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run

# A server that has imported everything but computed nothing; each run is a process forked from it.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["cutaway.api", "torch._dynamo", "sklearn.datasets"])

RECIPE = Recipe(
    epochs=4, batch_size=32, optimizer="adamw", lr=0.003, momentum=0.9, augment="shift:1+rotate:10",
    ema=0.9, patience=3, label_smoothing=0.1, clip=1.0, accumulate=2, seed=5,
)  # fmt: skip


def network() -> nn.Module:
    """Everything that carries state: normalisation, dropout, several layers."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2),
        nn.Flatten(), nn.Linear(288, 10),
    )  # fmt: skip


STAGED = Recipe(
    model="autoencoder_softmax", model_options={"widths": "16", "bottleneck": 4},
    batch_size=32, optimizer="adam", lr=0.003, seed=5,
    stages=[
        {"task": "reconstruct", "task_options": {"noise": 0.5}, "epochs": 2},
        {"task": "classify", "freeze": "encoder,decoder", "labels": 40, "epochs": 4, "ema": 0.9},
    ],
)  # fmt: skip
GAME = Recipe(
    model="gan", model_options={"width": 8}, task="adversarial", task_options={"k": 2},
    batch_size=16, epochs=2, optimizer="adam", lr=0.001, momentum=0.5, ema=0.9, seed=5,
)  # fmt: skip
SEMI = Recipe(
    model="improved_gan", model_options={"width": 4, "kernels": 2, "reference": 4}, labels=20,
    task="semi-supervised", batch_size=16, epochs=2, optimizer="adam", lr=0.001, seed=5,
)  # fmt: skip
MIXED = Recipe(
    model="resnet20", batch_size=32, seed=5, ema=0.9, accumulate=2, augment="shift:1",
    mixup=0.4, cutmix=1.0, label_smoothing=0.1, stochastic_depth=0.3, dropout=0.2, decay="l2",
    max_norm=2.0, sampling="balanced", focal=1.0,
    stages=[
        {"epochs": 1},
        {"epochs": 2, "mixup": 0.0, "stochastic_depth": 0.1, "dropout": -1.0, "decay": "decoupled"},
    ],
)  # fmt: skip
RECIPES = {"plain": RECIPE, "staged": STAGED, "game": GAME, "semi": SEMI, "mixed": MIXED}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_call(function: str, count: int) -> None:
    """SIGKILL this process before the count-th call of a function of `os`."""
    original, left = getattr(os, function), [count]

    def patched(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            die()
        return original(*args, **kwargs)

    setattr(os, function, patched)


def kill_before(name: str) -> None:
    """SIGKILL this process before a file of this name is put in its place."""
    original = os.replace

    def patched(source, target, **kwargs):
        if os.path.basename(target) == name:
            die()
        return original(source, target, **kwargs)

    os.replace = patched


def work(path: Path, moment: tuple, kind: str) -> None:
    """Begin a run, or go on with it, and die at the moment if it comes."""
    torch.set_num_threads(1)
    callback = Callback()
    match moment:
        case ("step", step):
            callback = At(step, die)
        case ("before", name):
            kill_before(name)
        case (str(function), count) if function != "never":
            kill_at_call(function, count)
    options = {"callbacks": [callback], "checkpoint_every": 0.0}
    model = network() if kind == "plain" else None
    if (path / "recipe.toml").exists():
        Run(path, model).resume(digits(300), **options)
    else:
        fit(RECIPES[kind], digits(300), model=model, out=path, **options)


def child(path: Path, moment: tuple, seconds: float | None = None, kind: str = "plain") -> int:
    process = PROCESSES.Process(target=work, args=(path, moment, kind))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()  # SIGKILL from outside, wherever it is
        process.join()
    return process.exitcode


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("whole") / "run"
    assert child(path, ("never", 0)) == 0
    return contents(path)


DRAW = random.Random(7)
MOMENTS = [("step", DRAW.randint(1, 24)) for _ in range(8)]
# During a checkpoint's write: before it is synced, linked to its predecessor, or renamed.
MOMENTS += [(f, DRAW.randint(0, 30)) for f in ("fsync", "replace", "link") for _ in range(3)]
TIMES = [DRAW.uniform(0.05, 0.7) for _ in range(6)]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: f"{m[0]}-{m[1]}")
def test_killed_then_resumed_is_equal(moment, tmp_path, uninterrupted):
    path = tmp_path / "run"
    assert child(path, moment) == -signal.SIGKILL
    assert child(path, ("never", 0)) == 0
    assert contents(path) == uninterrupted


def test_killed_from_outside_again_and_again(tmp_path, uninterrupted):
    path = tmp_path / "run"
    for seconds in TIMES:
        child(path, ("never", 0), seconds)
    assert child(path, ("never", 0)) == 0
    assert contents(path) == uninterrupted


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "tuned.json", "predictions.safetensors", "results.json"]
)
def test_killed_at_its_end_it_tells_of_one_look_at_its_test(name, tmp_path, uninterrupted):
    path = tmp_path / "run"
    assert child(path, ("before", name)) == -signal.SIGKILL
    assert child(path, ("never", 0)) == 0
    assert contents(path) == uninterrupted
    assert [look["why"] for look in Run(path).looks] == ["end of training"]
    assert len(Run(path).notes) == len({note["kind"] for note in Run(path).notes})


@pytest.mark.parametrize("kind", ["staged", "game", "semi"])
def test_stages_and_games_too(kind, tmp_path):
    whole, path = tmp_path / "whole", tmp_path / "run"
    assert child(whole, ("never", 0), kind=kind) == 0
    for step in (1, 9, 15 if kind == "staged" else 11):  # staged: two in its first stage
        assert child(path, ("step", step), kind=kind) == -signal.SIGKILL
    assert child(path, ("never", 0), kind=kind) == 0
    assert contents(path) == contents(whole)
    samples = sorted(p.name for p in (whole / "samples").iterdir())
    assert [p.name for p in sorted((path / "samples").iterdir())] == samples
    assert all(
        (path / "samples" / n).read_bytes() == (whole / "samples" / n).read_bytes() for n in samples
    )


@pytest.mark.slow
def test_mixing_and_leaving_out_too(tmp_path):
    whole, path = tmp_path / "whole", tmp_path / "run"
    assert child(whole, ("never", 0), kind="mixed") == 0
    for step in (3, 8, 12):  # in the first stage of 7 steps, and in the second
        assert child(path, ("step", step), kind="mixed") == -signal.SIGKILL
    assert child(path, ("never", 0), kind="mixed") == 0
    assert contents(path) == contents(whole)
