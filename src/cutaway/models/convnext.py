"""ConvNeXt: a residual network with what transformers do otherwise, without attention."""

import re
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.registry import Counterpart, Size, register

Maps = Float[Tensor, "b c h w"]
WIDTHS, DEPTHS = (96, 192, 384, 768), (3, 3, 9, 3)


class ChannelNorm(nn.LayerNorm):
    """norm(x): at each pixel, its channels with mean 0 and variance 1, scaled and shifted.

    Source: Ba et al. 2016, 'Layer normalization', equation 4.
    """

    def __init__(self, maps: int):
        super().__init__(maps, eps=1e-6)

    def forward(self, x: Maps) -> Maps:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """y = x + a (gelu(norm(x * d) u_1 + b_1) u_2 + b_2): two dense layers a pixel, 7x7 before.

    d has one 7x7 kernel a map, norm is over the maps of a pixel, a is a number a map, small at
    first.

    Source: Liu et al. 2022, 'A ConvNet for the 2020s', figure 4; Touvron et al. 2021, 'Going
    deeper with image transformers', equation 4, for a.
    """

    def __init__(self, maps: int):
        super().__init__()
        self.a = nn.Parameter(torch.full((maps,), 1e-6))
        self.d = nn.Conv2d(maps, maps, 7, padding=3, groups=maps)
        self.norm = nn.LayerNorm(maps, eps=1e-6)
        self.u1 = nn.Linear(maps, 4 * maps)
        self.gelu = nn.GELU()
        self.u2 = nn.Linear(4 * maps, maps)

    def forward(self, x: Maps) -> Maps:
        z = self.norm(self.d(x).permute(0, 2, 3, 1))
        f = self.a * self.u2(self.gelu(self.u1(z)))
        return x + f.permute(0, 3, 1, 2)

    @property
    def branch(self) -> nn.Module:
        """The module that gives what, scaled by a, is added to x."""
        return self.u2


class ConvNeXt(nn.Module):
    """Patches of 4x4 pixels, stages of blocks that halve the side between, the mean, the output.

    Source: Liu et al. 2022, table 9.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int], depths: Sequence[int]):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(channels, widths[0], 4, 4), ChannelNorm(widths[0]))
        self.shrink = nn.ModuleList([stem])
        for c_in, maps in pairwise(widths):
            self.shrink.append(nn.Sequential(ChannelNorm(c_in), nn.Conv2d(c_in, maps, 2, 2)))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(maps) for _ in range(depth)))
            for maps, depth in zip(widths, depths, strict=True)
        )
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.output = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Maps) -> Float[Tensor, "b classes"]:
        for shrink, stage in zip(self.shrink, self.stages, strict=True):
            x = stage(shrink(x))
        return self.output(self.norm(self.flatten(self.mean(x))))


def torchvision_name(name: str) -> str:
    """Torchvision's name for our parameter: stages and what is between them are counted as one."""
    parts = {
        "a": "layer_scale",
        "d": "block.0",
        "norm": "block.2",
        "u1": "block.3",
        "u2": "block.5",
    }
    name = re.sub(r"^norm\b", "classifier.0", re.sub(r"^output\b", "classifier.2", name))
    name = re.sub(r"^shrink\.(\d)", lambda at: f"features.{2 * int(at[1])}", name)
    return re.sub(
        r"^stages\.(\d)\.(\d+)\.(\w+)",
        lambda at: f"features.{2 * int(at[1]) + 1}.{at[2]}.{parts[at[3]]}", name,
    )  # fmt: skip


def timm_name(name: str) -> str:
    """timm's name for our parameter."""
    parts = {"a": "gamma", "d": "conv_dw", "norm": "norm", "u1": "mlp.fc1", "u2": "mlp.fc2"}
    name = re.sub(r"^norm\b", "head.norm", re.sub(r"^output\b", "head.fc", name))
    name = re.sub(r"^shrink\.(\d)", r"stages.\1.downsample", name)
    name = name.replace("stages.0.downsample", "stem")
    return re.sub(
        r"^stages\.(\d)\.(\d+)\.(\w+)",
        lambda at: f"stages.{at[1]}.blocks.{at[2]}.{parts[at[3]]}", name,
    )  # fmt: skip


@register(
    "convnext_tiny",
    title="ConvNeXt-T, a convolutional network in the manner of transformers",
    source="Liu et al. 2022, table 9",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=28_589_128,  # of the published weights; the paper's table 1 prints 29 million
    counterparts=(
        Counterpart("torchvision", "convnext_tiny", torchvision_name),
        Counterpart("timm", "convnext_tiny", timm_name, "fb_in1k"),
    ),
)
def convnext_tiny(channels: int, classes: int, size: Size) -> ConvNeXt:
    return ConvNeXt(channels, classes, WIDTHS, DEPTHS)
