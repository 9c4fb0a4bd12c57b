"""Sharing weights between places, against layers that share nothing."""

from functools import partial
from typing import Annotated

import torch
from jaxtyping import Int
from torch import Tensor, nn

from cutaway.lab.chapters.convolution.lessons import (
    TASKS,
    Data,
    Lesson,
    Make,
    Maps,
    Sizes,
    compared,
    curves,
    dense,
    gaps,
    shared,
    table,
    unshared,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.models.registry import count


def hungrier(parameters: Effect, middle: Effect, anywhere: Effect) -> Verdict:
    """Holds if layers that share nothing have more parameters and, with the fewest examples, answer
    less well both for digits in the middle and for digits anywhere (both intervals above 0): who
    is behind with few needs more; with limits if they do for one of them; does not hold if they
    have no more parameters, or cannot be behind by a point for either (both intervals end below 1);
    else undecided."""
    worse = [e.low > 0 for e in (middle, anywhere)]
    if parameters.value <= 1 or max(middle.high, anywhere.high) < 1:
        return Verdict.FAILS
    if all(worse):
        return Verdict.HOLDS
    return Verdict.LIMITED if any(worse) else Verdict.UNDECIDED


@claim(
    "5.7",
    says="Locally connected layers, which share no weights between places, have more parameters "
    "and need more data than convolutions.",
    source="statistics week 4, pages 39-40",
    rule=hungrier,
    otherwise="Pictures in which every place has its own meaning, such as faces in one pose: there "
    "sharing gains nothing.",
    full={"data": "mnist", "sizes": (100, 1000, 10_000), "replicates": 16, "steps": 2000},
)
def without_sharing(
    data: Data = "digits",
    sizes: Sizes = (100, 1400),
    maps: Maps = 3,
    steps: Steps = 240,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """The same network with and without sharing learns digits that lie in the middle, and digits
    that lie anywhere, from few and from many examples."""
    lessons = {name: Lesson(data, m, replicates, seed) for name, m in TASKS.items()}
    accuracies = compared({"shared": shared, "not shared": unshared}, sizes, maps, steps, lessons)
    gap, fewest, most = gaps(accuracies, sizes, "not shared", "shared"), min(sizes), max(sizes)
    side = lessons["anywhere"].side
    few, many = count(shared(side, maps)), count(unshared(side, maps))
    middle, anywhere = gap["in the middle", fewest], gap["anywhere", fewest]
    later = gap["anywhere", most]
    record = Record()
    record.effects(
        parameters=exact(f"parameters without sharing, of {few}", many / few, "times"),
        middle=middle,
        anywhere=anywhere,
    )
    table(record, accuracies, sizes)
    curves(record, accuracies, sizes)
    record.takes("Longer learning, and more replicates: --full.")
    return record.because(f"""
        On {side} x {side} pixels {few} parameters become {many}. Where digits lie in the middle
        sharing gains {middle.value:.1f} points with {fewest} examples (interval {middle.low:.1f} to
        {middle.high:.1f}): each place sees the same part of every digit, so there is little to
        carry from one to another. Where they lie anywhere it gains {anywhere.value:.1f}
        ({anywhere.low:.1f} to {anywhere.high:.1f}): what is learned at one place is known at all
        others. With {most} examples that gain is {later.value:.1f} points ({later.low:.1f} to
        {later.high:.1f}).
    """)


def better(least: Effect, greatest: Effect, narrowing: Effect) -> Verdict:
    """Holds if the CNN is ahead in every task at every number of examples (the lowest interval
    above 0) and the gap is wider with the fewest examples than with the most; with limits if it is
    ahead somewhere (the highest interval above 0); does not hold if it cannot be by a point (that
    interval ends below 1); else undecided."""
    if least.low > 0 and narrowing.low > 0:
        return Verdict.HOLDS
    if greatest.low > 0:
        return Verdict.LIMITED
    return Verdict.FAILS if greatest.high < 1 else Verdict.UNDECIDED


@claim(
    "5.9",
    says="A CNN beats an MLP with as many parameters, most of all with little data.",
    source="textbook 4.1.1, 4.3; study notes, CNN",
    rule=better,
    otherwise="Larger pictures, where an MLP with as many parameters has only a few hidden nodes.",
    full={"data": "mnist", "sizes": (100, 1000, 10_000), "replicates": 16, "steps": 2000},
)
def cnn_and_mlp(
    data: Data = "digits",
    sizes: Sizes = (50, 200, 1400),
    maps: Maps = 4,
    steps: Steps = 150,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Both learn digits that lie in the middle, and digits that lie anywhere, from few and from
    many examples."""
    lessons = {name: Lesson(data, m, replicates, seed) for name, m in TASKS.items()}
    accuracies = compared({"CNN": shared, "MLP": dense}, sizes, maps, steps, lessons)
    gap = gaps(accuracies, sizes, "MLP", "CNN")
    fewest, most = (sizes.index(f(sizes)) for f in (min, max))
    ahead = torch.stack([accuracies[task, "CNN"] - accuracies[task, "MLP"] for task in TASKS]).mean(
        0
    )
    least, greatest = min(gap.values(), key=_low), max(gap.values(), key=_low)
    narrowing = difference(
        "gap with few examples minus gap with many", ahead[most], ahead[fewest], "points"
    )
    side = lessons["anywhere"].side
    middle, anywhere = (gap[task, sizes[most]] for task in TASKS)
    record = Record()
    record.effects(least=least, greatest=greatest, narrowing=narrowing)
    table(record, accuracies, sizes)
    curves(record, accuracies, sizes)
    return record.because(f"""
        With {count(shared(side, maps))} and {count(dense(side, maps))} parameters, the CNN's lead
        with all examples is {middle.value:.1f} points where the digits lie in the middle and
        {anywhere.value:.0f} where they lie anywhere. Small pictures of one thing in one place are
        easy for an MLP; it is the places that it has to learn one by one. Nor is the lead greatest
        with little data: it changes by {-narrowing.value:.0f} points from the fewest to the most
        examples, as with {min(sizes)} examples the CNN knows little either.
    """)


def reordered(order: Int[Tensor, "pixels"], side: int, maps: int) -> nn.Module:
    """`dense`, its first weights in the order of the pixels."""
    network = dense(side, maps)
    first = network.get_parameter("hidden.0.U.weight")
    first.data = first.data[:, order]
    return network


def _low(e: Effect) -> float:
    return e.low


def blind(dense: Effect, convolved: Effect) -> Verdict:
    """Holds if the permutation leaves the MLP's accuracy within 2 points (the whole interval) and
    lowers the CNN's (its interval below 0); does not hold if the CNN's does not fall by as much as
    1 point; else undecided."""
    if dense.low > -2 and dense.high < 2 and convolved.high < 0:
        return Verdict.HOLDS
    return Verdict.FAILS if convolved.low > -1 else Verdict.UNDECIDED


@claim(
    "5.10",
    says="Flattening a picture loses where things are: an MLP learns as well from pictures whose "
    "pixels are permuted, a CNN does not.",
    source="study notes, fully connected networks and CNN",
    rule=blind,
    otherwise="Permutations that keep neighbours together, such as turning all pictures round.",
    full={"data": "mnist", "examples": 10_000, "replicates": 32, "steps": 2000},
)
def permuted_pixels(
    data: Data = "digits",
    examples: Annotated[int, Range(10, 60_000)] = 1400,
    maps: Maps = 4,
    steps: Steps = 150,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Both learn digits that lie anywhere, once as they are and once with the pixels of all
    pictures in the same random order. The MLPs then begin with the same weights as before, each
    at its pixel; the CNNs cannot."""
    nets: dict[str, Make] = {"MLP": dense, "CNN": shared}
    lesson = Lesson(data, TASKS["anywhere"], replicates, seed)
    right = {name: [lesson.right(make, maps, examples, steps)] for name, make in nets.items()}
    order = lesson.permuted()
    nets["MLP"] = partial(reordered, order)
    for name, make in nets.items():
        right[name].append(lesson.right(make, maps, examples, steps))
    by = {
        n: difference(f"permuted minus plain, {n}", y[0], y[1], "points") for n, y in right.items()
    }
    means = {n: [y.mean().item() for y in both] for n, both in right.items()}
    record = Record()
    record.effects(dense=by["MLP"], convolved=by["CNN"])
    rows = [(n, *y) for n, y in means.items()]
    record.table("Test accuracy (%)", rows, "network | plain | permuted")
    parts = [part(n, torch.stack(y)) for n, y in right.items()]
    record.bars("Test accuracy", "test accuracy (%)", ("plain", "permuted"), *parts)
    return record.because(f"""
        Flattened, the permutation changes nothing: with its first weights in the new order each MLP
        learns as before ({means["MLP"][0]:.1f} and {means["MLP"][1]:.1f} %), and as those weights
        are drawn alike, one order of them is as likely as any other. The CNN goes from
        {means["CNN"][0]:.1f} to {means["CNN"][1]:.1f} %, since its kernels see neighbours that are
        none. Flattening as such loses nothing, the order being always the same; what the MLP lacks
        is any knowledge of which pixels lie beside each other.
    """)
