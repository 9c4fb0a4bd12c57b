"""Ensembles: what averaging wins, and the figure that the texts give for 35 networks."""

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.sources import load
from cutaway.lab.chapters.depth.learner import Images, dense, descend, scores
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, mean, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Batch, Range, Rate, Replicates, Seed, Steps, Width
from cutaway.lab.tools.samples import Samples, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.parts.initialisers import initialise

Members = Annotated[int, Range(2, 1000)]
Kind = Literal["dense", "cnn"]
Data = Literal["digits", "mnist"]
SAID, ENDS, TESTED = 0.23, 0.35, 10_000
"""Error (%) of the 35 networks of Ciresan et al. 2012 on MNIST's test images, where the interval of
that figure ends, and the number of images."""

DEAD = 0.45
"""Of digits half of what a constant answer errs on; a member that errs on more has not learned."""


def lowers(gain: Effect, over_images: Effect, dead: Effect) -> Verdict:
    """Holds if the average member errs on more images than the ensemble: the interval over
    ensembles and the one over images both lie above 0. Does not hold if both lie below 0; else
    undecided, as it is where a member did not learn: that others outvote it says nothing."""
    if dead.value:
        return Verdict.UNDECIDED
    if min(gain.low, over_images.low) > 0:
        return Verdict.HOLDS
    return Verdict.FAILS if max(gain.high, over_images.high) < 0 else Verdict.UNDECIDED


@claim(
    "4.9",
    says="An ensemble's error is lower than that of its members.",
    source="textbook 4.2.2 and 4.4.1 (AlexNet: 2 to 3 points)",
    rule=lowers,
    otherwise="Members that err alike: the same network asked many times wins nothing.",
    baseline="The average member. (Their best one is known only after the test images were seen.)",
    evening={"data": "mnist", "network": "cnn", "images": 60_000, "members": 8, "steps": 600,
             "batch": 64, "rate": 0.02},
    full={"data": "mnist", "network": "cnn", "images": 60_000, "replicates": 16, "members": 35,
          "steps": 10_000, "batch": 64, "rate": 0.02},
    revised="29 November 2026: the figure of 0.23 % stood in this claim and was never tested by "
    "it. It is now 4.18. The interval over images was added. With seeds 3 and 4 it then "
    "leaves the claim open, with 5 it holds: 359 test images are too few. An evening at a larger "
    "rate then had members that did not learn, which made the gain 43 points: now it is open "
    "where there are such.",
    differs="The evening's, with 10,000 test images.",
)  # fmt: skip
def ensembles(
    data: Data = "digits",
    network: Kind = "dense",
    images: Images = 400,
    width: Width = 32,
    members: Members = 32,
    rate: Rate = 0.2,
    replicates: Replicates = 8,
    steps: Steps = 250,
    batch: Batch = 50,
    seed: Seed = 0,
) -> Evidence:
    """A replicate is an ensemble: networks of one shape that begin differently and learn the same
    images. Their probabilities are averaged, over the first one, two, four and so on."""
    learned, tested = samples(load(data), seed, train=images, test=TESTED)
    nets = replicates * members
    p = answers_of(network, nets, width, learned, tested, seed, steps, batch, rate)
    p = p.view(replicates, members, len(tested), -1)
    sizes = [*doublings(members)]
    wrong = torch.stack([missed(p[:, :k].mean(1), tested) for k in sizes])
    each = (p.argmax(-1) != tested.t).double()
    dead = (each.mean(-1) > DEAD).sum()
    together = (p.mean(1).argmax(-1) != tested.t).double()
    alone = 100 * each.mean((1, 2))
    what = "error of the average member minus that of the ensemble"
    gain = difference(what, wrong[-1], alone, "points")
    saved = 100 * (each.mean((0, 1)) - together.mean(0))
    apart = 100 * (p.argmax(-1)[:, :1] != p.argmax(-1)[:, 1:]).double().mean((1, 2))
    record = Record()
    record.effects(
        gain=gain,
        over_images=mean(f"the same, over {len(tested)} images", saved, "points"),
        error=mean(f"error of the ensemble of {members}", wrong[-1], "%"),
        apart=mean("images on which two members answer differently", apart, "%"),
        dead=exact(f"members that err on over {100 * DEAD:.0f} %", dead),
    )
    rows = [(k, *_ends(row), (alone - row).mean()) for k, row in zip(sizes, wrong, strict=True)]
    columns = "members | error (%) | low | high | points below the average member"
    record.table("Error on new images", rows, columns)
    record.curves(
        "Error against the number of members",
        "members",
        "test error (%)",
        over("ensemble", sizes, wrong),
        x_log=True,
        levels={alone.mean().item(): "the average member"},
    )
    record.takes("More members, replicates and test images: --evening.")
    half = sizes[len(sizes) // 2]
    return record.because(f"""
        The average network errs on {alone.mean():.2f} % of {len(tested)} new images, {members}
        together on {wrong[-1].mean():.2f} %: {gain.value:.2f} points less, or
        {100 * gain.value / alone.mean().clamp(min=1e-9):.0f} % of the errors. {half} of them err on
        {wrong[sizes.index(half)].mean():.2f} %, so that most is won by the first few. Two members
        disagree on {apart.mean():.1f} % of the images, and averaging cancels what they do not
        share. How many points that is depends on how much there is to win: AlexNet's 2 to 3 are of
        other images.
    """)


def _ends(values: Float[Tensor, "r"]) -> tuple[float, float, float]:
    effect = mean("", values, "%", (0, 100))
    return effect.value, effect.low, effect.high


def matches(asked: Effect, error: Effect) -> Verdict:
    """Not tested if the images are not MNIST's 10,000 test images, or if the networks here err on
    more than 0.35 % of them (the whole interval over images), which is where the interval of 23
    errors in 10,000 ends: smaller networks that are worse say nothing of larger ones. Holds if the
    whole interval lies below that; else undecided."""
    if asked.value < TESTED or error.low > ENDS:
        return Verdict.UNTESTED
    return Verdict.HOLDS if error.high < ENDS else Verdict.UNDECIDED


@claim(
    "4.18",
    says="Thirty-five CNNs together err on 0.23 % of MNIST's test images.",
    source="textbook 4.2.2; Ciresan et al. 2012",
    rule=matches,
    otherwise="Networks of the source's size, trained for 800 epochs on distorted digits of seven "
    "widths.",
    baseline="The average member; 'always 1', the commonest digit, errs on 88.65 % of MNIST's test "
    "images.",
    evening={"data": "mnist", "network": "cnn", "images": 60_000, "steps": 900, "batch": 64,
             "rate": 0.02},
    full={"data": "mnist", "network": "cnn", "images": 60_000, "steps": 750_000, "batch": 64,
          "rate": 0.02},
    doubt="Is it the number of networks that does it?",
    differs="The evening's, which asks the images that the source speaks of.",
)  # fmt: skip
def thirty_five(
    data: Data = "digits",
    network: Kind = "dense",
    images: Images = 1400,
    width: Width = 32,
    members: Members = 35,
    rate: Rate = 0.2,
    steps: Steps = 250,
    batch: Batch = 50,
    seed: Seed = 0,
) -> Evidence:
    """One ensemble of networks that begin differently; the interval is over test images."""
    learned, tested = samples(load(data), seed, train=images, test=TESTED)
    p = answers_of(network, members, width, learned, tested, seed, steps, batch, rate)
    sizes = [*doublings(members)]
    each = missed(p, tested)
    wrong = [missed(p[:k].mean(0)[None], tested)[0].item() for k in sizes]
    of_all = round(wrong[-1] * len(tested) / 100)
    error = share(f"error of {members} together", of_all, len(tested))
    shared = (p.argmax(-1) != tested.t).all(0).sum()
    record = Record()
    record.effects(
        asked=exact("of MNIST's test images asked", len(tested) if data == "mnist" else 0),
        error=error,
    )
    record.table(
        "Errors on MNIST's test images, by others",
        [
            ("784-2500-2000-1500-1000-500-10, dense", "Ciresan et al. 2010", 0.35),
            ("one CNN", "Ciresan et al. 2011", 0.35),
            ("35 CNNs", "Ciresan et al. 2012", SAID),
            ("35 small CNNs of Cutaway, 30 minutes on two cores", "docs/learning.md", 0.36),
        ],
        "networks | source | error (%)",
    )
    record.curves(
        f"Error on {data}",
        "members",
        "test error (%)",
        line("ensemble", sizes, wrong),
        x_log=True,
        levels={SAID: "said of MNIST", each.mean().item(): "the average member"},
    )
    record.takes("Networks of the source's size and 800 epochs on distorted digits: a GPU.")
    return record.because(f"""
        Here {members} networks ({network}) together err on {of_all} of {len(tested)} images of
        {data}, {error.value:.2f} % ({error.low:.2f} to {error.high:.2f}), the average one on
        {each.mean():.2f} %; {shared} images are wrong for each of them, and no number of such
        networks would get those right. Cutaway's largest ensemble of 35 has 0.36 % on MNIST. So it
        is not the number alone that makes 0.23 %: the source's networks are larger, and learned for
        800 epochs from distorted digits. Those were not trained here. Of 10,000 images 0.23 % are
        23, and the interval of that figure itself is 0.15 to 0.35 %.
    """)


def answers_of(
    kind: Kind, count: int, width: int, learned: Samples, tested: Samples, seed: int, steps: int,
    batch: int, rate: float,
) -> Float[Tensor, "r n k"]:  # fmt: skip
    """Probabilities that trained networks give for the test images."""
    if kind == "dense":
        nets = Stack([dense([learned.x[0].numel(), width, 10]) for _ in range(count)])
        descend(nets, learned, seed, steps, batch, rate)
        return scores(nets, tested.x).softmax(-1)
    found = []
    for _ in range(count):  # grouped convolutions of a stack are slower than one network at a time
        net = convolutional(learned.x.shape[-1])
        optimizer = torch.optim.SGD(net.parameters(), rate, 0.9)
        falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, steps)
        for step in range(steps):
            x, t = learned.batch(seed, step, batch)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), t).backward()
            optimizer.step()
            falling.step()
        found.append(scores(Stack([net]), tested.x)[0].softmax(-1))
    return torch.stack(found)


def convolutional(side: int) -> nn.Sequential:
    """Two convolutions of 5 x 5 with 8 and 16 maps, each halved by pooling, and a dense layer."""
    net = nn.Sequential()
    for n_in, n_out in ((1, 8), (8, 16)):
        net.extend([nn.Conv2d(n_in, n_out, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)])
    net.extend([nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, 10)])
    initialise(net, "he")
    return net


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
