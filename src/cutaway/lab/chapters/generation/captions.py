"""A captioner of composed scenes: pairs that it never saw, and noise."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy

from cutaway.data.sources import load
from cutaway.lab.chapters.generation.composed import (
    WORDS,
    Composer,
    Scenes,
    as_text,
    before,
    left_out,
    longest,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, part
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.models.captioner import Captioner
from cutaway.randomness import generator, reseed_global

BATCH = 32
SURE = 0.5
"""Probability of a caption from which on it is thought likelier than all others together."""


def inked(data: str, seed: int) -> tuple[Samples, Samples]:
    """Images of digits, 0 to 1, to learn from and to judge by; MNIST's at half their side."""
    most = (20_000, 5_000) if data == "mnist" else (None, None)
    parts = samples(load(data), seed, *most)
    low, high = parts[0].x.min(), parts[0].x.max()
    small = 2 if data == "mnist" else 1
    first, second = (
        Samples(avg_pool2d((one.x - low) / (high - low), small), one.t) for one in parts
    )
    return first, second


def learn(scenes: Scenes, maps: int, width: int, rate: float, steps: int, seed: int) -> Captioner:
    """A captioner that minimises -log P of each word of the right caption, full stop included."""
    reseed_global(seed, "7.17", "weights")
    side = scenes.x.shape[-1]
    net = Captioner(1, len(WORDS), (side, side), maps, width)
    read, counts = before(scenes.words), _until_stop(scenes.words)
    adam = torch.optim.Adam(net.parameters(), rate)

    def losses(step: int) -> Float[Tensor, "1"]:
        adam.param_groups[0]["lr"] = rate * (1 - step / steps)
        i = batch_of(seed, step, len(scenes), BATCH)
        each = cross_entropy(net(scenes.x[i], read[i]).mT, scenes.words[i], reduction="none")
        return (each * counts[i]).sum() / counts[i].sum() + torch.zeros(1)

    minimise(losses, adam, steps)
    return net


def _until_stop(words: Int[Tensor, "n t"]) -> Bool[Tensor, "n t"]:
    """The words that count: those of the caption, and its first full stop."""
    return (words == 0).cumsum(1) <= 1


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


def right(said: Int[Tensor, "*n t"], words: Int[Tensor, "n t"]) -> float:
    """Share of captions (%) that are right in every word."""
    return 100 * (said == words).all(-1).double().mean().item()
