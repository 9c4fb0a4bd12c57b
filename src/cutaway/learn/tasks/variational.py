"""Codes that follow a known distribution, so that drawing a code draws an image."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.arithmetic import at_least_float32
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target
from cutaway.learn.columns import columns
from cutaway.learn.evaluation import Measurements
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.metrics import LOWER, Metric, loss
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect, needs
from cutaway.learn.tasks.reconstruct import MAPPED, SHOWN
from cutaway.models.vae import divergence
from cutaway.settings import Options

GRID, ROWS = 15, 8
"""Side of the map of a code of two numbers; rows and columns of the interpolations."""


@dataclass(frozen=True)
class Variational(Task):
    """Minimise -ELBO = -E log p(x|z) + beta KL(q(z|x) || N(0, 1)), in nats an image.

    p(x|z) is Bernoulli a pixel, q(z|x) normal with mean mu and variance exp(log_var), and
    KL = -1/2 sum(1 + log_var - mu^2 - exp(log_var)).

    Source: Kingma and Welling 2014, equations 7 and 10 and appendix B; Higgins et al. 2017, beta.
    """

    scaling: ClassVar[str] = "unit"
    metrics: ClassVar[tuple[Metric, ...]] = (
        loss("nats an image"),
        Metric(
            "reconstruction", axis="−ln p(x|z) (nats an image)",
            caption=f"{LOWER} What it takes to encode the pixels once the code is known.",
        ),
        # The loss weighs its parts by beta: runs with another beta could not be compared by it.
        Metric(
            "-ELBO", "\N{MINUS SIGN}ELBO", axis="nats an image", unit="nats", caption=LOWER,
            each_epoch=False, each=lambda tensors: tensors["errors"],
            parts=("reconstruction", "kl"),
        ),
        Metric(
            "kl", "KL divergence", axis="KL (nats an image)",
            caption="How much the code says of an image. Lower makes random codes more like real "
            "ones; at 0 the code would say nothing.",
        ),
    )  # fmt: skip
    primary: ClassVar[str] = "loss"
    compared: ClassVar[str] = "-ELBO"
    exports: ClassVar[tuple[str, ...]] = ("generate", "reconstruct")
    page: ClassVar[str] = "variational"
    begins: ClassVar[Options] = PLAIN | ADAM | {"lr": 0.002, "epochs": 8}

    beta: float = 1.0

    def players(self, model: Any) -> tuple[Player, ...]:
        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            reconstruction, kl = parts(model, batch.x)
            counts = {"reconstruction": reconstruction.sum(), "kl": kl.sum()}
            return (reconstruction + self.beta * kl).mean(), counts

        return (Player("model", tuple(model.parameters()), loss),)

    def check(self, model: Any, batch: Batch, target: Target) -> None:
        needs(model, "The task 'variational'", "encode", "logits", "generate", "latent")
        expect(model(batch.x)[0], tuple(batch.x.shape), "output = input")

    def evaluate(self, model: Any, feed: Feed, target: Target, runtime: Runtime) -> Measurements:
        with at_rest(model, runtime):
            index, targets, errors, kl = columns(
                feed, runtime, lambda b: (b.index, b.t, *parts(model, b.x))
            )
            tensors = _report_tensors(model, list(feed.first(MAPPED)))
        tensors |= {"index": index, "targets": targets, "errors": errors + kl}
        both = errors.double().mean().item(), kl.double().mean().item()
        measures = {"loss": both[0] + self.beta * both[1], "reconstruction": both[0], "kl": both[1]}
        return Measurements(len(index), measures, tensors)

    def picture(self, model: Any, batch: Batch, runtime: Runtime) -> Float[Tensor, "n c *grid"]:
        with at_rest(model, runtime):
            z = torch.randn(64, model.latent, device=runtime.device)
            images: Tensor = model.generate(z)
        return images


def parts(
    model: Any, x: Float[Tensor, "b c *grid"]
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """-log p(x|z) at a drawn z, and KL(q(z|x) || N(0, 1)), both in nats for each image."""
    logits, mu, log_var = model(x)
    error = F.binary_cross_entropy_with_logits(at_least_float32(logits), x, reduction="none")
    return error.flatten(1).sum(1), divergence(mu, log_var)


def _report_tensors(model: Any, batches: list[Batch]) -> dict[str, Tensor]:
    """The tensors that a report draws: codes, reconstructions, samples, interpolations, the map."""
    encode, generate, latent = model.encode, model.generate, model.latent
    codes = torch.cat([encode(b.x)[0] for b in batches])
    x = batches[0].x[:SHOWN]
    pictures = {
        "originals": x,
        "reconstructions": generate(codes[: len(x)]),
        "samples": generate(torch.randn(64, latent, device=x.device)),
        "between": generate(between(codes[: 2 * ROWS])),
    }
    if latent == 2:
        pictures["map"] = generate(plane(GRID).to(x.device))
    tensors = {name: in_bytes(value) for name, value in pictures.items()}
    return tensors | {"codes": codes.float().cpu()}


def between(codes: Float[Tensor, "n k"], steps: int = ROWS) -> Float[Tensor, "m k"]:
    """Straight ways from each even code to the odd one after it, `steps` points each."""
    start, end = codes[0 : len(codes) // 2 * 2 : 2], codes[1::2]
    t = torch.linspace(0, 1, steps, device=codes.device).view(1, -1, 1)
    return (start[:, None] * (1 - t) + end[:, None] * t).flatten(0, 1)


def plane(side: int) -> Float[Tensor, "n 2"]:
    """Codes of a square that holds equal shares of N(0, 1) a step (the paper's figure 4)."""
    p = (torch.arange(side) + 0.5) / side
    z = torch.special.ndtri(p.double()).float()
    return torch.stack([z.flip(0).repeat_interleave(side), z.repeat(side)], 1).flip(1)
