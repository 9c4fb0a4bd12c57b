"""Output = input, through a narrow place."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.data.target import Target
from cutaway.learn.columns import columns
from cutaway.learn.evaluation import Measurements
from cutaway.learn.image_grid import in_bytes
from cutaway.learn.metrics import HIGHER, Means, Metric, loss
from cutaway.learn.presets import ADAM, PLAIN
from cutaway.learn.runtime import Runtime
from cutaway.learn.task import Counts, Player, Task, at_rest, expect, needs
from cutaway.settings import Options

SHOWN, MAPPED = 32, 2_000
"""Images that are kept beside their reconstructions, and codes that are kept for a map."""


PSNR = Metric(
    "psnr", "PSNR", "Peak signal-to-noise ratio", "PSNR (dB)", "dB", higher=True, begins="own",
    caption=f"{HIGHER} 10 dB more is a tenth of the squared error.",
)  # fmt: skip


def decibels(error: Means) -> Means:
    """Peak signal-to-noise ratio of mean squared errors of values in 0..1 (as `psnr`)."""
    decibels: Means = -10 * np.log10(np.maximum(error, 1e-12))
    return decibels


@dataclass(frozen=True)
class Reconstruct(Task):
    """Minimise the mean of (x' - x)^2 over all pixels, x' being made from x's code.

    Source: the course's lecture on autoencoders; Vincent et al. 2008 for the noise.

    Args:
        noise: spread of normal noise on the input, which the output shall not have.
    """

    scaling: ClassVar[str] = "unit"
    metrics: ClassVar[tuple[Metric, ...]] = (
        loss("mean squared error"),
        replace(PSNR, each=lambda tensors: tensors["errors"], pooled=decibels),
    )
    primary: ClassVar[str] = "psnr"
    exports: ClassVar[tuple[str, ...]] = ("reconstruct",)
    page: ClassVar[str] = "reconstruct"
    begins: ClassVar[Options] = PLAIN | ADAM | {"lr": 0.002, "epochs": 10}

    noise: float = 0.0

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        again = reconstruction(model)

        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            x = batch.x + self.noise * torch.randn_like(batch.x) if self.noise else batch.x
            return (again(x) - batch.x).square().mean(), {}

        return (Player("model", tuple(model.parameters()), loss),)

    def check(self, model: nn.Module, batch: Batch, target: Target) -> None:
        needs(model, "The task 'reconstruct'", "encoder", "decoder")
        expect(reconstruction(model)(batch.x), tuple(batch.x.shape), "output = input")

    def evaluate(
        self, model: nn.Module, feed: Feed, target: Target, runtime: Runtime
    ) -> Measurements:
        again, encoder = reconstruction(model), model.encoder
        with at_rest(model, runtime):
            index, targets, errors = columns(
                feed, runtime,
                lambda b: (b.index, b.t, (again(b.x) - b.x).square().flatten(1).mean(1)),
            )  # fmt: skip
            batches = list(feed.first(MAPPED))
            codes = torch.cat([encoder(b.x).flatten(1) for b in batches])  # type: ignore[operator]
            x = batches[0].x[:SHOWN]
            seen = {"originals": in_bytes(x), "reconstructions": in_bytes(again(x))}
        error = errors.double().mean().item()
        tensors = {"index": index, "targets": targets, "errors": errors, **seen}
        tensors |= {"codes": codes.float().cpu()}
        return Measurements(len(index), {"psnr": psnr(error), "loss": error}, tensors)

    def picture(
        self, model: nn.Module, batch: Batch, runtime: Runtime
    ) -> Float[Tensor, "n c *grid"]:
        with at_rest(model, runtime):
            return reconstruction(model)(batch.x)


def psnr(error: float, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels of a mean squared error."""
    return 10 * math.log10(peak**2 / max(error, 1e-12))


def reconstruction(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network from input to reconstruction; some have other outputs besides."""
    again: Callable[[Tensor], Tensor] = getattr(model, "reconstruct", model)
    return again
