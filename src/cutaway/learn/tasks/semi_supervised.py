"""A discriminator that also classifies, from few labels and many images without."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.data.feed import Batch, Feed
from cutaway.learn.machine import Machine
from cutaway.learn.tasks.adversarial import Adversarial, noise
from cutaway.learn.tasks.base import Counts, Findings, Player, expect
from cutaway.learn.tasks.classify import Classify


@dataclass(frozen=True)
class SemiSupervised(Adversarial):
    """The discriminator's K logits l say the class, and D(x) = Z / (Z + 1) with Z = sum exp l_k.

    It minimises -log p(t|x) on labelled images, -log D on those without and -log(1 - D) on drawn
    ones; the generator minimises |mean f(x) - mean f(G(z))| over features f (feature matching)
    and -log D(G(z)), each with its weight.

    Source: Salimans et al. 2016, sections 3.1 and 5. The paper found that matching alone serves
    the classes best and that the other makes better images; the authors' code has |.| for |.|^2.

    Args:
        matching, fooling: weights of the generator's two terms.
    """

    measures: ClassVar[tuple[str, ...]] = (
        "accuracy",
        "fid",
        "sure",
        "variety",
        "discriminator_accuracy",
    )
    headline: ClassVar[str] = "accuracy"

    matching: float = 1.0
    fooling: float = 1.0

    def players(self, model: Any) -> tuple[Player, ...]:
        g, d = model.generator, model.discriminator

        def j_d(batch: Batch) -> tuple[Tensor, Counts]:
            with torch.no_grad():
                fake = g(noise(model, batch.x))
            l_real, s_fake = d(batch.x).float(), self._scores(d, fake)
            s_real = l_real.logsumexp(1)
            labelled = batch.t >= 0
            error = F.cross_entropy(l_real, batch.t, ignore_index=-1, reduction="sum")
            loss = (
                error / labelled.sum().clamp(min=1)
                + F.softplus(-s_real[~labelled]).sum() / (~labelled).sum().clamp(min=1)
                + F.softplus(s_fake).mean()
            )
            right = ((s_real > 0).sum() + (s_fake <= 0).sum()) / 2
            return loss, {"accuracy": right.detach()}

        def j_g(batch: Batch) -> tuple[Tensor, Counts]:
            with torch.no_grad():
                real = _share(batch.t) @ d.features(batch.x)
            fake = g(noise(model, batch.x))
            matched = (real - d.features(fake).mean(0)).abs().mean()
            fooled = F.softplus(-self._scores(d, fake)).mean() if self.fooling else 0.0
            return self.matching * matched + self.fooling * fooled, {}

        return (
            Player("discriminator", tuple(d.parameters()), j_d, self.k, self.discriminator_rate),
            Player("generator", tuple(g.parameters()), j_g),
        )

    def _scores(self, d: nn.Module, x: Tensor) -> Float[Tensor, " b"]:
        s: Tensor = d(x).float().logsumexp(1)
        return s

    def check(self, model: Any, batch: Batch, classes: int) -> None:
        self.begin(model, batch)
        super().check(model, batch, classes)
        expect(model.discriminator(batch.x), (len(batch), classes), "a logit a class")

    def begin(self, model: Any, batch: Batch) -> None:
        if hasattr(model, "refer"):
            model.refer(batch.x)

    def judge(self, model: Any, feed: Feed, classes: tuple[str, ...], machine: Machine) -> Findings:
        found = super().judge(model, feed, classes, machine)
        answers = Classify().judge(model.discriminator, feed, classes, machine)
        measures = answers.summary() | found.measures
        return Findings(len(answers), measures, found.kept | answers.tensors())


def _share(t: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
    """Equal shares for the images whose class is not known; for all where every class is."""
    unknown = (t < 0).float()
    unknown = unknown + (unknown.sum() == 0)
    return unknown / unknown.sum()
