"""Tensors as pages draw them: planes of numbers, with what is to be said of all."""

from base64 import b64encode
from math import ceil, inf, isfinite, sqrt

import torch
from jaxtyping import Float, Num
from torch import Tensor

from cutaway.studio.wire import Message

PLANES, SIDE, ROW = 64, 64, 32
"""Most planes, rows or columns that are sent, and numbers in a row before it is broken."""


def told(whole: Num[Tensor, "*all"], shown: Num[Tensor, "*some"]) -> Message:
    """A tensor as a page draws it.

    Args:
        shown: the part of it that is drawn, such as one image of a batch.
    """
    x = shown.detach().float()
    finite = x[x.isfinite()]
    return {
        "shape": list(whole.shape), "norm": plain(whole.detach().float().norm().item()),
        "low": plain(finite.min().item() if finite.numel() else inf),
        "high": plain(finite.max().item() if finite.numel() else inf),
        "finite": bool(whole.isfinite().all()), **_packed(x),
    }  # fmt: skip


def planes(x: Float[Tensor, "*some"]) -> Float[Tensor, "n h w"]:
    """Numbers on planes: the last two axes are rows and columns. One axis alone becomes a row, a
    long one several, filled up with NaN."""
    if x.ndim >= 3:
        return x.reshape(-1, *x.shape[-2:])
    if x.ndim == 2:
        return x[None]
    x = x.reshape(-1)
    width = max(1, len(x)) if len(x) <= ROW else min(SIDE, ceil(sqrt(len(x)) / 8) * 8)
    filled = x.new_full((max(1, ceil(len(x) / width)) * width,), torch.nan)
    filled[: len(x)] = x
    return filled.view(1, -1, width)


def plain(number: float) -> float | None:
    """A number that JSON has; None for others."""
    return number if isfinite(number) else None


def _packed(x: Float[Tensor, "*some"]) -> Message:
    """The planes that are sent: of many the first, of large ones each `apart`-th row and column."""
    every = planes(x)
    count, height, width = every.shape
    apart = [max(1, ceil(side / SIDE)) for side in (height, width)]
    sent = every[:PLANES, :: apart[0], :: apart[1]].contiguous()
    return {
        "planes": len(sent), "of": count, "rows": sent.shape[1], "columns": sent.shape[2],
        "height": height, "width": width, "apart": apart, "line": x.ndim < 2,
        "numbers": b64encode(sent.cpu().numpy().astype("<f4").tobytes()).decode(),
    }  # fmt: skip
