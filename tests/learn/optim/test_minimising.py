"""Each method on a valley 100 times longer than wide, in ten dimensions, and on Rosenbrock's.

The bound is on evaluations of the function. Methods whose steps do not shrink by themselves get
a rate that falls to zero over the steps.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.learn.optim import METHODS, Closure, Evaluations, make
from cutaway.learn.recipe import Recipe

pytestmark = pytest.mark.slow

ZERO = torch.zeros(10, dtype=torch.float64)
BASIS = torch.linalg.qr(
    torch.randn(10, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
)[0]
A = torch.logspace(0, 1, 10, dtype=torch.float64)[:, None] * BASIS


def quadratic(w: Tensor) -> Tensor:
    """|A w|^2 / 2, its curvatures from 1 to 100; 0 at 0."""
    return F.mse_loss(A @ w, ZERO, reduction="sum") / 2


def rosenbrock(w: Tensor) -> Tensor:
    """Rosenbrock 1960; 0 at (1, 1)."""
    r = torch.cat([10 * (w[1:] - w[:-1] ** 2), 1 - w[:-1]])
    return F.mse_loss(r, torch.zeros_like(r), reduction="sum")


STARTS = {quadratic: torch.ones(10).double(), rosenbrock: torch.tensor([-1.2, 1.0]).double()}

GOALS = {quadratic: 1e-3, rosenbrock: 1e-2}


@dataclass
class Trial:
    """A rate and a number of steps for each of the two, and the evaluations that they may take.

    Rosenbrock's is left out where the method's units make no sense of it (Adadelta) or its first
    steps, plain gradients, leap out of the valley (RAdam).
    """

    quadratic: tuple[float, int, int]
    rosenbrock: tuple[float, int, int] | None = None
    momentum: float = 0.9
    falling: bool = True
    options: dict[str, Any] = field(default_factory=dict)


def alike(lr: float, steps: int, other: float, more: int, **settings: Any) -> Trial:
    return Trial((lr, steps, steps), (other, more, more), **settings)


TRIALS = {
    "random-search": Trial((0.5, 300, 3300), (0.5, 450, 4950), falling=False),
    "evolution": Trial((0.2, 250, 8250), (0.2, 300, 9900), options={"sigma": 0.01}),
    "cma-es": Trial((0.5, 180, 1980), (0.5, 120, 840), falling=False),
    "sgd": alike(0.015, 800, 0.0015, 4000, momentum=0.0, falling=False),
    "momentum": alike(0.01, 200, 0.0005, 2000, falling=False),
    "nesterov": alike(0.01, 150, 0.0005, 2000, falling=False),
    "rprop": alike(0.01, 250, 0.01, 2500, falling=False),
    "asgd": alike(0.015, 800, 0.0015, 4000, falling=False),
    "adagrad": alike(1.0, 300, 1.0, 5000, falling=False),
    "rmsprop": alike(0.05, 400, 0.02, 3000, momentum=0.0),
    "adadelta": Trial((100.0, 1000, 1000)),
    "adam": alike(0.1, 400, 0.1, 2000),
    "adamax": alike(0.5, 400, 0.5, 2000),
    "nadam": alike(0.1, 400, 0.2, 2000),
    "radam": Trial((0.05, 800, 800), options={"betas": [0.9, 0.99]}),
    "adamw": alike(0.1, 400, 0.1, 2000),
    "adafactor": alike(0.2, 1000, 0.2, 3000),
    "l-bfgs": Trial((1.0, 2, 30), (1.0, 2, 50), falling=False),
    "newton": Trial((1.0, 2, 4), (1.0, 24, 80), falling=False),
    "gauss-newton": Trial((1.0, 2, 4), (1.0, 16, 60), falling=False),
    "newton-cg": Trial((1.0, 6, 12), (1.0, 20, 70), falling=False),
    "hessian-free": Trial((1.0, 6, 12), (1.0, 14, 45), falling=False),
    "shampoo": alike(1.0, 600, 3.0, 3000),
    "soap": alike(0.1, 400, 0.1, 2000),
}
CASES = [(n, f) for n, trial in TRIALS.items() for f in STARTS if getattr(trial, f.__name__)]


def test_every_method_is_tried():
    assert TRIALS.keys() == METHODS.keys() - {"muon"}  # which takes no vector


@pytest.mark.parametrize(("name", "function"), CASES, ids=lambda c: getattr(c, "__name__", c))
def test_methods_minimise(name, function):
    if METHODS[name].path.startswith("pytorch_optimizer"):
        pytest.importorskip("pytorch_optimizer")
    trial = TRIALS[name]
    lr, steps, most = getattr(trial, function.__name__)
    w = nn.Parameter(STARTS[function].clone())
    recipe = Recipe(
        optimizer=name, lr=lr, momentum=trial.momentum, weight_decay=0.0, device="cpu",
        optimizer_options=trial.options,
    )  # fmt: skip
    optimizer, counts = make(recipe, [w]), Evaluations()
    for step in range(steps):
        if trial.falling:
            optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        optimizer.step(Closure(lambda first: [function(w)], [w], evaluations=counts))
    assert function(w).item() < GOALS[function]
    assert counts.values <= most
