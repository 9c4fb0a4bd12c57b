"""Two players in turn: one draws images, the other tells them from real ones."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target
from cutaway.learn.columns import Row, columns
from cutaway.learn.evaluation import Measurements
from cutaway.learn.fid import FeatureNetwork, image_quality
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.metrics import HIGHER, LOWER, Metric
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect, needs
from cutaway.learn.tasks.variational import between
from cutaway.settings import Options

SAMPLES = 64
DRAWN = (
    Metric(
        "fid", "Frechet distance", axis="distance",
        caption=f"{LOWER} 0 would mean that a fixed network finds no difference between generated "
        "and real images.",
    ),
    Metric(
        "sure", "clear images", "Generated images whose class is clear", "share (%)", "%",
        higher=True,
        caption=f"{HIGHER} Share of generated images of whose class the fixed network is more "
        "than 90 % sure.",
    ),
    Metric(
        "variety", axis="classes", higher=True, begins="own",
        caption=f"{HIGHER} Number of equally frequent classes that would be as varied as what was "
        "generated.",
    ),
    Metric(
        "discriminator_accuracy", "discriminator's accuracy", "The discriminator's accuracy",
        "accuracy (%)", "%", higher=True, level=(0.5, "guessing"),
        caption="Real and generated images in equal shares. At 50 % it only guesses: the "
        "generator fools it. Near 100 % it recognises every generated image.",
    ),
)  # fmt: skip
EITHER = "Neither has to fall, since each depends on what the other can do."


@dataclass(frozen=True)
class Adversarial(Task):
    """The discriminator maximises J_D = log D(x) + log(1 - D(G(z))), the generator moves after it.

    The generator minimises J_G = log(1 - D(G(z))) (equation 4.16) where `saturating`, else
    -log D(G(z)), which has the same fixed point and a gradient while the discriminator still wins.

    Source: Goodfellow et al. 2014, algorithm 1 and section 3; the text's algorithm 4-2 and
    equations 4.15 and 4.16. Salimans et al. 2016, section 3.3, for `smooth`.

    Args:
        k: steps of the discriminator, each on new images, before one of the generator.
        discriminator_rate: its share of the learning rate (the two time scales of Heusel et al.
            2017).
        smooth: how far below 1 the discriminator's target for real images is.
        saturating: whether the generator minimises the text's J_G as it stands.
        judged: most images that are drawn to be judged.
    """

    scaling: ClassVar[str] = "symmetric"
    metrics: ClassVar[tuple[Metric, ...]] = DRAWN
    primary: ClassVar[str] = "fid"
    players_said: ClassVar[str] = (
        f"{EITHER} Where generated images cannot be distinguished from real ones, the "
        "discriminator's is 2 ln 2 = 1.39 and the generator's ln 2 = 0.69."
    )
    takes: ClassVar[str] = "codes"
    exports: ClassVar[tuple[str, ...]] = ("generate",)
    page: ClassVar[str] = "adversarial"
    begins: ClassVar[Options] = PLAIN | ADAM | {
        "momentum": 0.5, "lr": 0.0002, "schedule": "constant", "warmup": 0.0, "epochs": 8,
        "batch_size": 64,
    }  # fmt: skip

    k: int = 1
    discriminator_rate: float = 1.0
    smooth: float = 0.0
    saturating: bool = False
    judged: int = 5_000

    def players(self, model: Any) -> tuple[Player, ...]:
        g, d = model.generator, model.discriminator

        def j_d(batch: Batch) -> tuple[Tensor, Counts]:
            with torch.no_grad():
                fake = g(noise(model, batch.x))
            s_real, s_fake = self._scores(d, batch.x), self._scores(d, fake)
            real = torch.full_like(s_real, 1 - self.smooth)
            loss = _bce(s_real, real) + _bce(s_fake, torch.zeros_like(s_fake))
            right = ((s_real > 0).sum() + (s_fake <= 0).sum()) / 2
            return loss, {"accuracy": right.detach()}

        def j_g(batch: Batch) -> tuple[Tensor, Counts]:
            s = self._scores(d, g(noise(model, batch.x)))
            if self.saturating:
                return -_bce(s, torch.zeros_like(s)), {}
            return _bce(s, torch.ones_like(s)), {}

        return (
            Player("discriminator", tuple(d.parameters()), j_d, self.k, self.discriminator_rate),
            Player("generator", tuple(g.parameters()), j_g),
        )

    def _scores(self, d: nn.Module, x: Tensor) -> Float[Tensor, " b"]:
        """log D / (1 - D) of each image: above zero it is taken for real."""
        s: Tensor = d(x)
        return s

    def check(self, model: Any, batch: Batch, target: Target) -> None:
        needs(model, "The task 'adversarial'", "generator", "discriminator", "latent", "generate")
        expect(model.generator(noise(model, batch.x)), tuple(batch.x.shape), "images to evaluate")
        expect(self._scores(model.discriminator, batch.x), (len(batch),), "one score an image")

    def evaluate(self, model: Any, feed: Feed, target: Target, runtime: Runtime) -> Measurements:
        count, d = min(len(feed.index), self.judged), model.discriminator
        judge = FeatureNetwork.for_images(feed.images, runtime)

        def found(batch: Batch) -> Row:
            fake = model.generate(noise(model, batch.x))
            believed = [(self._scores(d, x) > 0).float() for x in (batch.x, fake)]
            seen = judge.seen(batch.x, fake) if judge else ()
            return *believed, fake, *seen

        with at_rest(model, runtime):
            right, wrong, fake, *seen = columns(feed, runtime, found, feed.index[:count])
            z = torch.randn(16, model.latent, device=runtime.device)
            pictures = {"samples": fake[:SAMPLES], "between": model.generate(between(z))}
        accuracy = (right.mean() + 1 - wrong.mean()) / 2
        measures = {"discriminator_accuracy": accuracy.item()}
        measures = (image_quality(*seen) if judge else {}) | measures
        pictures = {name: in_bytes((x + 1) / 2) for name, x in pictures.items()}
        return Measurements(count, measures, pictures)

    def picture(self, model: Any, batch: Batch, runtime: Runtime) -> Float[Tensor, "n c *grid"]:
        with at_rest(model, runtime):
            z = torch.randn(SAMPLES, model.latent, device=batch.x.device)
            images: Tensor = model.generate(z)
        return (images + 1) / 2


def noise(model: Any, x: Float[Tensor, "b *shape"]) -> Float[Tensor, "b z"]:
    """As many z from N(0, 1) as there are images."""
    return torch.randn(len(x), model.latent, device=x.device, dtype=x.dtype)


def _bce(s: Float[Tensor, " b"], t: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    return F.binary_cross_entropy_with_logits(at_least_float32(s), at_least_float32(t))
