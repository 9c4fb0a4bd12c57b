"""A tensor in a few numbers, computed where it lies: sum, norm, quantiles."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

POINTS = 65
"""Quantiles that are kept: the least value, then 64 steps to the greatest."""
SAMPLE = 1024
"""Values that the quantiles are of, spread over the tensor; sum and norm are of all."""


@torch.no_grad()
def sketch(x: Float[Tensor, "*shape"]) -> Float[Tensor, "67"]:
    """The sum and the Euclidean norm of all values, and quantiles of a sample of them."""
    wide = torch.promote_types(x.dtype, torch.float32)
    both = torch.stack([x.sum(dtype=wide), norm(x)]).float()
    return torch.cat([both, quantiles(x)])


def norm(x: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Euclidean, of all values, in float32 or wider."""
    return torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32))


def quantiles(x: Float[Tensor, "*shape"]) -> Float[Tensor, "65"]:
    """The values at shares 0, 1/64, ... 1 of the sorted sample (nearest ranks)."""
    ordered = sampled(x).float().sort().values
    return ordered[ranks(len(ordered), x.device)]


@lru_cache(1024)
def ranks(count: int, device: torch.device) -> Int[Tensor, "q"]:
    """Where the quantiles lie among `count` sorted values."""
    return torch.linspace(0, count - 1, POINTS, device=device).round().long()


def sampled(x: Float[Tensor, "*shape"]) -> Float[Tensor, "n"]:
    """At most `SAMPLE` values from all over the memory, whatever order the dimensions are in."""
    n = x.numel()
    if n <= SAMPLE:
        return x.reshape(-1)
    if not (x.is_contiguous() or x.is_contiguous(memory_format=_last(x))):
        x = x.contiguous()
    return x.as_strided((n,), (1,), x.storage_offset())[places(n, x.device)]


@lru_cache(1024)
def places(n: int, device: torch.device) -> Int[Tensor, "s"]:
    """`SAMPLE` places of n, spread by the golden ratio.

    Unlike places at equal distances, these do not fall into step with rows or channels.
    """
    golden = (5**0.5 - 1) / 2
    shares = torch.arange(SAMPLE, dtype=torch.float64) * golden % 1
    return (shares * n).long().to(device)


def _last(x: Tensor) -> torch.memory_format:
    return {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.ndim, torch.contiguous_format)
