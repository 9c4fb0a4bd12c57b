"""A convolutional network for videos: three axes."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.registry import Size, register

Maps = Float[Tensor, "b c s m n"]


class Stage(nn.Module):
    """pool(relu(norm(z * u))), u a box of c*h*h*h numbers moved through s*m*n (figure 4-15(b))."""

    def __init__(self, c_in: int, c_out: int, h: int):
        super().__init__()
        self.u = nn.Conv3d(c_in, c_out, h, padding=h // 2, bias=False)
        self.norm = nn.BatchNorm3d(c_out)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool3d(2, ceil_mode=True)

    def forward(self, z: Maps) -> Float[Tensor, "b k s2 m2 n2"]:
        return self.pool(self.relu(self.norm(self.u(z))))


class VideoNet(nn.Module):
    """Stages that halve time and both sides, the mean over what is left, a classifier.

    The mean makes one set of parameters fit videos of any size.

    Args:
        widths: maps of each stage.
        h: side of a kernel, in frames and in pixels.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int], h: int):
        super().__init__()
        self.stages = nn.Sequential(*(Stage(a, b, h) for a, b in pairwise([channels, *widths])))
        self.mean = nn.AdaptiveAvgPool3d(1)
        self.flatten = nn.Flatten()
        self.output = nn.Linear(widths[-1], classes)
        for stage in self.stages:
            nn.init.kaiming_normal_(stage.u.weight, nonlinearity="relu")  # type: ignore[arg-type,union-attr]

    def forward(self, x: Maps) -> Float[Tensor, "b classes"]:
        return self.output(self.flatten(self.mean(self.stages(x))))


@register(
    "video_net",
    title="3-D convolution for videos of any size",
    source="textbook ch. 4.3.1, figure 4-15(b)",
    data="moving_digits",
    example=(1, 4, (8, 32, 32)),
    rank=3,
)
def video_net(channels: int, classes: int, size: Size, width: int = 8) -> VideoNet:
    """Three stages of `width`, twice and four times as many maps, with kernels of 3x3x3."""
    return VideoNet(channels, classes, (width, 2 * width, 4 * width), 3)
