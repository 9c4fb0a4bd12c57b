"""A captioner of composed scenes: pairs that it never saw, and noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.functional import avg_pool2d, cross_entropy

from cutaway.data.sources import load
from cutaway.lab.chapters.generation.composed import (
    WORDS,
    Composer,
    Scenes,
    as_text,
    before,
    left_out,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, part
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack, member
from cutaway.models.captioner import Captioner
from cutaway.randomness import generator, reseed_global

State = Mapping[str, Tensor]
BATCH, TESTED = 32, 300
SURE = 0.5
"""Probability of a caption from which on it is thought likelier than all others together."""


def inked(data: str, seed: int) -> tuple[Samples, Samples]:
    """Images of digits, 0 to 1, to learn from and to judge by; MNIST's at half their side, without
    the margin."""
    most = (20_000, 5_000) if data == "mnist" else (None, None)
    parts = samples(load(data), seed, *most)
    low, high = parts[0].x.min(), parts[0].x.max()
    both = [Samples((one.x - low) / (high - low), one.t) for one in parts]
    if data == "mnist":
        both = [Samples(avg_pool2d(one.x, 2)[..., 1:-1, 1:-1], one.t) for one in both]
    return both[0], both[1]


class Captioners(Stack):
    """Many captioners as one, each with its own scenes."""

    def words(
        self, x: Float[Tensor, "r b 1 h w"], read: Float[Tensor, "r b t k"]
    ) -> Float[Tensor, "r b t k"]:
        """Logits of the word after each that was read."""

        def one(weights: State, buffers: State, x: Tensor, read: Tensor) -> Tensor:
            said: Tensor = functional_call(self._network, member(weights, buffers), (x, read))
            return said

        said: Tensor = vmap(one)(self.weights, self.buffers, x, read)
        return said


def learn(
    sets: Sequence[Scenes], maps: int, width: int, rate: float, steps: int, seed: int
) -> list[Captioner]:
    """A captioner of each set, that minimises -log P of its captions' words, full stop included."""
    reseed_global(seed, "7.17", "weights")
    side = sets[0].x.shape[-1]
    nets = Captioners([Captioner(1, len(WORDS), (side, side), maps, width) for _ in sets])
    x, words = (torch.stack([getattr(one, name) for one in sets]) for name in ("x", "words"))
    counts = ((words == 0).cumsum(2) <= 1).float()
    adam = torch.optim.Adam(nets.parameters(), rate)

    def losses(step: int) -> Float[Tensor, "r"]:
        adam.param_groups[0]["lr"] = rate * (1 - step / steps)
        i = batch_of(seed, step, x.shape[1], BATCH)
        logits = nets.words(x[:, i], before(words[:, i]))
        each = cross_entropy(logits.movedim(-1, 1), words[:, i], reduction="none")
        return (each * counts[:, i]).sum((1, 2)) / counts[:, i].sum((1, 2))

    minimise(losses, adam, steps)
    return nets.networks  # type: ignore[return-value]


def shuffled(x: Float[Tensor, "n 1 h w"], draw: torch.Generator) -> Float[Tensor, "n 1 h w"]:
    """Each scene's pixels in random order: noise of the same greys."""
    order = torch.rand(x.flatten(1).shape, generator=draw).argsort(1)
    return x.flatten(1).gather(1, order).view_as(x)


def nearest(learned: Scenes, x: Float[Tensor, "n 1 h w"]) -> Int[Tensor, "n t"]:
    """The caption of the nearest scene that was learned from, by its pixels."""
    return learned.words[torch.cdist(x.flatten(1), learned.x.flatten(1)).argmin(1)]


def most_frequent(learned: Scenes) -> Int[Tensor, "t"]:
    """The caption of most scenes that were learned from."""
    captions, times = learned.words.unique(dim=0, return_counts=True)
    return captions[times.argmax()]


def right(said: Int[Tensor, "*any t"], words: Int[Tensor, "n t"]) -> float:
    """Share of captions (%) that are right in every word."""
    return 100 * (said == words).all(-1).double().mean().item()


def sure(p: Float[Tensor, "n"]) -> float:
    """Share of images (%) whose caption is thought likelier than all others together."""
    return 100 * (p > SURE).double().mean().item()


@dataclass(frozen=True)
class Judged:
    """What a captioner says of two digits that it saw together, of two that it never did, and of
    noise; in %.

    Attributes:
        seen, unseen: captions that are right in every word.
        near, often: right captions of seen pairs, of the nearest scene and of the most frequent.
        known: of unseen pairs, captions of a pair that was seen.
        sure_seen, sure_unseen, sure_noise, sure_static: captions of which it is sure; static is
            even noise, noise a scene's pixels in random order.
        said: what it says of noise, as an example.
    """

    seen: float
    unseen: float
    near: float
    often: float
    known: float
    sure_seen: float
    sure_unseen: float
    sure_noise: float
    sure_static: float
    said: str


def judged(
    net: Captioner, learned: Scenes, seen: Scenes, unseen: Scenes, draw: torch.Generator
) -> Judged:
    """A captioner judged with scenes of two digits, none of which it has seen."""
    length = learned.words.shape[1]
    noise = shuffled(seen.x, draw)
    (a, p), (b, q), (c, r) = (net.describe(x, length) for x in (seen.x, unseen.x, noise))
    static = net.describe(torch.rand(seen.x.shape, generator=draw), length)[1]
    captions = {tuple(words) for words in learned.words.tolist()}
    known = [tuple(words) in captions for words in b.tolist()]
    return Judged(
        right(a, seen.words), right(b, unseen.words),
        right(nearest(learned, seen.x), seen.words), right(most_frequent(learned), seen.words),
        100 * sum(known) / len(known),
        sure(p), sure(q), sure(r), sure(static), as_text(c[0]),
    )  # fmt: skip


def matches(seen: Effect, lead: Effect, drop: Effect, noise: Effect) -> Verdict:
    """Undecided unless the captioner has learned its trade: where pairs were seen it is right about
    most new scenes (interval above 50 %), and more often than the nearest scene's caption (interval
    above 0). Then: holds if it is right at least 10 points less often
    where pairs were left out, and sure of its captions of most noise images (above 50 %); with
    limits if one of these is so and the other is not (below 10 points, below 50 %); does not hold
    if neither is; undecided as long as an interval does not say which."""
    so = (drop.low > 10) + (noise.low > 50)
    otherwise = (drop.high < 10) + (noise.high < 50)
    if seen.low <= 50 or lead.low <= 0 or so + otherwise < 2:
        return Verdict.UNDECIDED
    return (Verdict.FAILS, Verdict.LIMITED, Verdict.HOLDS)[so]


@claim(
    "7.17",
    says="A captioner of a CNN and an LSTM matches patterns and does not understand: it fails on "
    "combinations that it never saw, and describes noise with confidence.",
    source="MIT 6.034, lecture on deep nets (captions are pattern matching); textbook 4.1.2 (CNN "
    "and LSTM together); Vinyals et al. 2015",
    rule=matches,
    baseline="The caption of the nearest scene that was learned from, which is never right about a "
    "pair that was left out (0 %), and the most frequent caption, right in about 0 %. Of noise "
    "nothing is right: who knows it is sure of 0 %.",
    otherwise="Scenes of so many pairs that those left out follow from the rest, and examples of "
    "noise with a caption that says so.",
    doubt="Is what fails on new combinations merely a memory of old ones?",
    evening={
        "data": "mnist", "classes": 6, "partners": 2, "scenes": 10_000, "maps": 12, "width": 64,
        "steps": 2000, "rate": 0.01, "replicates": 64,
    },
    differs="The evening's: 1,797 digits make captioners that differ too much from each other.",
    full={
        "data": "mnist", "classes": 10, "partners": 2, "most": 3, "scenes": 100_000, "maps": 32,
        "width": 256, "steps": 40_000, "rate": 0.002, "replicates": 16,
    },
    revised="29 November 2026, after seeds 0 to 2 were seen: 900 steps in place of 600, after "
    "which captioners were hardly ahead of the nearest scene. Run at the unseen seeds 3 to 5 then: "
    "it holds at 3; at 4 and 5 the noise's interval begins at 49 and 44 %, which the rule first "
    "called 'with limits' and now leaves open. On the same day, after an evening of ten digits, "
    "up to three in a scene, in which captioners were right about 15 % and so could not fall by "
    "ten points: they are to be right about most scenes of pairs that they saw, and the evening's "
    "scenes are of six digits, two in a scene. On 30 November 2026: 64 captioners of an evening, "
    "as 8, and at seed 1 24, left open whether they are sure of most noise (61 %, 49 to 74; 55 %, "
    "49 to 60).",
)  # fmt: skip
def left_out_pairs(
    data: Literal["digits", "mnist"] = "digits",
    classes: Annotated[int, Range(2, 10)] = 4,
    partners: Annotated[int, Range(1, 5)] = 1,
    most: Annotated[int, Range(2, 3)] = 2,
    scenes: Annotated[int, Range(100, 1_000_000)] = 1500,
    maps: Annotated[int, Range(1, 256)] = 8,
    width: Annotated[int, Range(2, 1024)] = 48,
    rate: Rate = 0.02,
    steps: Steps = 900,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Scenes are composed of digits at places. Every digit has partners that never follow it in the
    scenes learned from, others in each replicate; each digit and each place is seen all the same.
    Captioners are judged by scenes of two new images: of pairs that were seen and of those left
    out; and by noise."""
    cooks = [Composer(one.x[:, 0], one.t, classes, most) for one in inked(data, seed)]
    sets = [_set(cooks, partners, scenes, generator(seed, "7.17", r)) for r in range(replicates)]
    nets = learn([one[0] for one in sets], maps, width, rate, steps, seed)
    draw = generator(seed, "7.17", "noise")
    found = [judged(net, *one, draw) for net, one in zip(nets, sets, strict=True)]
    each = {f.name: [getattr(one, f.name) for one in found] for f in fields(Judged)}
    at = {name: sum(values) / len(values) for name, values in each.items() if name != "said"}
    record = Record()
    record.effects(
        seen=mean("seen pairs with a right caption", each["seen"], "%", SHARE),
        lead=difference(
            "seen pairs, captioner minus nearest scene", each["near"], each["seen"], "points"
        ),
        drop=difference(
            "right captions, seen pairs minus left-out ones", each["unseen"], each["seen"], "points"
        ),
        noise=mean("noise images of whose caption it is sure", each["sure_noise"], "%", SHARE),
        composed=mean("left-out pairs with a right caption", each["unseen"], "%", SHARE),
    )
    _told(record, sets[0], found, each, at)
    record.takes("More steps, until it is ahead of the nearest scene; and more replicates.")
    return record.because(f"""
        Of new scenes with pairs that it saw, the captioner describes {at["seen"]:.0f} % rightly,
        the nearest scene {at["near"]:.0f} %; of those with pairs that were left out
        {at["unseen"]:.0f} %, the nearest scene none. In {at["known"]:.0f} % of the latter it names
        a pair from its lessons instead, or another caption that stands there. It is sure of
        {at["sure_seen"]:.0f} % of its captions of seen pairs, of {at["sure_unseen"]:.0f} % where
        pairs are new, of {at["sure_noise"]:.0f} % where all pixels are in random order, and of
        {at["sure_static"]:.0f} % of even noise ("{found[0].said}"). So it is more than a table of
        captions, which would be right about no new pair at all, and less than a reader of scenes,
        to whom a new pair is as easy as an old one.
    """)


Set = tuple[Scenes, Scenes, Scenes]


def _set(cooks: Sequence[Composer], partners: int, scenes: int, draw: torch.Generator) -> Set:
    """Scenes to learn from, new ones of pairs that were seen, and of pairs left out."""
    digits = range(cooks[0].classes)
    out = left_out(len(digits), partners, draw)
    seen = set(product(digits, digits)) - out
    learned = cooks[0].scenes(scenes, seen, draw)
    return (
        learned,
        cooks[1].scenes(TESTED, seen, draw, (2,)),
        cooks[1].scenes(TESTED, out, draw, (2,)),
    )


def _told(
    record: Record, first: Set, found: Sequence[Judged], each: Mapping[str, list[float]],
    at: Mapping[str, float],
) -> None:  # fmt: skip
    rows = [
        ("pairs that were seen", at["seen"], at["near"], at["often"], at["sure_seen"]),
        ("pairs left out", at["unseen"], 0.0, 0.0, at["sure_unseen"]),
        ("pixels in random order", None, None, None, at["sure_noise"]),
        ("even noise", None, None, None, at["sure_static"]),
    ]
    columns = "images | right (%) | nearest scene (%) | most frequent (%) | sure (%)"
    record.table("Captions", rows, columns)
    parts = [
        part(name, np.array([each[a], each[b]]), SHARE)
        for name, a, b in (("right", "seen", "unseen"), ("sure", "sure_seen", "sure_unseen"))
    ]
    record.bars("Pairs of two digits", "captions (%)", ("seen", "left out"), *parts)
    shown = [scene for one in first for scene in zip(one.x[:4], one.words[:4], strict=True)]
    names = [as_text(words) for _, words in shown]
    record.images(
        "Scenes: learned from, new ones, left out",
        torch.stack([x[0] for x, _ in shown]),
        names,
        columns=4,
    )
