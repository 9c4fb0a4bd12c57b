"""Output = input, through a narrow place."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.data.feed import Batch, Feed
from cutaway.learn.gallery import in_bytes
from cutaway.learn.machine import Machine
from cutaway.learn.tasks.base import Counts, Findings, Player, Task, at_rest, expect, needs

SHOWN, MAPPED = 32, 2_000
"""Images that are kept beside their reconstructions, and codes that are kept for a map."""


@dataclass(frozen=True)
class Reconstruct(Task):
    """Minimise the mean of (x' - x)^2 over all pixels, x' being made from x's code.

    Source: the course's lecture on autoencoders; Vincent et al. 2008 for the noise.

    Args:
        noise: spread of normal noise on the input, which the output shall not have.
    """

    scaling: ClassVar[str] = "unit"
    measures: ClassVar[tuple[str, ...]] = ("loss", "psnr")
    headline: ClassVar[str] = "psnr"

    noise: float = 0.0

    def players(self, model: nn.Module) -> tuple[Player, ...]:
        again = reconstruction(model)

        def loss(batch: Batch) -> tuple[Tensor, Counts]:
            x = batch.x + self.noise * torch.randn_like(batch.x) if self.noise else batch.x
            return (again(x) - batch.x).square().mean(), {}

        return (Player("model", tuple(model.parameters()), loss),)

    def check(self, model: nn.Module, batch: Batch, classes: int) -> None:
        needs(model, "The task 'reconstruct'", "encoder", "decoder")
        expect(reconstruction(model)(batch.x), tuple(batch.x.shape), "output = input")

    def judge(
        self, model: nn.Module, feed: Feed, classes: tuple[str, ...], machine: Machine
    ) -> Findings:
        again, encoder = reconstruction(model), model.encoder
        with at_rest(model, machine):
            rows = [
                (b.index, b.t, (again(b.x) - b.x).square().flatten(1).mean(1))
                for b in feed.in_order()
            ]
            batches = list(feed.first(MAPPED))
            codes = torch.cat([encoder(b.x).flatten(1) for b in batches])  # type: ignore[operator]
            x = batches[0].x[:SHOWN]
            seen = {"originals": in_bytes(x), "reconstructions": in_bytes(again(x))}
        index, targets, errors = (torch.cat(column).cpu() for column in zip(*rows, strict=True))
        error = errors.double().mean().item()
        kept = {"index": index, "targets": targets, "errors": errors, **seen}
        kept |= {"codes": codes.float().cpu()}
        return Findings(len(index), {"psnr": psnr(error), "loss": error}, kept)

    def picture(
        self, model: nn.Module, batch: Batch, machine: Machine
    ) -> Float[Tensor, "n c *grid"]:
        with at_rest(model, machine):
            return reconstruction(model)(batch.x)


def reconstruction(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network from input to reconstruction; some have other outputs besides."""
    again: Callable[[Tensor], Tensor] = getattr(model, "reconstruct", model)
    return again


def psnr(error: float, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels of a mean squared error."""
    return 10 * math.log10(peak**2 / max(error, 1e-12))
