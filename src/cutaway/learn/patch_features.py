"""Plain features of pictures: how much of some of their own patches is found where.

No network and no learning: less than a second for hundreds of pictures.

Source: Coates, Lee and Ng 2011, 'An analysis of single-layer networks in unsupervised feature
learning', with patches drawn instead of k-means.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.randomness import generator

SIDE = 32
"""Longest side in pixels at which pictures are looked at."""
PATCHES, PATCH, STRONG = 64, 5, 1.0
"""Patches that are looked for, their side in pixels, and what a likeness has to be to count."""
CHUNK = 512


def patch_features(
    like: Float[Tensor, "m c h w"], x: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n k"]:
    """Features of `x`, by patches and statistics of `like` alone."""
    mean, std = like.mean((0, 2, 3), keepdim=True), like.std((0, 2, 3), keepdim=True)
    std = std.clamp(min=1e-3)
    patches = _patches((like - mean) / std)
    return torch.cat([_found(patches, (chunk - mean) / std) for chunk in x.split(CHUNK)]).double()


def small(x: Float[Tensor, "n c h w"], side: int = SIDE) -> Float[Tensor, "n c height width"]:
    """At most `side` pixels a side."""
    scale = side / max(x.shape[2:])
    if scale >= 1:
        return x.contiguous()
    size = [max(1, round(edge * scale)) for edge in x.shape[2:]]
    return F.interpolate(x, size, mode="bilinear", antialias=True)


def _found(
    patches: Float[Tensor, "k c s s"], x: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n features"]:
    """The most of each patch anywhere, and its mean in each quarter."""
    z = F.relu(F.conv2d(x, patches) - STRONG)
    whole, quarters = F.adaptive_max_pool2d(z, 1), F.adaptive_avg_pool2d(z, 2)
    return torch.cat([whole.flatten(1), quarters.flatten(1)], 1)


def _patches(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "k c s s"]:
    """Patches of the images at places drawn, those with most in them, without mean, of length 1."""
    draw, (n, _, h, w) = generator(0, "augmenting", "patches"), x.shape
    side = min(PATCH, h, w)
    windows = x.unfold(2, side, 1).unfold(3, side, 1)
    at = (
        torch.randint(end, (4 * PATCHES,), generator=draw)
        for end in (n, h - side + 1, w - side + 1)
    )
    image, top, left = at
    patches: Tensor = windows[image, :, top, left]
    patches = patches - patches.mean((1, 2, 3), keepdim=True)
    length: Tensor = patches.flatten(1).norm(dim=1)
    best = length.argsort(descending=True, stable=True)[:PATCHES]
    return patches[best] / length[best].clamp(min=1e-6)[:, None, None, None]
