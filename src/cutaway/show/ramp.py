"""Colours for numbers: a ramp that all readers can tell apart, and numbers over a picture."""

import torch
from jaxtyping import Float
from torch import Tensor

RAMP = torch.tensor(
    [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]
).float()
"""From low to high (viridis)."""
NOTHING = torch.tensor([128.0, 128.0, 128.0])
SHOWN = 0.99
"""The quantile of a map that gets the last colour, so that one pixel does not hide all others."""


def coloured(shares: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 3"]:
    """The ramp at shares from 0 to 1, each colour from 0 to 255; grey where there is no number."""
    place = shares.nan_to_num().clamp(0, 1) * (len(RAMP) - 1)
    low = place.long().clamp(max=len(RAMP) - 2)
    colours = torch.lerp(RAMP[low], RAMP[low + 1], (place - low)[..., None])
    return torch.where(shares.isfinite()[..., None], colours, NOTHING)


def css() -> str:
    """The ramp from low to high, as CSS has it."""
    return ",".join(f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in RAMP.tolist())


def heat(maps: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w 3"]:
    """Sizes of numbers as colours of 0 to 1, each map to its own largest."""
    sizes = maps.detach().cpu().float().abs()
    most = sizes.flatten(1).quantile(SHOWN, dim=1).clamp(min=1e-12)
    return coloured(sizes / most[:, None, None]) / 255


def over(
    pictures: Float[Tensor, "n h w c"], maps: Float[Tensor, "n h w"], share: float = 0.65
) -> Float[Tensor, "n h w 3"]:
    """Maps over the grey of their pictures."""
    return share * heat(maps) + (1 - share) * pictures.mean(-1, keepdim=True)
