"""EfficientNet-Lite0: a network of depthwise convolutions, found by architecture search.

Source: Tan and Le 2019, 'EfficientNet', table 1; its Lite form is TensorFlow's (2020): ReLU6 in
place of swish and no squeeze-and-excitation, so that eight bits hold every value.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.models.efficientnet import TABLE
from cutaway.models.efficientnet_weights import installed_file, package_name
from cutaway.models.inverted_residual import MobileNet, scaled_stages
from cutaway.models.mobile_names import TOP, timm_names
from cutaway.models.registry import Counterpart, Size, Weights, register

STAGES = scaled_stages(TABLE, 32, nn.ReLU6)


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


def conv_norm(c_in: int, c_out: int, k: int, s: int, groups: int) -> nn.Sequential:
    """norm(x * u), with the normalisation of TensorFlow: eps 1e-3, 0.99 of the old statistics."""
    return nn.Sequential(
        SamePadConv2d(c_in, c_out, k, s, groups), nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.01)
    )


@register(
    "efficientnet_lite0",
    title="EfficientNet-Lite0, small enough to fine-tune without an accelerator",
    source="Tan and Le 2019, table 1, in TensorFlow's Lite form",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=4_652_008,
    counterparts=(Counterpart("timm", "tf_efficientnet_lite0", timm_names(STAGES, TOP), "in1k"),),
    # Pixels of 0..255 as (x - 127) / 128, in TensorFlow's efficientnet_lite_builder.py.
    weights=Weights(installed_file, package_name, (127 / 255,) * 3, (128 / 255,) * 3, 224),
)
def efficientnet_lite0(channels: int, classes: int, size: Size, dropout: float = 0.2) -> MobileNet:
    """`dropout` is the share of the 1280 means that are left out while it learns."""
    return MobileNet(
        channels, classes, STAGES, 1280, conv_norm=conv_norm, tau=nn.ReLU6, dropout=dropout
    )
