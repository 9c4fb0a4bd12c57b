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
