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
    level,
    shared,
    table,
    unshared,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.models.registry import count


def measurable(level: Effect) -> bool:
    """Whether the networks know more than chance and leave room to be better."""
    return level.low > 20 and level.high < 99


def hungrier(parameters: Effect, middle: Effect, anywhere: Effect, level: Effect) -> Verdict:
    """Holds if layers that share nothing have more parameters and, with the fewest examples, answer
    less well both for digits in the middle and for digits anywhere (both intervals above 0): who
    is behind with few needs more; with limits if they do for one of them and cannot be behind by a
    point for the other (its interval ends below 1); does not hold if they have no more parameters,
    or cannot be behind by a point for either, at an accuracy between 20 and 99 %, where it would
    show; else undecided."""
    if parameters.value <= 1:
        return Verdict.FAILS
    worse = [e.low > 0 for e in (middle, anywhere)]
    not_worse = [e.high < 1 for e in (middle, anywhere)]
    if all(worse):
        return Verdict.HOLDS
    if any(worse) and any(not_worse):
        return Verdict.LIMITED
    return Verdict.FAILS if all(not_worse) and measurable(level) else Verdict.UNDECIDED


@claim(
    "5.7",
    says="Locally connected layers, which share no weights between places, have more parameters "
    "and need more data than convolutions.",
    source="statistics week 4, pages 39-40",
    rule=hungrier,
    baseline="The same network with shared kernels, at the learning rate that suits it; a constant "
    "answer is right for one digit in ten.",
    otherwise="Pictures in which every place has its own meaning, such as faces in one pose: there "
    "sharing gains nothing.",
    evening={"data": "mnist", "sizes": (100, 1000), "steps": 400},
    full={"data": "mnist", "sizes": (100, 1000, 10_000), "replicates": 16, "steps": 2000},
    revised="First round: the rule and the design, by someone who knew some of the numbers that "
    "it judges. On 29 November 2026: each network has a rate of its own and each replicate a "
    "division of its own, with limits only where the other half is refuted, and nothing is decided "
    "at chance or at 100 %; run with seeds 3 and 4 then.",
    differs="The evening's: pictures of 8 x 8 pixels have so few places that there is little to "
    "share.",
)
def without_sharing(
    data: Data = "digits",
    sizes: Sizes = (100,),
    maps: Maps = 3,
    steps: Steps = 150,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """The same network with and without sharing learns digits that lie in the middle, and digits
    that lie anywhere, from few and from many examples."""
    lessons = {name: Lesson(data, m, replicates, seed) for name, m in TASKS.items()}
    accuracies = compared({"shared": shared, "not shared": unshared}, sizes, maps, steps, lessons)
    side, pool = lessons["anywhere"].side, lessons["anywhere"].pool
    gap = gaps(accuracies, sizes, "not shared", "shared", pool)
    fewest, most = min(sizes), max(sizes)
    few, many = count(shared(side, maps)), count(unshared(side, maps))
    middle, anywhere = gap["in the middle", fewest], gap["anywhere", fewest]
    later = gap["anywhere", most]
    more = (
        f"with {most} examples that gain is {later.value:.1f} ({later.low:.1f} to {later.high:.1f})"
    )
    record = Record()
    record.effects(
        parameters=exact(f"parameters without sharing, of {few}", many / few, "times"),
        middle=middle,
        anywhere=anywhere,
        level=level(accuracies, sizes.index(fewest)),
    )
    table(record, accuracies, sizes)
    curves(record, accuracies, sizes)
    record.takes("More and larger pictures: --evening learns from MNIST.")
    return record.because(f"""
        On {side} x {side} pixels {few} parameters become {many}. Where digits lie in the middle
        sharing gains {middle.value:.1f} points with {fewest} examples (interval {middle.low:.1f} to
        {middle.high:.1f}): each place sees the same part of every digit, so there is little to
        carry from one to another. Where they lie anywhere it gains {anywhere.value:.1f}
        ({anywhere.low:.1f} to {anywhere.high:.1f}): what is learned at one place is known at all
        others{"; " + more if most > fewest else ""}.
    """)


def better(
    middle: Effect, anywhere: Effect, middle_wider: Effect, anywhere_wider: Effect, level: Effect
) -> Verdict:
    """Holds if the CNN is ahead in both tasks, in the mean over the numbers of examples, and in
    both by more with the fewest examples than with the most (all four intervals above 0); with
    limits if it is ahead in one, and in one task cannot be ahead by a point, or its lead cannot be
    wider by a point with the fewest (that interval ends below 1); does not hold if it cannot be
    ahead by a point in either, at an accuracy between 20 and 99 %, where it would show; else
    undecided."""
    leads, wider = (middle, anywhere), (middle_wider, anywhere_wider)
    if all(e.low > 0 for e in (*leads, *wider)):
        return Verdict.HOLDS
    if any(e.low > 0 for e in leads) and any(e.high < 1 for e in (*leads, *wider)):
        return Verdict.LIMITED
    behind = all(e.high < 1 for e in leads)
    return Verdict.FAILS if behind and measurable(level) else Verdict.UNDECIDED


@claim(
    "5.9",
    says="A CNN beats an MLP with as many parameters, most of all with little data.",
    source="textbook 4.1.1, 4.3; study notes, CNN",
    rule=better,
    baseline="An MLP with one hidden layer and as many parameters (to within half a node), at the "
    "learning rate that suits it; a constant answer is right for one digit in ten.",
    otherwise="Larger pictures, where an MLP with as many parameters has only a few hidden nodes.",
    evening={"data": "mnist", "sizes": (100, 10_000), "steps": 600, "replicates": 16},
    full={"data": "mnist", "sizes": (100, 1000, 10_000), "replicates": 32, "steps": 2000},
    revised="First round: the rule. On 29 November 2026: it took the largest of six leads, of "
    "which one is above 0 by chance in one run of seven; now each task has one lead. Each network "
    "has a rate of its own and each replicate a division of its own; run with seeds 3 and 4 "
    "then. On 30 November 2026, after evenings with seeds 0 and 1 left it open: whether the lead "
    "is wider with few examples was asked of the mean of both tasks, in which a lead that widens "
    "in one and narrows in the other is lost (+4.1, 0.5 to 7.7, with 48 replicates); now it is "
    "asked of each. Run with seed 2 (evening) and seeds 3 to 5 (quick) then.",
)
def cnn_and_mlp(
    data: Data = "digits",
    sizes: Sizes = (50, 1400),
    maps: Maps = 4,
    steps: Steps = 150,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Both learn digits that lie in the middle, and digits that lie anywhere, from few and from
    many examples."""
    lessons = {name: Lesson(data, m, replicates, seed) for name, m in TASKS.items()}
    accuracies = compared({"CNN": shared, "MLP": dense}, sizes, maps, steps, lessons)
    pool, side = lessons["anywhere"].pool, lessons["anywhere"].side
    gap = gaps(accuracies, sizes, "MLP", "CNN", pool)
    fewest, most = (sizes.index(f(sizes)) for f in (min, max))
    lead = torch.stack([accuracies[task, "CNN"] - accuracies[task, "MLP"] for task in TASKS])
    middle, anywhere = (gap[task, sizes[most]] for task in TASKS)
    ahead, nothing = lead.mean(1), torch.zeros(replicates)
    wider = [
        pool.ahead(
            f"its lead with {sizes[fewest]} minus with {sizes[most]}, {task}", y[most], y[fewest]
        )
        for task, y in zip(TASKS, lead, strict=True)
    ]
    record = Record()
    record.effects(
        middle=pool.ahead("CNN minus MLP, digits in the middle", nothing, ahead[0]),
        anywhere=pool.ahead("the same, digits anywhere", nothing, ahead[1]),
        middle_wider=wider[0],
        anywhere_wider=wider[1],
        level=level(accuracies, most),
    )
    table(record, accuracies, sizes)
    curves(record, accuracies, sizes)
    spans = [f"{e.value:+.0f} points wider ({e.low:.0f} to {e.high:.0f})" for e in wider]
    return record.because(f"""
        With {count(shared(side, maps))} and {count(dense(side, maps))} parameters, the CNN's lead
        with all examples is {middle.value:.1f} points where the digits lie in the middle and
        {anywhere.value:.0f} where they lie anywhere. Small pictures of one thing in one place are
        easy for an MLP; it is the places that it has to learn one by one. With {min(sizes)}
        examples instead of {max(sizes)} the lead is {spans[0]} in the middle and {spans[1]}
        anywhere: where places matter, the CNN too needs examples to know anything.
    """)


def reordered(order: Int[Tensor, "pixels"], side: int, maps: int) -> nn.Module:
    """`dense`, its first weights in the order of the pixels."""
    network = dense(side, maps)
    first = network.get_parameter("hidden.0.U.weight")
    first.data = first.data[:, order]
    return network


def blind(dense: Effect, convolved: Effect, level: Effect) -> Verdict:
    """Holds if the permutation leaves the MLP's accuracy within 2 points (the whole interval) and
    lowers the CNN's by a point or more (its interval below -1); does not hold if it moves the MLP's
    by more than 2 points, or the CNN's cannot fall by as much as 1 point though both know more than
    chance (more than 20 %); else undecided."""
    if dense.low > -2 and dense.high < 2 and convolved.high < -1:
        return Verdict.HOLDS
    moved = dense.low > 2 or dense.high < -2
    unmoved = convolved.low > -1 and level.low > 20
    return Verdict.FAILS if moved or unmoved else Verdict.UNDECIDED


@claim(
    "5.10",
    says="Flattening a picture loses where things are: an MLP learns as well from pictures whose "
    "pixels are permuted, a CNN does not.",
    source="study notes, fully connected networks and CNN",
    rule=blind,
    baseline="The same networks on the pictures as they are; a constant answer is right for one "
    "digit in ten, permuted or not.",
    revised="On 29 November 2026: nothing is decided where both networks guess, and an MLP that "
    "notices the permutation refutes the claim. Each network has a rate of its own and each "
    "replicate a division of its own; run with seed 3 then.",
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
    by = {n: lesson.pool.ahead(f"permuted minus plain, {n}", *y) for n, y in right.items()}
    means = {n: [y.mean().item() for y in both] for n, both in right.items()}
    record = Record()
    plain = torch.stack([y[0] for y in right.values()]).mean(0)
    known = mean("accuracy of both on plain pictures", plain, "%", SHARE)
    record.effects(dense=by["MLP"], convolved=by["CNN"], level=known)
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
