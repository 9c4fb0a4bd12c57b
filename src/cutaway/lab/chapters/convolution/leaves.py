"""Leaves of six kinds, made by rule: an outline, turned and drawn on an even or a real ground."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from cutaway.data.feed import to_float
from cutaway.data.sources import load

KINDS = ("round", "lance", "heart", "maple", "birch", "oak")
LONG = (1.0, 2.6, 1.1, 1.0, 1.5, 1.8)
"""Length of a kind over its width."""
LOBES = ((0, 0.0), (0, 0.0), (0, 0.0), (5, 0.3), (17, 0.1), (7, 0.18))
"""How many lobes or teeth an outline has, and how deep they are."""


@dataclass(frozen=True)
class Leaves:
    """Pictures from 0 (black) to 1 (white), their kinds, and where the leaf is."""

    x: Float[Tensor, "n 1 s s"]
    t: Int[Tensor, "n"]
    mask: Float[Tensor, "n s s"]


def outlines(
    t: Int[Tensor, "n"], angle: Float[Tensor, "n s s"], g: torch.Generator
) -> Float[Tensor, "n s s"]:
    """How far each leaf reaches in every direction, about 1; no two of a kind are quite alike."""
    n = len(t)
    wobble = 0.04 * torch.randn(n, 2, 1, 1, generator=g)
    phase = 6.28 * torch.rand(n, 2, 1, 1, generator=g)
    count, deep = torch.tensor(LOBES)[t].T[..., None, None]
    deep = deep * (0.8 + 0.4 * torch.rand(n, 1, 1, generator=g))
    reach = 1 + deep * torch.cos(count * angle) * (count > 0)
    heart = (t == KINDS.index("heart"))[:, None, None]
    reach = reach - 0.45 * heart * (2 * (angle.cos() - 1)).exp()
    waves = [wobble[:, k] * torch.cos((k + 2) * angle + phase[:, k]) for k in (0, 1)]
    return reach + waves[0] + waves[1]


def masks(
    t: Int[Tensor, "n"], side: int, g: torch.Generator, sharp: float = 2.0
) -> Float[Tensor, "n s s"]:
    """1 inside a leaf and 0 outside, with a border as wide as a pixel; turned by any angle."""
    n = len(t)
    at = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(at, at, indexing="ij")
    turn = 6.2832 * torch.rand(n, 1, 1, generator=g)
    down, across = 0.12 * (2 * torch.rand(2, n, 1, 1, generator=g) - 1)
    size = 0.55 + 0.2 * torch.rand(n, 1, 1, generator=g)
    long = torch.tensor(LONG)[t][:, None, None] * (0.9 + 0.2 * torch.rand(n, 1, 1, generator=g))
    y, x = y - down, x - across
    along, beside = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    along, beside = along / size / long.pow(0.35), beside / size * long.pow(0.65)
    reach = outlines(t, torch.atan2(beside, along), g)
    inside = (reach - torch.hypot(along, beside)) * size * side / 2
    return (sharp * inside).sigmoid()


def leaves(n: int, side: int, g: torch.Generator, real: bool = False) -> Leaves:
    """As many of each kind. On an even ground each leaf is darker than it; `real`: leaf and ground
    are two pieces of a photograph, and either may be the brighter."""
    t = torch.arange(n) % len(KINDS)
    mask = masks(t, side, g)
    if real:
        leaf, ground = pieces(n, side, g), pieces(n, side, g)
        apart = 0.3 * (2 * torch.randint(2, (n, 1, 1), generator=g) - 1)
        x = mask * (leaf + apart) + (1 - mask) * ground
    else:
        leaf, ground = 0.2 + 0.3 * torch.rand(2, n, 1, 1, generator=g)
        x = mask * leaf + (1 - mask) * (ground + 0.4)
        x = x + 0.04 * torch.randn(n, side, side, generator=g)
    return Leaves(x[:, None], t, mask)


def pieces(n: int, side: int, g: torch.Generator) -> Float[Tensor, "n s s"]:
    """Pieces of the photograph of a temple, from anywhere in it."""
    picture = to_float(load("china").images)[0, 0]
    places = torch.randint(len(picture) - side + 1, (n, 2), generator=g).tolist()
    return torch.stack([picture[y : y + side, x : x + side] for y, x in places])


def standardised(x: Float[Tensor, "n 1 s s"]) -> Float[Tensor, "n 1 s s"]:
    """Each picture with mean 0 and deviation 1."""
    x = x - x.mean((1, 2, 3), keepdim=True)
    return x / x.std((1, 2, 3), keepdim=True)


def enlarged(x: Float[Tensor, "n 1 s s"], times: int) -> Float[Tensor, "n 1 _ _"]:
    return F.interpolate(x, scale_factor=times, mode="nearest")
