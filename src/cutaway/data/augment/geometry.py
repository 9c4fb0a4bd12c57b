"""The arithmetic of augmentation: random numbers, windows, one bilinear sampling."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from cutaway.together.share import drawn


def warp(
    images: Float[Tensor, "b c h w"],
    matrix: Float[Tensor, "b 3 3"],
    displacement: Float[Tensor, "b 2 h w"] | None = None,
    mode: str = "bilinear",
) -> Float[Tensor, "b c h w"]:
    """Sample every image once, bilinearly, or with `mode` "nearest" its nearest pixel: at (x, y),
    its value at `matrix` (x, y, 1) plus `displacement`, all in pixels from the centre; zero outside
    the image."""
    (h, w), device = images.shape[2:], images.device
    exact = images.dtype if images.dtype == torch.float64 else torch.float32
    y, x = (torch.arange(n, device=device, dtype=exact) - (n - 1) / 2 for n in (h, w))
    here = torch.stack([x.repeat(h), y.repeat_interleave(w), torch.ones(h * w).to(x)])
    half = torch.tensor([[w / 2], [h / 2]], device=device, dtype=exact)
    there = (matrix[:, :2].to(here) / half @ here).unflatten(2, (h, w))
    if displacement is not None:
        there.addcdiv_(displacement.to(here), half[:, :, None])
    grid = there.permute(0, 2, 3, 1)
    return F.grid_sample(images.to(exact), grid, mode, align_corners=False).to(images.dtype)


def uniform(rng: Generator, *shape: int, dim: int = 0) -> Tensor:
    """Numbers uniform in 0..1, for images along `dim`."""

    def draw(count: int) -> Tensor:
        sizes = (*shape[:dim], count, *shape[dim + 1 :])
        return torch.rand(sizes, generator=rng, device=rng.device)

    return drawn(shape[dim], draw, dim)


def integers(rng: Generator, low: int, high: int, count: int, each: int) -> Int[Tensor, "b k"]:
    """Random integers, uniform in low..high, `each` an image."""

    def draw(count: int) -> Tensor:
        return torch.randint(low, high + 1, (count, each), generator=rng, device=rng.device)

    return drawn(count, draw)


def affine_matrices(*rows: Sequence[int | float | Tensor]) -> Float[Tensor, "b 3 3"]:
    """One matrix per image from its first two rows, whose entries are one number per image or for
    all."""
    entries = [entry for row in rows for entry in row] + [0, 0, 1]
    like = torch.zeros_like(next(entry for entry in entries if isinstance(entry, Tensor)))
    return torch.stack([like + entry for entry in entries], 1).unflatten(1, (3, 3))


def window(
    padded: Float[Tensor, "b c hp wp"], corner: Int[Tensor, "b 2"], size: Sequence[int]
) -> Float[Tensor, "b c h w"]:
    """Cut a window of `size` out of each image. Indexing the view of all windows copies whole
    rows: measured 1.4 times faster than a gather of pixels, 4 times than grid_sample."""
    windows = padded.unfold(2, size[0], 1).unfold(3, size[1], 1)
    top, left = corner.to(padded.device).unbind(1)
    return windows[torch.arange(len(padded), device=padded.device), :, top, left]


def grey(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    """Luma by ITU-R BT.601 for three channels, else the channels' mean."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    luma = torch.tensor([0.299, 0.587, 0.114], device=images.device, dtype=images.dtype)
    return (images * luma[:, None, None]).sum(1, keepdim=True)
