"""MobileNetV2: inverted residuals, found by thought; for telephones."""

from torch import nn

from cutaway.models.inverted_residual import MobileNet, conv_norm, scaled_stages
from cutaway.models.mobile_names import TOP, mobilenet_v2_names, timm_names
from cutaway.models.registry import Counterpart, Size, register

# Table 2: t (how much wider inside), k (kernel), s (stride), maps, blocks.
TABLE = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 3, 2, 32, 3),
    (6, 3, 2, 64, 4),
    (6, 3, 1, 96, 3),
    (6, 3, 2, 160, 3),
    (6, 3, 1, 320, 1),
)
STAGES = scaled_stages(TABLE, 32, nn.ReLU6)


@register(
    "mobilenet_v2",
    title="MobileNetV2, for telephones",
    source="Sandler et al. 2018, table 2",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=3_504_872,  # of the published weights; the paper's table 4 prints 3.4 million
    counterparts=(
        Counterpart("torchvision", "mobilenet_v2", mobilenet_v2_names(STAGES)),
        Counterpart("timm", "mobilenetv2_100", timm_names(STAGES, TOP), "ra_in1k"),
    ),
)
def mobilenet_v2(channels: int, classes: int, size: Size, dropout: float = 0.2) -> MobileNet:
    """`dropout` is the share of the 1280 means that are left out while it learns."""
    return MobileNet(
        channels, classes, STAGES, 1280, conv_norm=conv_norm, tau=nn.ReLU6, dropout=dropout
    )
