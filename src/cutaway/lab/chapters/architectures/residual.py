"""Depth with and without shortcuts: what is learned."""

from functools import partial
from time import perf_counter
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models import build
from cutaway.models.resnet import ResNet
from cutaway.see.probe import resting

Rate = Annotated[float, Range(1e-6, 10)]
Batch = Annotated[int, Range(2, 1000)]
Depths = tuple[Annotated[int, Range(4, 1202)], ...]


class Sum(nn.Module):
    """y = tau(F(x) + x) (textbook 4.4.4); without the shortcut, or without tau after the sum.

    F(x) = U2 tau(U1 x) as in `models.resnet.Basic`, but dense, and (with `norm`) normalised alike.
    """

    def __init__(self, width: int, shortcut: bool, last: bool = True, norm: bool = True):
        super().__init__()
        steady = nn.BatchNorm1d if norm else nn.Identity
        self.F = nn.Sequential(
            nn.Linear(width, width, bias=False),
            steady(width),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            steady(width),
        )
        self.shortcut, self.last = shortcut, last

    def forward(self, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        y = self.F(x) + x if self.shortcut else self.F(x)
        return y.relu() if self.last else y


def deep(depth: int, width: int, shortcut: bool, n_in: int = 64) -> nn.Sequential:
    """`depth` dense layers: one in, blocks of two, one out."""
    blocks = (Sum(width, shortcut) for _ in range((depth - 2) // 2))
    stem = nn.Sequential(nn.Linear(n_in, width, bias=False), nn.BatchNorm1d(width), nn.ReLU())
    net = nn.Sequential(nn.Flatten(), stem, *blocks, nn.Linear(width, 10))
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return net


def degrade(plain: Effect, residual: Effect, deepest: Effect, step: Effect) -> Verdict:
    """Holds if plain networks learn worse as they deepen (the training loss of the deepest over the
    shallowest: the interval above 1.1), residual ones do not (the interval ends below 1.1), and
    steps of 1202 layers lower it; with limits if residual networks degrade too but the
    deepest plain one is worse than the residual one; else it does not hold."""
    if plain.low <= 1.1 or deepest.low <= 1:
        return Verdict.FAILS
    return Verdict.HOLDS if residual.high < 1.1 and step.high < 0 else Verdict.LIMITED


@claim(
    "6.4",
    says="Plain networks get worse as layers are added, on what they learn from too; residual ones "
    "do not, and even 1202 layers can be trained.",
    source="textbook 4.4.4; He et al. 2015, sections 4.1 and 4.2",
    rule=degrade,
    otherwise="So much time that the deep plain network catches up; in the paper it had not after "
    "64,000 steps.",
    full={
        "kind": "convolutions",
        "data": "cifar10",
        "depths": (20, 56, 110),
        "steps": 5000,
        "batch": 128,
        "rate": 0.1,
        "images": 45_000,
    },
)
def degradation(
    kind: Literal["dense", "convolutions"] = "dense",
    data: Literal["digits", "cifar10"] = "digits",
    depths: Depths = (8, 20, 44),
    images: Annotated[int, Range(100, 60_000)] = 1400,
    width: Annotated[int, Range(2, 1000)] = 24,
    rate: Rate = 0.05,
    replicates: Replicates = 8,
    steps: Steps = 120,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """Networks of several depths, plain and residual, learn for as many steps (SGD with momentum,
    every layer normalised), and one of 1202 layers takes a few. Dense blocks on digits; `--full`
    has the paper's convolutions on CIFAR-10."""
    learned, tested = samples(load(data), seed, train=images, test=2000)
    results, new = {}, partial(network, kind, width, learned.x[0].numel())
    for shortcut in (False, True):
        of = []
        for depth in depths:
            nets = Stack([new(depth, shortcut) for _ in range(replicates)])
            of.append(_learned(nets, learned, tested, seed, steps, batch, rate))
        results[shortcut] = torch.stack(of)  # depth, (loss, right), replicate
    (plain, plain_right), (residual, residual_right) = (results[s].unbind(1) for s in (False, True))
    start = perf_counter()
    huge = few_steps(new(1202, True), learned, seed)
    took = perf_counter() - start
    ends = f"{depths[-1]} layers over {depths[0]}"
    record = Record()
    deepest = f"training loss at {depths[-1]} layers, plain over residual"
    change = f"change of a batch's loss by {len(huge) - 1} steps of 1202 layers"
    record.effects(
        plain=ratio(f"training loss, plain, {ends}", plain[0], plain[-1]),
        residual=ratio(f"training loss, residual, {ends}", residual[0], residual[-1]),
        deepest=ratio(deepest, residual[-1], plain[-1]),
        step=exact(change, huge[-1] - huge[0]),
    )
    columns = "layers | plain: training loss | residual: training loss"
    columns += " | plain: accuracy (%) | residual: accuracy (%)"
    measured = (plain, residual, plain_right, residual_right)
    rows = [(depth, *(y[i].mean() for y in measured)) for i, depth in enumerate(depths)]
    record.table(f"After {steps} steps", rows, columns)
    axes = "layers", "training loss"
    series = [over("plain", depths, plain), over("residual", depths, residual)]
    record.curves("Deeper, plain and residual", *axes, *series, x_log=True, y_log=True)
    curves = [over("plain", depths, plain_right), over("residual", depths, residual_right)]
    record.curves("Accuracy on new images", "layers", "accuracy (%)", *curves, x_log=True)
    return record.because(f"""
        From {depths[0]} to {depths[-1]} layers the training loss after {steps} steps goes from
        {plain[0].mean():.3f} to {plain[-1].mean():.3f} in plain networks, from
        {residual[0].mean():.3f} to {residual[-1].mean():.3f} in residual ones: it is training that
        fails, not generalisation. Accuracy on new images at {depths[-1]} layers:
        {plain_right[-1].mean():.0f} and {residual_right[-1].mean():.0f} %. In so few steps deeper
        residual networks are slower too, by far less. A residual network of 1202 layers took
        {len(huge) - 1} steps of Adam on one batch in {took:.1f} s, and its loss went from
        {huge[0]:.1f} to {huge[-1]:.1f}.
    """)


def network(kind: str, width: int, n_in: int, depth: int, shortcut: bool) -> nn.Module:
    """Of dense blocks, or of the paper's convolutions."""
    if kind == "dense":
        return deep(depth, width, shortcut, n_in)
    return convolutional(depth, shortcut)


def convolutional(depth: int, shortcut: bool) -> ResNet:
    """The registered network of the paper with as many layers."""
    net = build(f"{'resnet' if shortcut else 'plain'}{depth}", 3, 10, 32)
    assert isinstance(net, ResNet)
    return net


def loss_of(s: Float[Tensor, "r b k"], t: Int[Tensor, "b"]) -> Float[Tensor, "r"]:
    return cross_entropy(s.movedim(2, 1), t.expand(len(s), -1), reduction="none").mean(1)


def _learned(
    nets: Stack, data: Samples, tested: Samples, seed: int, steps: int, batch: int, rate: float
) -> Float[Tensor, "2 r"]:
    """The mean loss of the last tenth of the steps, and the accuracy on new images (%)."""

    def losses(step: int) -> Tensor:
        index = batch_of(seed, step, len(data), batch)
        return loss_of(nets(data.x[index]), data.t[index])

    history = minimise(losses, torch.optim.SGD(nets.parameters(), rate, 0.9), steps)
    with torch.no_grad():
        right = []
        for net in nets.networks:
            with resting(net):
                y = torch.cat([net(x).argmax(1) for x in tested.x.split(500)])
            right.append(100 * (y == tested.t).double().mean())
    return torch.stack([history[-max(1, steps // 10) :].double().mean(0), torch.stack(right)])


def few_steps(
    net: nn.Module, data: Samples, seed: int, steps: int = 6, batch: int = 16
) -> list[float]:
    """The loss of one batch before each of some steps of Adam on it, and after the last."""
    index, losses = batch_of(seed, 0, len(data), batch), []
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    for _ in range(steps):
        loss = cross_entropy(net(data.x[index]), data.t[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        losses.append(cross_entropy(net(data.x[index]), data.t[index]).item())
    return losses
