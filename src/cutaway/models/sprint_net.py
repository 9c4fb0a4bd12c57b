"""A network that learns in seconds: whitened patches, then stages that pool before the norm."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.mlp import read_widths
from cutaway.models.registry import Size, register


def kernel(c_in: int, c_out: int) -> nn.Conv2d:
    """3x3; the first c_in maps begin as copies of the input, so that depth costs nothing at first.

    Source: Jordan 2024, arXiv:2404.00498, section 3.3.
    """
    u = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
    nn.init.dirac_(u.weight[:c_in])
    return u


class ShiftNorm(nn.BatchNorm2d):
    """y = (x - mean) / std + 8 b, whose shift learns 64 times as fast as b by itself would.

    The gradient of b is 8 times that of the shift, and a step of b moves the shift 8 times as far,
    which needs no second learning rate. The scale is 1.

    Source: Jordan 2024, arXiv:2404.00498, section 3.4, for the 64; the averages follow quickly
    (momentum 0.4, as there), because a training is short.
    """

    def __init__(self, maps: int):
        super().__init__(maps, momentum=0.4, affine=False)
        self.b = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return super().forward(x) + 8 * self.b[:, None, None]


class SprintStage(nn.Module):
    """z1 = tau(norm1(pool(x * u1))), z = tau(norm2(z1 * u2)): half the side, c_out maps."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.u1, self.u2 = kernel(c_in, c_out), kernel(c_out, c_out)
        self.norm1, self.norm2 = ShiftNorm(c_out), ShiftNorm(c_out)
        self.pool, self.tau = nn.MaxPool2d(2), nn.ReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        z1 = self.tau(self.norm1(self.pool(self.u1(x))))
        return self.tau(self.norm2(self.u2(z1)))


class SprintNet(nn.Module):
    """Patches of 2x2 pixels, the stages, the largest value of each map, the classes.

    `patches` has two kernels for each number of a patch, which is room for what `--init whiten`
    puts there: a whitening matrix and its negative.

    Source: after Jordan 2024, arXiv:2404.00498, section 3 and appendix A.

    Args:
        widths: maps of each stage.
        stride: of the patches; 1 as in the source, 2 has a quarter of the work.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int], stride: int):
        super().__init__()
        self.patches = nn.Conv2d(channels, 8 * channels, 2, stride)
        self.tau = nn.ReLU()
        sizes = [8 * channels, *widths]
        self.stages = nn.Sequential(*(SprintStage(a, b) for a, b in pairwise(sizes)))
        self.largest = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()
        self.output = nn.Linear(sizes[-1], classes, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        z = self.stages(self.tau(self.patches(x)))
        return self.output(self.flatten(self.largest(z))) / 9


@register(
    "sprint_net",
    title="whitened patches and three stages, made to learn in seconds",
    source="after Jordan 2024, arXiv:2404.00498, section 3",
    data="cifar10",
    example=(3, 10, 32),
    min_size=16,
    parameters=569_016,
)
def sprint_net(
    channels: int,
    classes: int,
    size: Size,
    widths: str | int | Sequence[int] = "64-128-128",
    stride: int = 2,
) -> SprintNet:
    """For processors; on a GPU `widths=64-256-256 stride=1`, as in the source."""
    return SprintNet(channels, classes, read_widths(widths), stride)
