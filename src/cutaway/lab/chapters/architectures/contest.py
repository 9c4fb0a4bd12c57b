"""ILSVRC: errors by year, from the papers, and the networks that can be counted here."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cutaway.lab.chapters.architectures.counts import SIDE, new
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part
from cutaway.models import count

TEXT = {2012: 15.3, 2015: 3.5}
"""Top-5 errors (%) that the text prints, by year."""
ROUNDING = 0.1


LOOKED_UP = "2026-11-29"
"""When the figures below were compared with their sources, most of them as stored copies."""
RESULTS = "image-net.org/challenges/LSVRC/{}/results"
KRIZHEVSKY = "Krizhevsky et al. 2012, table {}"
VGG = "Simonyan and Zisserman 2015, table 7, arxiv.org/abs/1409.1556"
SZEGEDY = "Szegedy et al. 2014, table {}, arxiv.org/abs/1409.4842"
HE = "He et al. 2015, table {}, arxiv.org/abs/1512.03385"


@dataclass(frozen=True)
class Entry:
    """A result in the contest.

    Attributes:
        error: top-5, in per cent.
        images: those that it was measured on.
        source: where the row was found on `LOOKED_UP`, and what of it was not.
        won: whether it is the figure that won the year's classification without more data, or that
            the winner is known by.
    """

    year: int
    name: str
    error: float
    networks: str
    crops: str
    images: str
    source: str
    won: bool = False


ENTRIES = (
    Entry(2010, "NEC-UIUC", 28.2, "none: SIFT, LBP and SVMs", "", "test",
          f"{KRIZHEVSKY.format(1)}; {RESULTS.format(2010)} only as others quote it: 0.28191", True),
    Entry(2011, "XRCE", 25.8, "none: Fisher vectors and SVMs", "", "test",
          f"{RESULTS.format(2011)} only as others quote it: 0.25770", True),
    Entry(2012, "AlexNet", 18.2, "1", "10", "validation", KRIZHEVSKY.format(2)),
    Entry(2012, "AlexNet", 16.4, "5", "10", "test",
          f"{KRIZHEVSKY.format(2)}; {RESULTS.format(2012)}: 0.16422"),
    Entry(2012, "AlexNet", 15.3, "7, two of which saw more images", "10", "test",
          f"{KRIZHEVSKY.format(2)}; {RESULTS.format(2012)}: 0.15315", True),
    Entry(2013, "Clarifai", 12.5, "1", "", "test", VGG),
    Entry(2013, "Clarifai", 11.7, "several", "", "test", f"{VGG}; {SZEGEDY.format(2)}", True),
    Entry(2014, "VGG", 7.0, "1, after the contest", "dense and many", "test", VGG),
    Entry(2014, "VGG", 7.3, "7", "dense", "test", VGG),
    Entry(2014, "GoogLeNet", 7.89, "1", "144", "validation", SZEGEDY.format(3)),
    Entry(2014, "GoogLeNet", 6.67, "7", "144", "test",
          f"{SZEGEDY.format('2 and 3')}; {RESULTS.format(2014)} only as others quote it: 0.06656",
          True),
    Entry(2015, "ResNet-152", 4.49, "1", "many sizes", "validation", HE.format(4)),
    Entry(2015, "ResNet", 3.57, "6", "many sizes", "test", HE.format(5), True),
)  # fmt: skip
COUNTED = {
    "alexnet": ("AlexNet", 8, "60 million"),
    "vgg16": ("VGG-16", 16, "138 million"),
    "googlenet": ("GoogLeNet", 22, "a twelfth of AlexNet's"),
    "resnet152": ("ResNet-152", 152, ""),
}
"""Networks of the winners that are here: layers and weights that their papers print."""


def as_published(off: Effect, tested: Effect) -> Verdict:
    """Does not hold if a figure of the text is more than 0.1 point from its paper's; else not
    tested, as long as no network has answered the contest's images here: that two texts agree is no
    measurement. Undecided if one has."""
    if off.value > ROUNDING:
        return Verdict.FAILS
    return Verdict.UNTESTED if tested.value == 0 else Verdict.UNDECIDED


@claim(
    "6.9",
    says="In the contest ILSVRC, AlexNet's error of 15.3 % in 2012 was a marvel, and ResNet had "
    "3.5 % in 2015.",
    source="textbook 4.4 and 4.4.4, figure 4-30",
    rule=as_published,
    baseline="The best entry of 2011, without a neural network: 25.8 %. Five guesses among 1000 "
    "classes by chance: 99.5 %.",
    otherwise="ImageNet's 1.28 million training images, and weeks of GPUs.",
    doubt="Is it 3.5? And whose errors are these: one network's, or several's?",
)
def contest() -> Evidence:
    """The errors that the papers print, beside the text's; and the layers and weights of the
    winning networks, counted here."""
    won = {one.year: one for one in ENTRIES if one.won}
    off = {year: abs(won[year].error - said) for year, said in TEXT.items()}
    nets = {name: new(name) for name in COUNTED}
    if isinstance(heads := getattr(nets["googlenet"], "auxiliary", None), nn.ModuleList):
        del heads[:]
    layers = {name: depth(net) for name, net in nets.items()}
    same = sum(layers[name] == said for name, (_, said, _) in COUNTED.items())
    record = Record()
    record.effects(
        off=exact("largest difference of the text's errors from the papers'", max(off.values()),
                  "points"),
        tested=exact("networks that answered the contest's images here", 0),
        layers=exact(f"networks with as many layers as their papers say, of {len(nets)}", same),
    )  # fmt: skip
    rows = [
        (one.year, one.name, one.error, TEXT.get(one.year) if one.won else None, one.networks,
         one.crops, one.images, one.source)
        for one in ENTRIES
    ]  # fmt: skip
    columns = "year | entry | top-5 error (%) | the text | networks | crops | images"
    looked_up = f"source, looked up on {LOOKED_UP}"
    record.table("Errors as they were published", rows, f"{columns} | {looked_up}")
    counts = [
        (title, said, layers[name], weights, count(nets[name]) / 1e6)
        for name, (title, said, weights) in COUNTED.items()
    ]
    columns = "network | layers, as published | counted here | weights, as published"
    record.table("Winners", counts, f"{columns} | counted here (million)")
    single = {one.year: one.error for one in ENTRIES if one.networks == "1"}
    parts = [
        Part("the winner", tuple(one.error for one in won.values())),
        Part("one network alone", tuple(single.get(year, won[year].error) for year in won)),
    ]
    groups = [f"{year} {one.name}" for year, one in won.items()]
    record.bars("Top-5 error in ILSVRC", "top-5 error (%)", groups, *parts)
    return record.because(f"""
        No network answered ImageNet's images here, so that the errors themselves are not tested.
        15.3 % is what the paper prints; 3.5 % is {won[2015].error} there, which would round to
        {won[2015].error:.1f}. Both are of several networks together: of 7 in 2012, two of which had
        learned from more images than the contest's, and of 6 in 2015. One AlexNet alone errs on
        18.2 % and one ResNet-152 on 4.49 %, on validation images. The 150,000 test images of the
        text are those of 2010; from 2011 on there were 100,000 (Russakovsky et al. 2015, table 2).
        Papers and the contest's own pages agree within 0.03 points. Of the
        winners {same} of {len(nets)} have as many layers here as their papers say. GoogLeNet has
        {counts[2][-1]:.1f} million weights, AlexNet {counts[0][-1] / counts[2][-1]:.0f} times as
        many, not twelve.
    """)


def depth(net: nn.Module) -> int:
    """Layers with weights on the longest way through a network, read off autograd's graph."""
    answer = net.eval()(torch.empty(1, 3, SIDE, SIDE, device="meta"))
    longest: dict[Any, int] = {None: 0}
    waiting = [answer.grad_fn]
    while waiting:
        node = waiting[-1]
        before = [one for one, _ in node.next_functions]
        if missing := [one for one in before if one not in longest]:
            waiting += missing
            continue
        waiting.pop()
        weighs = node.name().startswith(("Convolution", "Addmm"))
        longest[node] = weighs + max((longest[one] for one in before), default=0)
    return longest[answer.grad_fn]
