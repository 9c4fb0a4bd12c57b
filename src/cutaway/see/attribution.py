"""Attribution: how much each pixel of an image contributes to the score of one class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.layers import index_last
from cutaway.see.probe import answer, last_answer, leaf, resting, slope

Images = Float[Tensor, "b c *side"]
Classes = Int[Tensor, "b"]
Maps = Float[Tensor, "b *side"]


def scores(model: nn.Module, x: Images, t: Classes) -> Float[Tensor, "b"]:
    """The output for class t of each image, before any softmax."""
    return answer(model, x).gather(1, t[:, None])[:, 0]


def slopes(model: nn.Module, x: Images, t: Classes) -> Images:
    """The gradient of each image's score by its pixels; the weights get none."""
    with torch.enable_grad(), resting(model):
        x = leaf(x)
        return slope(scores(model, x, t).sum(), x)


def saliency(model: nn.Module, x: Images, t: Classes) -> Maps:
    """The steepest of the channels at each pixel: max over c of |d score / d x_c|.

    Source: Simonyan et al. 2014, section 3.1.
    """
    return slopes(model, x, t).abs().amax(1)


def integrated_gradients(
    model: nn.Module, x: Images, t: Classes, base: Images | None = None, steps: int = 64
) -> Images:
    """(x - base) times the mean gradient on the straight line from `base` to x.

    The values of an image sum to the difference of its score from that of the base, up to what
    the midpoint rule leaves out.

    Source: Sundararajan et al. 2017, equation 1.

    Args:
        base: an image that says nothing; zeros by default, the mean of standardised images.
    """
    base = torch.zeros_like(x) if base is None else base
    total = torch.zeros_like(x)
    for i in range(steps):
        total += slopes(model, base + (i + 0.5) / steps * (x - base), t)
    return (x - base) * total / steps


def grad_cam(model: nn.Module, x: Images, t: Classes, layer: str) -> Maps:
    """relu(sum over k of a_k A_k), a_k the mean gradient of map A_k, enlarged to the image.

    Source: Selvaraju et al. 2017, equations 1 and 2.

    Args:
        layer: whose maps; as a rule the last with places.

    Raises:
        UsageError: no such layer, or one without places.
    """
    with torch.enable_grad(), last_answer(model, layer) as last:
        score = scores(model, leaf(x), t).sum()
    maps = last.value.detach()
    if maps.ndim != x.ndim:
        raise UsageError(f"The outputs of '{layer}' are not maps: choose a layer before it.")
    a = last.gradient(score).flatten(2).mean(2)
    cam = torch.einsum("bk,bk...->b...", a, maps).relu()
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[x.ndim - 2]
    return F.interpolate(cam[:, None], x.shape[2:], mode=mode, align_corners=False)[:, 0]


@torch.no_grad()
def occlusion(
    model: nn.Module, x: Images, t: Classes, patch: int = 7, stride: int = 3, value: float = 0.0
) -> Maps:
    """The mean fall of the score where a pixel lies under a square of one `value`.

    Source: Zeiler and Fergus 2014, section 4.2.
    """
    fall, times = torch.zeros_like(x[:, 0]), torch.zeros_like(x[:1, 0])
    with resting(model):
        whole = scores(model, x, t)
        for corner in _corners(x.shape[2:], patch, stride):
            place = index_last(slice(at, at + patch) for at in corner)
            covered = x.clone()
            covered[place] = value
            lost = whole - scores(model, covered, t)
            fall[place] += lost.view(-1, *[1] * (x.ndim - 2))
            times[place] += 1
    return fall / times


def _corners(sides: Sequence[int], patch: int, stride: int) -> list[list[int]]:
    """Corners of the squares, chosen so that every pixel is under one."""
    corners: list[list[int]] = [[]]
    for side in sides:
        last = max(0, side - patch)
        starts = [*range(0, last, stride), last]
        corners = [[*before, at] for before in corners for at in starts]
    return corners


@dataclass(frozen=True)
class Shares:
    """The share of each image's attribution that lies outside a mask.

    Attributes:
        outside: the share of all |attribution|; NaN where there is none, or no mask.
        area: the share of the pixels, which is what attribution spread evenly would have there.
    """

    outside: Float[Tensor, "b"]
    area: Float[Tensor, "b"]

    @property
    def density(self) -> Float[Tensor, "b"]:
        """Attribution a pixel outside over that of all pixels: 1 where it is spread evenly."""
        return self.outside / self.area


def share_outside(maps: Float[Tensor, "b *any"], masks: Bool[Tensor, "b *side"]) -> Shares:
    """The share of attribution outside masks.

    Args:
        maps: with or without channels, whose sizes are added.
        masks: of the things; an image whose mask is empty has no share.
    """
    sizes = maps.abs() if maps.ndim == masks.ndim else maps.abs().sum(1)
    sizes, out = sizes.flatten(1), ~masks.flatten(1)
    outside = (sizes * out).sum(1) / sizes.sum(1)
    return Shares(outside.where(~out.all(1), torch.nan), out.to(maps.dtype).mean(1))


def attention(
    model: nn.Module,
    x: Images,
    t: Classes,
    masks: Bool[Tensor, "b *side"],
    layer: str = "",
    steps: int = 64,
    patch: int = 7,
) -> Mapping[str, Shares]:
    """The share outside masks by three independent attribution methods.

    Of integrated gradients all values count; of Grad-CAM and of occlusion those that speak for
    the class.

    Args:
        layer: for Grad-CAM, which is left out without one.
        steps: of integrated gradients.
        patch: side of the squares of occlusion, which are moved by half of it.
    """
    maps = {"integrated gradients": integrated_gradients(model, x, t, steps=steps)}
    if layer:
        maps["Grad-CAM"] = grad_cam(model, x, t, layer)
    maps["occlusion"] = occlusion(model, x, t, patch, max(1, patch // 2)).clamp(min=0)
    return {name: share_outside(one, masks) for name, one in maps.items()}
