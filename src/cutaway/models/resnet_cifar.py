"""Residual and plain networks for images of 32 x 32 pixels, 20 to 1202 layers deep."""

from functools import partial

from torch import nn

from cutaway.models.parts.checkpointed import Checkpointed
from cutaway.models.registry import Size, register
from cutaway.models.resnet import Basic, Block, Plain, Residual, ResNet, ZeroPad

# The paper's table 6 prints 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million. Shortcut A has no
# parameters, so that a plain network has as many as the residual one beside it.
PARAMETERS = {
    20: 269_722,
    32: 464_154,
    44: 658_586,
    56: 853_018,
    110: 1_727_962,
    1202: 19_421_274,
}


def small_images(
    depth: int, channels: int, classes: int, block: Block, checkpointed: bool
) -> ResNet:
    """A 3x3 convolution, three stages of n blocks with 16, 32 and 64 maps: 6n + 2 layers.

    Source: He et al. 2015, section 4.2.

    Args:
        checkpointed: computes activations again in the backward pass and so needs less memory.
    """
    n = (depth - 2) // 6
    stem = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    )
    stage = Checkpointed if checkpointed else nn.Sequential
    net = ResNet(stem, 16, (16, 32, 64), (n, n, n), classes, block, stage)
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = checkpointed  # a third of the memory: the heap gets fewer holes
    return net


def register_depth(kind: str, depth: int, block: Block, checkpointed: bool) -> None:
    """Register one depth of one kind."""

    @register(
        f"{kind.lower()}{depth}",
        title=f"{kind}-{depth} for small images",
        source="He et al. 2015, section 4.2",
        data="cifar10",
        example=(3, 10, 32),
        min_size=8,
        parameters=PARAMETERS[depth],
    )
    def build(channels: int, classes: int, size: Size, checkpoint: bool = checkpointed) -> ResNet:
        """`checkpoint` trades a third more time for the square root of the memory."""
        return small_images(depth, channels, classes, block, checkpoint)


for _depth in PARAMETERS:
    register_depth(
        "ResNet", _depth, partial(Residual, F=Basic, shortcut=ZeroPad), checkpointed=_depth > 1000
    )
for _depth in (20, 32, 44, 56, 110):
    register_depth("Plain", _depth, Plain, checkpointed=False)
