"""Residual and plain networks for photographs, 18 to 152 layers deep."""

from functools import partial

from torch import nn

from cutaway.models.registry import Counterpart, Size, register
from cutaway.models.resnet import Basic, Block, Bottleneck, Plain, Projection, Residual, ResNet

BASIC, WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)

# The paper's table 1: blocks of each stage. It counts no parameters; these are the counts of the
# published weights, and for the plain networks those less what the projections hold.
RESNETS = {
    18: (Basic, BASIC, (2, 2, 2, 2), 11_689_512),
    34: (Basic, BASIC, (3, 4, 6, 3), 21_797_672),
    50: (Bottleneck, WIDE, (3, 4, 6, 3), 25_557_032),
    101: (Bottleneck, WIDE, (3, 4, 23, 3), 44_549_160),
    152: (Bottleneck, WIDE, (3, 8, 36, 3), 60_192_808),
}
TAGS = {18: "a1_in1k", 34: "a1_in1k", 50: "a1_in1k", 101: "a1h_in1k", 152: "a1h_in1k"}
PLAINS = {18: 11_515_688, 34: 21_623_848}

# What torchvision calls otherwise; timm has the same names.
TORCHVISION_NAMES = {
    "stem.0": "conv1",
    "stem.1": "bn1",
    **{f"stages.{i}": f"layer{i + 1}" for i in range(4)},
    ".F.w": ".conv",
    ".F.norm": ".bn",
    ".shortcut": ".downsample",
    "output": "fc",
}


def torchvision_name(name: str) -> str:
    """Torchvision's name for our parameter or buffer."""
    for here, there in TORCHVISION_NAMES.items():
        name = name.replace(here, there)
    return name


def photographs(
    channels: int,
    classes: int,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    block: Block,
) -> ResNet:
    """A 7x7 convolution and a pooling, which leave a quarter of the side, then four stages.

    Source: He et al. 2015, table 1.
    """
    stem = nn.Sequential(
        nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    return ResNet(stem, 64, widths, depths, classes, block)


ABOUT = {"data": "rocks", "example": (3, 1000, 224), "min_size": 32}


def register_resnet(depth: int) -> None:
    """Register a residual network."""
    body, widths, depths, parameters = RESNETS[depth]

    @register(
        f"resnet{depth}",
        title=f"ResNet-{depth} for photographs",
        source="He et al. 2015, table 1",
        parameters=parameters,
        counterparts=(
            Counterpart("torchvision", f"resnet{depth}", torchvision_name),
            Counterpart("timm", f"resnet{depth}", torchvision_name, TAGS[depth]),
        ),
        **ABOUT,
    )
    def build(channels: int, classes: int, size: Size) -> ResNet:
        block = partial(Residual, F=body, shortcut=Projection)
        return photographs(channels, classes, widths, depths, block)


def register_plain(depth: int) -> None:
    """Register the same network without shortcuts."""
    _, widths, depths, _ = RESNETS[depth]

    @register(
        f"plain{depth}",
        title=f"Plain-{depth} for photographs",
        source="He et al. 2015, table 1 and figure 3",
        parameters=PLAINS[depth],
        **ABOUT,
    )
    def build(channels: int, classes: int, size: Size) -> ResNet:
        return photographs(channels, classes, widths, depths, Plain)


for _depth in RESNETS:
    register_resnet(_depth)
for _depth in PLAINS:
    register_plain(_depth)
