"""Inverted residuals, wide inside and narrow outside: the blocks of MobileNets, EfficientNets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

Maps = Float[Tensor, "b c h w"]
ConvNorm = Callable[[int, int, int, int, int], nn.Sequential]
"""Builds norm(x * u) from the maps in and out, the side of the kernel, the stride and groups."""
Activation = Callable[[], nn.Module]
Gate = Callable[[int, int], nn.Module]
"""Builds what scales maps from their number and that of a few between."""


@dataclass(frozen=True)
class Shape:
    """The shape of a block.

    Attributes:
        wide: maps inside.
        side: of the depthwise kernels.
        tau: follows the widening and the depthwise convolution.
        narrow: maps that the gate computes with; 0 for a block without a gate.
    """

    c_in: int
    wide: int
    c_out: int
    side: int
    stride: int
    tau: Activation
    narrow: int = 0

    @property
    def parts(self) -> list[str]:
        """The names of its parts, in order."""
        there = {"expand": self.wide != self.c_in, "depthwise": True, "gate": self.narrow > 0}
        return [part for part, has in there.items() if has] + ["project"]


class SqueezeExcitation(nn.Module):
    """y = x sigma(tau(mean(x) u_1 + b_1) u_2 + b_2): maps scaled by what all of them hold.

    Source: Hu et al. 2018, 'Squeeze-and-excitation networks', equations 2 to 4.

    Args:
        narrow: maps between u_1 and u_2.
        sigma: gives values between 0 and 1.
    """

    def __init__(
        self, maps: int, narrow: int, tau: Activation = nn.SiLU, sigma: Activation = nn.Sigmoid
    ):
        super().__init__()
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(maps, narrow, 1)
        self.tau = tau()
        self.excite = nn.Conv2d(narrow, maps, 1)
        self.sigma = sigma()

    def forward(self, x: Maps) -> Maps:
        return x * self.sigma(self.excite(self.tau(self.squeeze(self.mean(x)))))


class InvertedResidual(nn.Module):
    """y = x + gate(tau(tau(x * e) * d)) * p: wide inside, narrow between blocks.

    e widens with 1x1 kernels, d has one kernel a map, p narrows and is linear, since a ReLU would
    lose what little the narrow maps hold. x is added where y has its shape. Without widening there
    is no e, and many blocks have no gate.

    Source: Sandler et al. 2018, 'MobileNetV2', section 3 and figure 4, each convolution normalised;
    Howard et al. 2019, 'MobileNetV3', figure 4, for the gate.
    """

    def __init__(self, shape: Shape, conv_norm: ConvNorm, gate: Gate = SqueezeExcitation):
        super().__init__()
        c_in, wide, tau = shape.c_in, shape.wide, shape.tau
        widens = "expand" in shape.parts
        self.expand = conv_norm(c_in, wide, 1, 1, 1).append(tau()) if widens else nn.Identity()
        self.depthwise = conv_norm(wide, wide, shape.side, shape.stride, wide).append(tau())
        self.gate = gate(wide, shape.narrow) if shape.narrow else nn.Identity()
        self.project = conv_norm(wide, shape.c_out, 1, 1, 1)
        self.same = shape.stride == 1 and c_in == shape.c_out

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        f = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + f if self.same else f

    @property
    def branch(self) -> nn.Module | None:
        """The module that gives what is added to x; None where x is not."""
        return self.project if self.same else None


class MobileNet(nn.Module):
    """A stem, stages of inverted residuals, `top` maps, their means, a classifier.

    Args:
        stages: the blocks of each.
        tau: follows the stem and the last convolution, and what is `hidden`.
        hidden: nodes of a layer before the output; 0 for none.
        dropout: share of what reaches the output that is left out while it learns.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        stages: Sequence[Sequence[Shape]],
        top: int,
        *,
        conv_norm: ConvNorm,
        tau: Activation,
        gate: Gate = SqueezeExcitation,
        hidden: int = 0,
        dropout: float,
    ):
        super().__init__()
        first, last = stages[0][0].c_in, stages[-1][-1].c_out
        self.stem = conv_norm(channels, first, 3, 2, 1).append(tau())
        self.stages = nn.Sequential(
            *(
                nn.Sequential(*(InvertedResidual(shape, conv_norm, gate) for shape in stage))
                for stage in stages
            )
        )
        self.top = conv_norm(last, top, 1, 1, 1).append(tau())
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dense = nn.Sequential(nn.Linear(top, hidden), tau()) if hidden else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden or top, classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        z = self.flatten(self.mean(self.top(self.stages(self.stem(x)))))
        return self.output(self.dropout(self.dense(z)))


def conv_norm(
    c_in: int, c_out: int, side: int, stride: int, groups: int, eps: float = 1e-5,
    momentum: float = 0.1,
) -> nn.Sequential:  # fmt: skip
    """norm(x * u), as many pixels out as in where the stride is 1; u after He et al. 2015."""
    convolution = nn.Conv2d(c_in, c_out, side, stride, padding=side // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
    return nn.Sequential(convolution, nn.BatchNorm2d(c_out, eps, momentum))


def scaled_stages(
    table: Sequence[tuple[int, int, int, int, int]], c_in: int, tau: Activation, squeezed: int = 0
) -> list[list[Shape]]:
    """The blocks of stages as the papers' tables have them: t, k, s, maps, blocks.

    t says how much wider a block is inside, k is the side of its depthwise kernels, s the stride of
    a stage's first block. With `squeezed`, each has a gate with that share of the maps it takes.
    """
    stages = []
    for t, k, s, maps, blocks in table:
        ends = [(c_in, s)] + [(maps, 1)] * (blocks - 1)
        stages.append(
            [Shape(c, t * c, maps, k, stride, tau, c // squeezed if squeezed else 0)
             for c, stride in ends]
        )  # fmt: skip
        c_in = maps
    return stages
