"""A discriminator that also classifies, from few labels and many images without."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Classes, Target
from cutaway.learn.by_class import ALIKE
from cutaway.learn.calibration import Calibrated
from cutaway.learn.classification import ACCURACY, CALIBRATION, TOP5
from cutaway.learn.classifier import Classifier
from cutaway.learn.evaluation import Measurements
from cutaway.learn.metrics import Metric
from cutaway.learn.prediction import ClassPrediction
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, expect
from cutaway.learn.tasks.adversarial import DRAWN, EITHER, Adversarial, noise
from cutaway.settings import Options
from cutaway.together.across import mean, ratio, total


@dataclass(frozen=True)
class SemiSupervised(Adversarial, Calibrated):
    """The discriminator's K logits l say the class, and D(x) = Z / (Z + 1) with Z = sum exp l_k.

    It minimises -log p(t|x) on labelled images, -log D on those without and -log(1 - D) on drawn
    ones; the generator minimises |mean f(x) - mean f(G(z))| over features f (feature matching)
    and -log D(G(z)), each with its weight.

    Source: Salimans et al. 2016, sections 3.1 and 5. The paper found that matching alone serves
    the classes best and that the other makes better images; the authors' code has |.| for |.|^2.

    Args:
        matching, fooling: weights of the generator's two terms.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, *ALIKE, *DRAWN, TOP5, CALIBRATION)
    primary: ClassVar[str] = "accuracy"
    players_said: ClassVar[str] = (
        f"{EITHER} The discriminator's is in nats; the generator's is a distance between mean "
        "features of real and of generated images."
    )
    needs: ClassVar[type[Target] | None] = Classes
    classifies: ClassVar[bool] = True
    partly: ClassVar[bool] = True
    serves: ClassVar[bool] = True
    exports: ClassVar[tuple[str, ...]] = ("answer", "generate")
    page: ClassVar[str] = "semi_supervised"
    begins: ClassVar[Options] = PLAIN | ADAM | {
        "momentum": 0.5, "lr": 0.003, "schedule": "linear", "warmup": 0.0, "epochs": 4,
        "batch_size": 64, "labels": 100,
    }  # fmt: skip

    matching: float = 1.0
    fooling: float = 1.0

    def leading(self, target: Target) -> str:
        return self._classifier.leading(target)

    def players(self, model: Any) -> tuple[Player, ...]:
        g, d = model.generator, model.discriminator

        def j_d(batch: Batch) -> tuple[Tensor, Counts]:
            with torch.no_grad():
                fake = g(noise(model, batch.x))
            l_real, s_fake = at_least_float32(d(batch.x)), self._scores(d, fake)
            s_real = l_real.logsumexp(1)
            labelled = batch.t >= 0
            error = F.cross_entropy(l_real, batch.t, ignore_index=-1, reduction="sum")
            unlabelled = F.softplus(-s_real[~labelled]).sum()
            loss = (
                ratio(error, labelled.sum())
                + ratio(unlabelled, (~labelled).sum())
                + F.softplus(s_fake).mean()
            )
            right = ((s_real > 0).sum() + (s_fake <= 0).sum()) / 2
            return loss, {"accuracy": right.detach()}

        def j_g(batch: Batch) -> tuple[Tensor, Counts]:
            with torch.no_grad():
                f = d.features(batch.x)
                real = total(_share(batch.t).to(f) @ f)
            fake = g(noise(model, batch.x))
            matched = (real - mean(d.features(fake))).abs().mean()
            fooled = F.softplus(-self._scores(d, fake)).mean() if self.fooling else 0.0
            return self.matching * matched + self.fooling * fooled, {}

        return (
            Player("discriminator", tuple(d.parameters()), j_d, self.k, self.discriminator_rate),
            Player("generator", tuple(g.parameters()), j_g),
        )

    def _scores(self, d: nn.Module, x: Tensor) -> Float[Tensor, " b"]:
        s: Tensor = at_least_float32(d(x)).logsumexp(1)
        return s

    def check(self, model: Any, batch: Batch, target: Target) -> None:
        self.begin(model, batch)
        super().check(model, batch, target)
        expect(model.discriminator(batch.x), (len(batch), target.outputs), "a logit a class")

    def begin(self, model: Any, batch: Batch) -> None:
        if hasattr(model, "refer"):
            model.refer(batch.x)

    def evaluate(self, model: Any, feed: Feed, target: Target, runtime: Runtime) -> Measurements:
        drawn = super().evaluate(model, feed, target, runtime)
        answers = self._classifier.evaluate(model.discriminator, feed, target, runtime)
        metrics = {**answers.summary(), **drawn.metrics}
        kept = drawn.kept_tensors | answers.tensors()
        return Measurements(len(answers), metrics, kept, answers.trivial)

    @property
    def _classifier(self) -> Classifier:
        """The discriminator as it answers."""
        own = {name: getattr(self, name) for name in (*self.tuned, "coverage")}
        return Classifier(**own)

    def answering(self, model: Any) -> nn.Module:
        discriminator: nn.Module = model.discriminator
        return discriminator

    def prediction(
        self, name: str, answer: Tensor | None, target: Target, error: str = ""
    ) -> ClassPrediction:
        return self._classifier.prediction(name, answer, target, error)

    def quality(self, answers: Tensor, truth: Tensor, target: Target) -> dict[str, float]:
        return self._classifier.quality(answers, truth, target)

    def example(self, x: Float[Tensor, "b c *grid"], classes: int) -> Batch:
        """The classes of the first half are not known."""
        batch = super().example(x, classes)
        batch.t[: len(x) // 2] = -1
        return batch


def _share(t: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
    """Equal shares for the images whose class is not known; for all where every class is."""
    unknown = (t < 0).float()
    unknown = unknown + (total(unknown.sum()) == 0)
    return unknown / total(unknown.sum())
