"""Occlusion maps: the picture is covered square by square, and the network asked again."""

import base64
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from cutaway.learn import image_grid
from cutaway.see.attribution import occlusion

PATCHES = 5
"""Squares per side, about; the square moves by half of itself."""
MIN_PROBABILITY = 1e-12

Answer = Callable[[UInt8[np.ndarray, "h w c"]], Float[np.ndarray, "k"]]


class _LogProbabilities(nn.Module):
    """Log probabilities of pictures that have the mean colour subtracted, one picture a call."""

    def __init__(self, answer: Answer, mean: Float[Tensor, "c 1 1"]):
        super().__init__()
        self._answer, self._mean = answer, mean

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        pixels = (x + self._mean).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        p = [torch.from_numpy(self._answer(np.ascontiguousarray(one))) for one in pixels]
        return torch.stack(p).clamp(min=MIN_PROBABILITY).log()


def heat_map(
    answer: Answer, pixels: UInt8[np.ndarray, "h w c"], k: int, colour: Sequence[float]
) -> Float[np.ndarray, "h w"]:
    """The fall of the log probability of class k, on average, where a pixel is covered.

    It asks the network for nothing but answers, so it works on whatever answers.

    Source: Zeiler and Fergus 2014, section 4.2.

    Args:
        colour: of the cover, each channel in 0..1; as a rule the mean of the training images.
    """
    mean = 255 * torch.tensor(colour)[:, None, None]
    x = torch.from_numpy(pixels).permute(2, 0, 1) - mean
    patch = max(1, min(pixels.shape[:2]) // PATCHES)
    network, t = _LogProbabilities(answer, mean), torch.tensor([k])
    return occlusion(network, x[None], t, patch, max(1, patch // 2))[0].numpy()


def to_uint8(heat: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """The positive part of a heat map, from 0 to 255."""
    speaks = heat.clip(min=0)
    return (speaks * (255 / max(float(speaks.max()), MIN_PROBABILITY))).round().astype(np.uint8)


def png(pixels: UInt8[np.ndarray, "h w *c"]) -> str:
    """Encode a picture as PNG in base64."""
    h, w = pixels.shape[:2]
    return base64.b64encode(image_grid.png(torch.from_numpy(pixels.reshape(h, w, -1)))).decode()
