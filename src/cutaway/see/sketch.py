"""Summary of a tensor, computed on its device: sums, norms, a sample for its quantiles."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

POINTS = 65
"""Number of quantiles that are kept: the minimum, then 64 steps to the maximum."""
SAMPLE = 1024
"""Number of values for the quantiles, spread over the tensor; sums and norms are of all."""


class Sketch(NamedTuple):
    """The summary of a tensor on its device, not yet transferred.

    Attributes:
        sums: of each example's values, in float32 or wider.
        square: the sum of the squares of all values.
        sample: some values from all over the memory.
        n: how many values there are.
    """

    sums: Float[Tensor, "b"]
    square: Float[Tensor, ""]
    sample: Float[Tensor, "s"]
    n: int


class Figures(NamedTuple):
    """The figures of n sketches, on the CPU.

    Attributes:
        rows: mean, spread (standard deviation, of n - 1), then the quantiles.
        bad: which sketch is the first with a number that is not finite, and its example.
    """

    rows: Float[Tensor, "n 67"]
    bad: tuple[int, int] | None


def sketch(x: Float[Tensor, "*shape"]) -> Sketch:
    """Summarise values of any shape, not empty; examples are its first dimension, where it has
    two."""
    flat = in_memory(x.detach())
    rows = flat.view(x.shape[0] if x.ndim > 1 else 1, -1)
    wide = torch.promote_types(x.dtype, torch.float32)
    # A product with itself takes half the time of a norm, which PyTorch needs in low precision.
    square = torch.dot(flat, flat) if x.dtype == wide else norm(flat).square()
    return Sketch(rows.sum(1, dtype=wide), square, sampled(flat), x.numel())


def read(sketches: Sequence[Sketch]) -> Figures:
    """Transfer sketches from the device and compute the figures. Sketches in the order of time."""
    sums = to_numpy([one.sums for one in sketches])
    starts = np.cumsum([0, *(one.sums.numel() for one in sketches[:-1])])
    n = np.array([one.n for one in sketches])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.add.reduceat(sums, starts) / n
        square = to_numpy([one.square for one in sketches]) / n
        spread = np.sqrt(np.maximum(square - mean**2, 0) * n / np.maximum(n - 1, 1))
    points = quantiles([one.sample for one in sketches])
    rows = np.concatenate([np.stack([mean, spread], 1), points], 1)
    bad = np.flatnonzero(~np.isfinite(sums))
    return Figures(torch.from_numpy(rows).float(), _owner(starts, bad[0]) if len(bad) else None)


def to_numpy(parts: Sequence[Float[Tensor, "..."]]) -> np.ndarray:
    """Concatenate rows of numbers, or single ones, in one transfer to the CPU."""
    return _concatenated(parts).double().numpy()


def _concatenated(parts: Sequence[Float[Tensor, "..."]]) -> Float[Tensor, "n"]:
    if not parts:
        return torch.empty(0)
    device, join = parts[0].device, torch.cat if parts[0].ndim else torch.stack
    return join([part.to(device) for part in parts]).cpu()


def quantiles(samples: Sequence[Float[Tensor, "_"]]) -> np.ndarray:
    """The values at shares 0, 1/64, ... 1 of each sorted sample (nearest ranks).

    NumPy sorts a thousand numbers in a sixth of PyTorch's time.
    """
    rows = np.empty((len(samples), POINTS), np.float32)
    sizes = np.array([one.numel() for one in samples])
    for count in set(sizes.tolist()):
        row = np.flatnonzero(sizes == count).tolist()
        values = _concatenated([samples[i] for i in row]).float().view(len(row), count)
        rows[row] = np.sort(values.numpy())[:, ranks(count)]
    return rows


@lru_cache(1024)
def ranks(count: int) -> np.ndarray:
    """The ranks of the quantiles among `count` sorted values."""
    return np.linspace(0, count - 1, POINTS).round().astype(int)


def _owner(starts: np.ndarray, place: np.int64) -> tuple[int, int]:
    which = int(np.searchsorted(starts, place, side="right")) - 1
    return which, int(place - starts[which])


def norm(x: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """The Euclidean norm of all values, in float32 or wider."""
    return torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32))


def in_memory(x: Float[Tensor, "*shape"]) -> Float[Tensor, "n"]:
    """All values in memory order, examples one after the other."""
    if not (x.is_contiguous() or x.is_contiguous(memory_format=_last(x))):
        x = x.contiguous()
    return x.as_strided((x.numel(),), (1,), x.storage_offset())


def sampled(flat: Float[Tensor, "n"]) -> Float[Tensor, "s"]:
    """A copy of at most `SAMPLE` values, spread over all; later layers may work in place."""
    n = flat.numel()
    return flat.clone() if n <= SAMPLE else flat.index_select(0, places(n, flat.device))


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
