"""Ensembles, and networks that lose units."""

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.data.sources import load
from cutaway.lab.chapters.depth.learner import Images, dense, descend, right, scores
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Batch, Range, Rate, Replicates, Seed, Steps, Width
from cutaway.lab.tools.samples import Samples, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.randomness import generator
from cutaway.see.ablation import modified_outputs, set_units

Members = Annotated[int, Range(2, 1000)]


def lowers(gain: Effect) -> Verdict:
    """Holds if the whole interval of the points that the ensemble gains over one member lies above
    0, does not hold if it lies below 0; else undecided."""
    if gain.low > 0:
        return Verdict.HOLDS
    return Verdict.FAILS if gain.high < 0 else Verdict.UNDECIDED


@claim(
    "4.9",
    says="An ensemble's error is lower than its members': 35 CNNs reached 0.23 % on MNIST, and "
    "AlexNet won 2 to 3 points.",
    source="textbook 4.2.2 and 4.4.1",
    rule=lowers,
    otherwise="Members that err alike: the same network asked many times wins nothing.",
    full={
        "replicates": 16,
        "members": 35,
        "steps": 6000,
        "data": "mnist",
        "images": 10_000,
        "width": 256,
    },
)
def ensembles(
    data: Literal["digits", "mnist"] = "digits",
    images: Images = 400,
    width: Width = 32,
    members: Members = 35,
    rate: Rate = 0.2,
    replicates: Replicates = 8,
    steps: Steps = 250,
    batch: Batch = 50,
    seed: Seed = 0,
) -> Evidence:
    """A replicate is an ensemble: networks of one shape that begin differently and learn the same
    images. Their probabilities are averaged, over the first one, two, four and so on."""
    learned, tested = samples(load(data), seed, train=images, test=2000)
    n_in = learned.x[0].numel()
    nets = Stack([dense([n_in, width, 10]) for _ in range(replicates * members)])
    descend(nets, learned, seed, steps, batch, rate)
    p = scores(nets, tested.x).double().softmax(-1).view(replicates, members, len(tested), -1)
    sizes = [*doublings(members)]
    wrong = torch.stack([missed(p[:, :k].mean(1), tested) for k in sizes])
    alone = missed(p.flatten(0, 1), tested).view(replicates, members).mean(1)
    gain = difference("error of one member minus that of the ensemble", wrong[-1], alone, "points")
    apart = (p.argmax(-1)[:, :1] != p.argmax(-1)[:, 1:]).double().mean((1, 2))
    record = Record()
    record.effects(
        gain=gain,
        error=mean(f"error of the ensemble of {members}", wrong[-1], "%"),
        apart=mean("images on which two members answer differently", 100 * apart, "%"),
    )
    rows = [
        (k, e.value, e.low, e.high)
        for k, e in ((k, mean("", row, "%")) for k, row in zip(sizes, wrong, strict=True))
    ]
    record.table("Error on new images", rows, "members | error (%) | low | high")
    record.curves(
        "Error against the number of members",
        "members",
        "test error (%)",
        over("committee", sizes, wrong),
        x_log=True,
        levels={alone.mean().item(): "one member, mean"},
    )
    return record.because(f"""
        One network errs on {alone.mean():.2f} % of new images, {members} together on
        {wrong[-1].mean():.2f} %: {gain.value:.2f} points less. Two members disagree on
        {100 * apart.mean():.1f} % of the images, and averaging cancels what they do not share.
        {sizes[len(sizes) // 2]} of them err on {wrong[len(sizes) // 2].mean():.2f} %. The texts'
        own figures are of other networks and images: the direction is tested here, not the 0.23 %.
    """)


def doublings(most: int) -> Iterator[int]:
    """1, 2, 4, ... and `most`."""
    size = 1
    while size < most:
        yield size
        size *= 2
    yield most


def missed(p: Float[Tensor, "r n k"], data: Samples) -> Float[Tensor, "r"]:
    """Images that are answered wrongly, in per cent."""
    return 100 * (p.argmax(-1) != data.t).double().mean(1)


def robust(after: Effect, before: Effect, more: Effect) -> Verdict:
    """Holds if removing the asked share of units after training costs less than 5 points and less
    than removing as many before training, which costs more than 5 (whole intervals); with limits if
    only the cost after is below 5; does not hold if it is cheaper to remove them before; else
    undecided."""
    if after.high < 5:
        return Verdict.HOLDS if before.low > 5 and more.low > 0 else Verdict.LIMITED
    return Verdict.FAILS if more.high < 0 else Verdict.UNDECIDED


@claim(
    "4.10",
    says="Removing neurons hurts little after training and a lot before it, when learning ends in "
    "a local maximum.",
    source="MIT 6.034 lecture, demonstration",
    rule=robust,
    otherwise="A network that was so wide that half of it is to spare; or dropout while it "
    "learned, which prepares it for the loss.",
    full={"replicates": 32, "steps": 5000, "width": 128},
    doubt="Does removing them before training really cost more than after?",
)
def removing(
    width: Width = 32,
    share: Annotated[int, Range(1, 99)] = 50,
    draws: Annotated[int, Range(1, 1000)] = 5,
    rate: Rate = 0.2,
    replicates: Replicates = 8,
    steps: Steps = 300,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """Networks with one hidden layer learn digits. After: units drawn at random are held at 0, the
    rest stays as learned. Before: networks that never had them learn as long."""
    learned, tested = samples(load("digits"), seed)
    shares = sorted({0, 12, 25, share, 75, 88, 94, 97})
    counts = [max(1, round(width * (100 - s) / 100)) for s in shares]
    by_size = []
    for k in counts:
        nets = Stack([dense([64, k, 10]) for _ in range(replicates)])
        descend(nets, learned, seed, steps, batch, rate)
        by_size.append(nets)
    whole = by_size[0]
    before = torch.stack([right(nets, tested) for nets in by_size])
    draw = generator(seed, "4.10")

    def after_removing(k: int) -> Float[Tensor, "r"]:
        drawn = [torch.randperm(width, generator=draw)[k:].tolist() for _ in range(draws)]
        return torch.stack([without(whole, units, tested) for units in drawn]).mean(0)

    after = torch.stack([after_removing(k) for k in counts])
    at = shares.index(share)
    lost_after, lost_before = before[0] - after[at], before[0] - before[at]
    more = difference(
        f"cost of removing {share} % before training minus after", lost_after, lost_before, "points"
    )
    record = Record()
    record.effects(
        after=mean(f"cost of removing {share} % after training", lost_after, "points"),
        before=mean(f"cost of removing {share} % before training", lost_before, "points"),
        more=more,
    )
    rows = [
        (s, k, b.mean(), a.mean()) for s, k, b, a in zip(shares, counts, before, after, strict=True)
    ]
    columns = "removed (%) | units left | accuracy (%), removed before | removed after"
    record.table(f"{width} hidden units", rows, columns)
    series = [over("before training", shares, before), over("after training", shares, after)]
    axes = "units removed (%)", "accuracy (%)"
    record.curves("Accuracy after removal", *axes, *series, levels={10.0: "chance"})
    return record.because(f"""
        Taking {share} % of {width} units out of trained networks costs {lost_after.mean():.1f}
        points; networks that never had them lose {lost_before.mean():.1f}. A network learns to do
        without what is removed before training; what is removed after leaves a gap. With
        {counts[-2]} of {width} units left, accuracy is {before[-2].mean():.0f} % if the others were
        removed before, {after[-2].mean():.0f} % if after.
    """)


def without(nets: Stack, units: list[int], data: Samples) -> Float[Tensor, "r"]:
    """Accuracy (%) when these hidden units answer 0."""
    accuracies = []
    for net in nets.networks:
        with torch.no_grad(), modified_outputs(net, {"2": set_units(units)}):
            accuracies.append(100 * (net(data.x).argmax(-1) == data.t).double().mean())
    return torch.stack(accuracies)
