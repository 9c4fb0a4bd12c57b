"""More images out of those that are there, and how many more."""

from typing import Annotated, Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from cutaway.data.augment import Flip, Move, Shift
from cutaway.data.sources import load
from cutaway.lab.chapters.depth.learner import Images, dense, right
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, part_of
from cutaway.lab.experiment import claim
from cutaway.lab.settings import Batch, Range, Rate, Replicates, Seed, Steps, Width
from cutaway.lab.tools.learning import classify
from cutaway.lab.tools.samples import Samples, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.randomness import generator

SAID = 2048
"""Times as many images, says the text."""
VARIANTS: dict[str, tuple[Move, ...]] = {
    "as they are": (),
    "shifted": (Shift(1),),
    "mirrored": (Flip(0.5),),
}


def helps(shifted: Effect, mirrored: Effect, ways: Effect) -> Verdict:
    """Holds if shifts and mirrors both raise the accuracy (intervals above 0) and a picture of 256
    x 256 has 2048 crops of 224 x 224 with their mirror images; with limits if one of the two helps
    and either the other cannot be worth a point or the number is another; does not hold if neither
    can be worth a point (both intervals end below 1), for less would not pay for the longer
    learning; else undecided."""
    better = [shifted.low > 0, mirrored.low > 0]
    if all(better) and ways.value == SAID:
        return Verdict.HOLDS
    if any(better) and (ways.value != SAID or min(shifted.high, mirrored.high) < 1):
        return Verdict.LIMITED
    return Verdict.FAILS if max(shifted.high, mirrored.high) < 1 else Verdict.UNDECIDED


@claim(
    "4.8",
    says="Augmentation helps; AlexNet's crops and mirror images make 2048 times as many images.",
    source="textbook 4.4.1; Krizhevsky et al. 2012, section 4.1",
    rule=helps,
    baseline="The same images as they are, learned for as many steps; a constant answer: about "
    "10 %.",
    revised="First round: 'does not hold' was added for gains that cannot be worth a point. "
    "29 November 2026: one gain is no longer enough while the other is open. Run with seeds 3 to "
    "5.",
    otherwise="Things that look alike when mirrored, as those of ImageNet do, where mirroring "
    "helps too; or so many images that shifts add nothing.",
    evening={
        "data": "cifar10",
        "side": 32,
        "images": 5000,
        "steps": 2000,
        "width": 128,
        "rate": 0.03,
    },
    full={
        "replicates": 32,
        "steps": 6000,
        "width": 256,
        "data": "cifar10",
        "side": 32,
        "rate": 0.03,
    },
    differs="The evening's, whose pictures are photographs of things, as the text's are.",
    needs=("mnist",),
)
def more_images(
    data: Literal["mnist", "cifar10"] = "mnist",
    side: Annotated[int, Range(4, 64)] = 14,
    images: Images = 300,
    width: Width = 192,
    picture: Annotated[int, Range(2, 512)] = 256,
    crop: Annotated[int, Range(1, 512)] = 224,
    rate: Rate = 0.2,
    replicates: Replicates = 8,
    steps: Steps = 500,
    batch: Batch = 50,
    seed: Seed = 0,
) -> Evidence:
    """All crops of a picture of noise are made and counted as far as they differ. Then networks
    learn a few images as they are, moved by up to a pixel, and mirrored as often as not."""
    learned, tested = samples(load(data, image_size=side), seed, train=images, test=1000)
    accuracies = {}
    for name, moves in VARIANTS.items():
        nets = Stack([dense([learned.x[0].numel(), width, width, 10]) for _ in range(replicates)])
        learn(nets, learned, moves, seed, steps, batch, rate)
        accuracies[name] = right(nets, tested), right(nets, learned)
    noise = torch.randint(256, (picture, picture), generator=generator(seed, "4.8"))
    ways = different(noise.byte(), crop)
    plain = accuracies["as they are"][0]
    gain = {
        name: difference(f"accuracy, {name} minus as they are", plain, values, "points")
        for name, (values, _) in accuracies.items()
    }
    said = 2 * (picture - crop) ** 2
    record = Record()
    record.effects(
        shifted=gain["shifted"],
        mirrored=gain["mirrored"],
        ways=exact("different crops and mirror images of one picture", ways),
    )
    rows = [(name, test.mean(), train.mean()) for name, (test, train) in accuracies.items()]
    columns = "images | test accuracy (%) | training accuracy (%)"
    record.table(f"{images} images, {steps} steps", rows, columns)
    parts = part_of("on new images", [*gain.values()][1:])
    record.bars("Gain from augmentation", "accuracy gained (points)", tuple(gain)[1:], parts)
    record.takes("More steps and replicates, or more classes that a shift leaves alike: --full.")
    return record.because(f"""
        A window of {crop} pixels can begin at {picture - crop + 1} places along each side of
        {picture}, not at {picture - crop}: with mirror images there are {ways} different ones (all
        were made and counted), not 2 x {picture - crop}^2 = {said}, which leaves the last place of
        each side out; and they overlap so much that they are no new images. Moving {data} by a
        pixel gains {gain["shifted"].value:.1f} points here, mirroring them
        {gain["mirrored"].value:.1f}: what helps is a change that leaves the class as it is, and a
        mirrored digit is no digit, while a mirrored car is a car.
    """)


def learn(
    nets: Stack,
    data: Samples,
    moves: tuple[Move, ...],
    seed: int,
    steps: int,
    batch: int,
    rate: float,
) -> None:
    """Stochastic gradient descent on images that are moved anew in each batch."""
    ground = data.x.min()  # what comes in at an edge is as dark

    def moved(step: int) -> tuple[Tensor, Tensor]:
        (x, t), draw = data.batch(seed, step, batch), generator(seed, "4.8", "moves", step)
        for move in moves:
            x = move.move(x - ground, draw) + ground
        return x, t

    classify(nets, moved, torch.optim.SGD(nets.parameters(), rate), steps)


def different(picture: UInt8[Tensor, "h w"], crop: int) -> int:
    """Number of different windows of `crop` x `crop` in a picture and its mirror image."""
    both = (picture, picture.flip(1))
    windows = (one.unfold(0, crop, 1).unfold(1, crop, 1).flatten(0, 1) for one in both)
    return len({w.contiguous().numpy().tobytes() for some in windows for w in some})
