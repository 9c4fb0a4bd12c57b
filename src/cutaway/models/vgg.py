"""VGG: 3x3 convolutions only; the side halved and the maps doubled five times."""

import re
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.parts.initialisers import initialise
from cutaway.models.registry import Counterpart, Size, register

WIDTHS = (64, 128, 256, 512, 512)
# Table 1's columns A, B, D and E: convolutions of each stage; table 2 prints 133, 133, 138 and
# 144 million parameters.
CONFIGURATIONS = {
    11: ((1, 1, 2, 2, 2), 132_863_336),
    13: ((2, 2, 2, 2, 2), 133_047_848),
    16: ((2, 2, 3, 3, 3), 138_357_544),
    19: ((2, 2, 4, 4, 4), 143_667_240),
}


def features(channels: int, depths: Sequence[int], norm: bool) -> nn.Sequential:
    """Stages of z = pool(relu(... relu(x * u_1 + b_1) * u_2 + b_2 ...)), all in one row."""
    layers: list[nn.Module] = []
    c_in = channels
    for width, depth in zip(WIDTHS, depths, strict=True):
        for _ in range(depth):
            layers.append(nn.Conv2d(c_in, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers.append(nn.ReLU())
            c_in = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Convolutions, 7x7 maps, two dense layers of `width` nodes with dropout, the output.

    Source: Simonyan and Zisserman 2015, table 1. First weights: He et al. 2015, equation 10, with
    which such networks learn in one go; the paper trained the shallow ones first.

    Args:
        depths: convolutions of each stage.
        norm: normalises each convolution over the batch (Ioffe and Szegedy 2015).
    """

    def __init__(self, channels: int, classes: int, depths: Sequence[int], width: int, norm: bool):
        super().__init__()
        self.features = features(channels, depths, norm)
        self.pool = nn.AdaptiveAvgPool2d(7)  # the identity for images of 224 x 224
        self.flatten = nn.Flatten()
        self.dense = nn.Sequential(
            nn.Linear(512 * 7 * 7, width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.output = nn.Linear(width, classes)
        initialise(self, "he")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        z = self.pool(self.features(x))
        return self.output(self.dense(self.flatten(z)))


def torchvision_name(name: str) -> str:
    """Torchvision's name for our parameter or buffer: its `classifier` ends with our `output`."""
    return name.replace("dense.", "classifier.").replace("output.", "classifier.6.")


def timm_name(name: str) -> str:
    """timm's name: it writes the first two dense layers as convolutions over all that there is."""
    dense = {"0": "pre_logits.fc1", "3": "pre_logits.fc2", "6": "head.fc"}
    return re.sub(r"^classifier\.([036])\b", lambda match: dense[match[1]], torchvision_name(name))


def register_depth(depth: int) -> None:
    """Register one depth."""
    depths, parameters = CONFIGURATIONS[depth]

    @register(
        f"vgg{depth}",
        title=f"VGG-{depth}",
        source="Simonyan and Zisserman 2015, table 1",
        data="rocks",
        example=(3, 1000, 224),
        min_size=32,
        parameters=parameters,
        counterparts=(
            Counterpart("torchvision", f"vgg{depth}", torchvision_name, also=(f"vgg{depth}_bn",)),
            Counterpart("timm", f"vgg{depth}", timm_name, "tv_in1k", (f"vgg{depth}_bn",)),
        ),
    )
    def build(
        channels: int, classes: int, size: Size, width: int = 4096, norm: bool = False
    ) -> VGG:
        """`width` nodes in the dense layers: fewer will do for few classes."""
        return VGG(channels, classes, depths, width, norm)


for _depth in CONFIGURATIONS:
    register_depth(_depth)
