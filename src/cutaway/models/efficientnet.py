"""EfficientNet-B0: inverted residuals with squeeze-and-excitation, found by architecture search."""

from torch import nn

from cutaway.models.inverted_residual import MobileNet, conv_norm, scaled_stages
from cutaway.models.mobile_names import TOP, timm_names, torchvision_names
from cutaway.models.registry import Counterpart, Size, register

# Table 1, stages 2 to 8: t (how much wider inside), k (kernel), s (stride), maps, blocks.
TABLE = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STAGES = scaled_stages(TABLE, 32, nn.SiLU, squeezed=4)
TORCHVISION_NAMES = torchvision_names(
    STAGES,
    lambda stage, i, k: f"features.{stage + 1}.{i}.block",
    {"top.0": "features.8.0", "top.1": "features.8.1", "output": "classifier.1"},
)


@register(
    "efficientnet_b0",
    title="EfficientNet-B0",
    source="Tan and Le 2019, table 1",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=5_288_548,  # of the published weights; the paper's table 2 prints 5.3 million
    counterparts=(
        Counterpart("torchvision", "efficientnet_b0", TORCHVISION_NAMES),
        Counterpart("timm", "efficientnet_b0", timm_names(STAGES, TOP), "ra_in1k"),
    ),
)
def efficientnet_b0(channels: int, classes: int, size: Size, dropout: float = 0.2) -> MobileNet:
    """`dropout` is the share of the 1280 means that are left out while it learns."""
    return MobileNet(
        channels, classes, STAGES, 1280, conv_norm=conv_norm, tau=nn.SiLU, dropout=dropout
    )
