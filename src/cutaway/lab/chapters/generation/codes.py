"""Narrow codes: what three units make of shadows, and what a code is worth when labels are few."""

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway import models
from cutaway.data.feed import to_float
from cutaway.data.made.shadows import CELLS
from cutaway.data.sources import load
from cutaway.lab.evidence import (
    Effect,
    Evidence,
    Table,
    Verdict,
    difference,
    exact,
    mean,
    ratio,
)  # fmt: skip
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Bars, Curves, line, over, part
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.learn.replicas import Replicas, minimise
from cutaway.learn.samples import batch_of, samples

Steps = Annotated[int, Range(1, 100_000)]
Sizes = tuple[Annotated[int, Range(10, 60_000)], ...]
BATCH = 64
EVERY = 10
"""Steps between two looks at the test digits."""


def told(code: Float[Tensor, "n d"], height: Float[Tensor, "n"], k: int = 7) -> float:
    """Error (cells, root mean square) of a height that is read from the code alone: the mean height
    of the k other examples whose codes are nearest."""
    apart = torch.cdist(code, code)
    apart.fill_diagonal_(torch.inf)
    near = apart.topk(k, largest=False).indices
    return (height[near].mean(1) - height).square().mean().sqrt().item()


def encrypted(error: Effect, alone: Effect) -> Verdict:
    """Holds if the error of reconstruction is less than a fifth of the spread of the shadows and
    no unit alone tells the height: with the best one alone it is read with at least twice the error
    of all three (both intervals); with limits if only the first is so; does not hold if the error
    is above a half; else undecided."""
    if error.low > 50:
        return Verdict.FAILS
    if error.high >= 20:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if alone.low > 2 else Verdict.LIMITED


@claim(
    "7.1",
    says="An autoencoder with three hidden units reconstructs the shadows of things of any height, "
    "and no unit has a meaning of its own: the code is an encrypted generalisation.",
    source="MIT 6.034 lecture, autocoding",
    rule=encrypted,
    otherwise="A penalty that makes units independent or sparse: then single units may come to "
    "mean something.",
    full={"replicates": 64, "steps": 10_000},
)
def shadow_code(
    steps: Steps = 1500,
    lr: Annotated[float, Range(1e-5, 1)] = 0.03,
    replicates: Replicates = 12,
    seed: Seed = 0,
) -> Evidence:
    """Ten cells, three sigmoid units, ten cells learn 300 shadows. Then the height is read from all
    three units, and from each alone."""
    x = to_float(load("shadows").images)
    height = x.flatten(1).sum(1)
    nets = Replicas(
        [models.build("shadow_autoencoder", 1, 10, (CELLS,)) for _ in range(replicates)]
    )

    def losses(_: int) -> Tensor:
        return (nets(x) - x).square().flatten(1).mean(1)

    history = minimise(losses, torch.optim.Adam(nets.parameters(), lr), steps)
    spread = (x - x.mean(0)).square().mean().sqrt()
    error = (100 * history[-1].sqrt() / spread).numpy()
    with torch.no_grad():
        codes = torch.stack([net.get_submodule("encoder")(x) for net in nets.networks])
    together = [told(code, height) for code in codes]
    each = [[told(code[:, [k]], height) for k in range(3)] for code in codes]
    best = [min(one) for one in each]
    components = torch.linalg.svdvals((x - x.mean(0)).flatten(1))
    linear = 100 * (components[3:].square().sum() / components.square().sum()).sqrt().item()
    order = height.argsort()
    figure = np.array([sorted(one) for one in each]).T
    return Evidence(
        {
            "error": mean("error, of the shadows' own spread", error, "%"),
            "alone": ratio("height from the best unit, to that from all three", together, best),
            "linear": exact("the same error, best three linear units", linear, "%"),
        },
        (
            Table(
                "Error of the height that is read (cells)",
                ("replicate", "all three", "unit 1", "unit 2", "unit 3"),
                tuple((r, a, *b) for r, (a, b) in enumerate(zip(together, each, strict=True))),
            ),
        ),
        (
            Curves(
                "The three units of one network", "height (cells)", "output of the unit",
                tuple(
                    line(f"unit {k + 1}", height[order], codes[0, order, k]) for k in range(3)
                ),
            ),
            Bars(
                "What a unit tells", "error of the height (cells)",
                ("all three", "best unit", "second", "third"),
                (part("all replicates", np.vstack([together, figure])),),
            ),
        ),
        because=f"The error is {error.mean():.1f} % of the spread of the shadows; the best linear "
        f"code of three numbers leaves {linear:.1f} %. From all three units a height is "
        f"read to {np.mean(together):.2f} cells, from the best alone to "
        f"{np.mean(best):.2f}, from the worst to {figure[2].mean():.2f}. Each unit rises "
        "or falls in a band of heights and is flat in the others, so that it says "
        "something there and nothing elsewhere, and which band that is differs from start "
        "to start. 'Encrypted' goes far: with one cause behind the pictures every unit is "
        "a function of the height, and the three together lie along one curve.",
    )  # fmt: skip


def pays(better: Effect, sooner: Effect, counted: Effect) -> Verdict:
    """Holds if with the fewest labels the pretrained, frozen code is ahead in accuracy (interval
    above 0) and reaches what learning everything ends with at less computation, pretraining counted
    (interval of the ratio below 1); with limits if it is ahead, or takes less computation only when
    pretraining is not counted; else it does not hold."""
    if better.low > 0 and counted.high < 1:
        return Verdict.HOLDS
    return Verdict.LIMITED if better.low > 0 or sooner.high < 1 else Verdict.FAILS


@claim(
    "7.2",
    says="An autoencoder's layers, frozen, with a softmax learned on top of them, are better and "
    "faster than learning all from the labels, where labels are few.",
    source="MIT 6.034 lecture, pre-training and fine-tuning",
    rule=pays,
    otherwise="Many more pictures without labels than with, of more kinds than digits.",
    full={"replicates": 32, "pretraining": 5000, "labels": (20, 50, 200, 1400)},
)
def pretrained_code(
    labels: Sizes = (20, 100),
    code: Annotated[int, Range(2, 64)] = 32,
    pretraining: Steps = 600,
    steps: Steps = 200,
    replicates: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """One network three ways: its code learned without labels and then frozen, frozen as it was
    drawn, or learned with the labels along with the softmax."""
    learned, tested = samples(load("digits"), seed)
    low, high = learned.x.min(), learned.x.max()
    x, z = ((s.x - low) / (high - low) for s in (learned, tested))  # 0 to 1, as x^ is

    def fresh() -> Replicas:
        torch.manual_seed(seed)
        options = {"bottleneck": code}
        return Replicas(
            [models.build("autoencoder_softmax", 1, 10, 8, options) for _ in range(replicates)]
        )

    coded = fresh()
    _reconstruct(coded, x, pretraining, seed)
    right, curves, sooner = {}, {}, {}
    ways = {"pretrained, frozen": (coded, False), "as drawn, frozen": (fresh(), False)}
    for n in labels:
        ways["all learned"] = (fresh(), True)
        for name, (nets, whole) in ways.items():
            curve = _name(nets, whole, (x[:n], learned.t[:n]), (z, tested.t), steps, seed)
            right[name, n], curves[name, n] = curve[-1], curve
    few = min(labels)
    goal = right["all learned", few]
    for name in ("pretrained, frozen", "all learned"):
        reached = curves[name, few] >= goal
        at = torch.where(reached.any(0), reached.double().argmax(0) + 1, len(reached))
        sooner[name] = at.double().numpy()
    better = difference(
        f"pretrained minus all learned, {few} labels", goal.numpy(),
        right["pretrained, frozen", few].numpy(), "points",
    )  # fmt: skip
    alone, together, before = _work(code, few)
    spent = {n: k * w for (n, k), w in zip(sooner.items(), (alone, together), strict=True)}
    cost = [
        ratio(f"computation to the same accuracy, pretrained to all learned{said}",
              spent["all learned"], spent["pretrained, frozen"] + extra)
        for said, extra in (("", 0), (", pretraining counted", pretraining * before))
    ]  # fmt: skip
    times = sooner["pretrained, frozen"].mean() / sooner["all learned"].mean()
    means = {key: y.mean().item() for key, y in right.items()}
    return Evidence(
        {"better": better, "sooner": cost[0], "counted": cost[1]},
        (
            Table(
                "Test digits right (%), means", ("code", *(f"{n} labels" for n in labels)),
                tuple((name, *(means[name, n] for n in labels)) for name in ways),
            ),
        ),
        (
            Curves(
                f"With {few} labels", "steps", "test digits right (%)",
                tuple(
                    over(name, EVERY * np.arange(1, len(curves[name, few]) + 1), curves[name, few])
                    for name in ways
                ),
            ),
        ),
        because=f"With {few} labels the frozen code is right on "
        f"{means['pretrained, frozen', few]:.1f} % of the test digits, the network that "
        f"learns all on {means['all learned', few]:.1f} %, a code as chance drew it on "
        f"{means['as drawn, frozen', few]:.1f} %. To the accuracy that learning all ends "
        f"with the frozen code takes {times:.1f} times as many steps, but "
        f"{cost[0].value:.2f} times the multiplications, since codes are computed once and "
        f"only the last layer learns. With the {pretraining} steps of reconstruction it is "
        f"{cost[1].value:.0f} times: pretraining is cheap only where it has been done "
        "already. A code that is good for drawing the pixels again is better than chance, "
        "and not made for telling classes apart.",
    )  # fmt: skip


def _work(code: int, labels: int) -> tuple[float, float, float]:
    """Multiplications a step: softmax alone on kept codes, all learned, and reconstruction.

    A layer costs its weights once forwards, once for their gradient, and once more for that of its
    input where a layer below learns.
    """
    coder, last, n = 64 * code, code * 10, min(labels, 32)
    return n * 2 * last, n * (2 * coder + 3 * last), BATCH * (2 * coder + 3 * coder)


def _reconstruct(nets: Replicas, x: Float[Tensor, "n 1 h w"], steps: int, seed: int) -> None:
    """Encoder and decoder learn x without labels."""
    parts = Replicas([_Pair(net) for net in nets.networks])

    def losses(step: int) -> Tensor:
        batch = x[batch_of(seed, step, len(x), BATCH)]
        return (parts(batch) - batch).square().flatten(1).mean(1)

    minimise(losses, torch.optim.Adam(parts.parameters(), 3e-3), steps)
    for name, value in parts.weights.items():
        nets.weights[name.removeprefix("net.")].data.copy_(value.data)


class _Pair(nn.Module):
    """An autoencoder's reconstruction as its answer."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        return self.net.reconstruct(x)  # type: ignore[operator]


def _name(
    nets: Replicas, whole: bool, learned: tuple[Tensor, Tensor], tested: tuple[Tensor, Tensor],
    steps: int, seed: int,
) -> Float[Tensor, "looks r"]:  # fmt: skip
    """Test digits right (%) every few steps while the softmax, or `whole` network, learns."""
    (x, t), (z, u), n = learned, tested, len(learned[1])
    weights = nets.weights.items()
    free = [w for name, w in weights if name.startswith("output")]
    free += [w for name, w in weights if whole and name.startswith("encoder")]
    looks = []

    def losses(step: int) -> Tensor:
        if step % EVERY == 0 and step:
            looks.append(_right(nets, z, u))
        index = batch_of(seed, step, n, min(n, 32))
        s = nets(x[index]).movedim(2, 1)
        return F.cross_entropy(s, t[index].expand(len(s), -1), reduction="none").mean(1)

    minimise(losses, torch.optim.Adam(free, 0.01), steps)
    return torch.stack([*looks, _right(nets, z, u)])


@torch.no_grad()
def _right(nets: Replicas, z: Tensor, u: Tensor) -> Float[Tensor, "r"]:
    return 100 * (nets(z).argmax(-1) == u).double().mean(1)
