"""Moon rocks, divided with and without regard to the stone, and a dense network beside a CNN."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cutaway.data.feed import to_float
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, estimated, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part
from cutaway.lab.settings import Batch, Range, Replicates, Seed
from cutaway.learn.counting import count_cost
from cutaway.learn.stats import paired, student
from cutaway.models import build
from cutaway.randomness import generator
from cutaway.see.probe import resting

FOLDS = 5
OVERLAP = 1 / (FOLDS - 1)
"""Test images per training image: replicates that divide the same images anew are alike."""
Epochs = Annotated[int, Range(1, 1000)]
Side = Annotated[int, Range(28, 512)]
Learn = Callable[[Int[Tensor, "train"]], Callable[[Int[Tensor, "test"]], Int[Tensor, "test"]]]
"""Learns from images of these numbers; gives what answers others by their numbers."""


@dataclass(frozen=True)
class Division:
    """Training and test images, as numbers."""

    train: Int[Tensor, "train"]
    test: Int[Tensor, "test"]


def divisions(rocks: ImageSet, together: bool, replicates: int, seed: int) -> list[Division]:
    """Folds, five to a draw; `together`: photographs of one stone, and near copies, on one side."""
    images = rocks if together else replace(rocks, groups=None)
    alone = None if together else torch.arange(len(rocks))
    folds = []
    for k in range(replicates):
        drawn, fold = seed * 1000 + k // FOLDS, f"{k % FOLDS + 1}/{FOLDS}"
        parts = split(images, val=0, seed=drawn, fold=fold, duplicates=alone)
        folds.append(Division(parts.train, parts.test))
    return folds


def right(learn: Learn, at: Division, t: Int[Tensor, "n"]) -> float:
    """Accuracy (%) on the test images as the mean of the two classes' shares, so that chance is 50
    % whatever the fold holds."""
    y = learn(at.train)(at.test)
    of = [(y == t[at.test])[t[at.test] == c].double().mean() for c in t[at.test].unique()]
    return 100 * torch.stack(of).mean().item()


def from_scratch(
    network: Callable[[], nn.Module],
    x: Float[Tensor, "n c h w"],
    t: Int[Tensor, "n"],
    epochs: int,
    batch: int,
    rate: float,
    draw: torch.Generator,
) -> Learn:
    """A new network, by Adam with mirrored images."""

    def learn(train: Tensor) -> Callable[[Tensor], Tensor]:
        net = network().train()
        optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
        for _ in range(epochs):
            for index in train[torch.randperm(len(train), generator=draw)].split(batch):
                some = x[index].flip(3) if torch.rand((), generator=draw) < 0.5 else x[index]
                optimizer.zero_grad()
                cross_entropy(net(some), t[index]).backward()
                optimizer.step()

        def answer(test: Tensor) -> Tensor:
            with torch.no_grad(), resting(net):
                return net(x[test]).argmax(1)

        return answer

    return learn


def pixels(rocks: ImageSet, side: int) -> Float[Tensor, "n 3 h w"]:
    """Smaller pictures, each channel with mean 0 and spread 1."""
    x = to_float(rocks.resized(side).images)
    return (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)


def compared(
    rocks: ImageSet, methods: dict[str, Learn], replicates: int, seed: int
) -> dict[str, dict[str, list[float]]]:
    """Test accuracy (%) of each method on each fold, by kind of split."""
    kinds = {"random": False, "stones": True}
    parts = {kind: divisions(rocks, both, replicates, seed) for kind, both in kinds.items()}
    return {
        kind: {
            name: [right(learn, at, rocks.targets) for at in of] for name, learn in methods.items()
        }
        for kind, of in parts.items()
    }


def gains(accuracies: dict[str, dict[str, list[float]]], a: str, b: str) -> dict[str, Effect]:
    """b - a, with each kind of split."""
    names = {"random": "random split", "stones": "stones kept together"}
    return {
        kind: estimated(
            f"{b} minus {a}, {names[kind]}", paired(of[a], of[b], OVERLAP), len(of[a]), "points"
        )
        for kind, of in accuracies.items()
    }


def known(rocks: ImageSet, replicates: int, seed: int) -> float:
    """Share of test photographs (%) whose stone was learned too, with a random split."""
    assert rocks.groups is not None
    seen = [
        torch.isin(rocks.groups[at.test], rocks.groups[at.train]).double().mean()
        for at in divisions(rocks, False, replicates, seed)
    ]
    return 100 * torch.stack(seen).mean().item()


def record_table(record: Record, accuracies: dict[str, dict[str, list[float]]]) -> None:
    rows = [(kind, name, *shared(v)) for kind, of in accuracies.items() for name, v in of.items()]
    columns = "split | network | accuracy (%) | low | high"
    record.table("Test accuracy, mean of both classes", rows, columns)


def record_bars(record: Record, accuracies: dict[str, dict[str, list[float]]]) -> None:
    """A figure of the accuracy of each method with each split."""
    parts = []
    for name in accuracies["random"]:
        values, low, high = zip(*(shared(of[name]) for of in accuracies.values()), strict=True)
        parts.append(Part(name, values, low, high))
    groups = ("random split", "stones kept together")
    caption = "Chance is 50 %."
    record.bars("Moon rocks", "test accuracy (%)", groups, *parts, caption=caption)


def of(values: Sequence[float]) -> str:
    """A mean with its interval: `71 (55 to 87)`."""
    value, low, high = shared(values)
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def shared(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of shares (%) over overlapping replicates, and its interval, cut at 0 and 100."""
    estimate = student(values, OVERLAP)
    return estimate.value, max(0.0, estimate.low), min(100.0, estimate.high)


def beats(random: Effect, stones: Effect, work: Effect) -> Verdict:
    """Holds if the CNN's accuracy is higher with both splits (intervals above 0) and
    needs fewer operations for an answer (the ratio below 1); with limits if it is better with one
    of them, or with both but slower; does not hold if it is worse with both; else undecided."""
    if random.low > 0 and stones.low > 0 and work.value < 1:
        return Verdict.HOLDS
    if random.low > 0 or stones.low > 0:
        return Verdict.LIMITED
    return Verdict.FAILS if random.high < 0 and stones.high < 0 else Verdict.UNDECIDED


@claim(
    "6.8",
    says="On the Moon rocks a CNN is better than a dense network, and faster.",
    source="study notes, the exercise with Moon rocks",
    rule=beats,
    otherwise="More stones, or pictures that were not all taken in a studio: the ground, the light "
    "and the colour scale of the plate tell photographs apart too.",
    full={"replicates": 25, "epochs": 60, "side": 64},
    needs=("rocks",),
)
def kernels(
    side: Side = 32,
    epochs: Epochs = 12,
    batch: Batch = 31,
    rate: Annotated[float, Range(1e-6, 1)] = 0.002,
    replicates: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """LeNet-5 and a dense network with as many weights learn the same photographs for as many
    epochs, with folds drawn at random and with stones kept together."""
    rocks = load("rocks", image_size=128)
    x, nets = pixels(rocks, side), pair(side)
    methods = {
        name: from_scratch(
            network, x, rocks.targets, epochs, batch, rate, generator(seed, "6.8", name)
        )
        for name, network in nets.items()
    }
    cost = {name: count_cost(partial(network(), x[:1])).flops for name, network in nets.items()}
    accuracies = compared(rocks, methods, replicates, seed)
    same, apart = accuracies["random"], accuracies["stones"]
    cnn, dense = nets
    record = Record()
    record.effects(
        **gains(accuracies, dense, cnn),
        work=exact(f"operations of an answer, {cnn} to dense", cost[cnn] / cost[dense]),
    )
    record_table(record, accuracies)
    record_bars(record, accuracies)
    record.takes("More stones, of which there are ten here.")
    return record.because(f"""
        With a random split the accuracy is {of(same[cnn])} % with {cnn} and {of(same[dense])} %
        with the dense network; with stones kept together it is {of(apart[cnn])} and
        {of(apart[dense])} %, where chance is 50. Ten stones are few: an interval over folds that
        keeps them together is wide, and says so. With as many weights the CNN needs
        {cost[cnn] / cost[dense]:.1f} times the operations of the dense network for an answer: each
        weight is used at many places.
    """)


def pair(side: int) -> dict[str, Callable[[], nn.Module]]:
    """LeNet-5, and one hidden layer that has as many weights."""
    weights = sum(p.numel() for p in build("lenet5", 3, 2, side).parameters())
    width = round(weights / (3 * side * side + 3))
    return {
        "LeNet-5": lambda: build("lenet5", 3, 2, side),
        f"dense, {width} units": lambda: build("mlp", 3, 2, side, {"widths": str(width)}),
    }
