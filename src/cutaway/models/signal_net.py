"""A convolutional network for signals: one axis."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.registry import Size, register

Maps = Float[Tensor, "b c n"]


class Stage(nn.Module):
    """pool(relu(norm(s))), s(i) = sum over x of z(i + x) u(x) (equation 4.10)."""

    def __init__(self, c_in: int, c_out: int, h: int):
        super().__init__()
        self.u = nn.Conv1d(c_in, c_out, h, padding=h // 2, bias=False)
        self.norm = nn.BatchNorm1d(c_out)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool1d(2, ceil_mode=True)

    def forward(self, z: Maps) -> Float[Tensor, "b k n2"]:
        return self.pool(self.relu(self.norm(self.u(z))))


class SignalNet(nn.Module):
    """Stages that halve the length and double the maps, the mean over what is left, a classifier.

    The mean makes one set of parameters fit signals of any length.

    Args:
        widths: maps of each stage.
        h: length of a kernel.
    """

    def __init__(self, channels: int, classes: int, widths: Sequence[int], h: int):
        super().__init__()
        self.stages = nn.Sequential(*(Stage(a, b, h) for a, b in pairwise([channels, *widths])))
        self.mean = nn.AdaptiveAvgPool1d(1)
        self.flatten = nn.Flatten()
        self.output = nn.Linear(widths[-1], classes)
        for stage in self.stages:
            nn.init.kaiming_normal_(stage.u.weight, nonlinearity="relu")  # type: ignore[arg-type,union-attr]

    def forward(self, x: Maps) -> Float[Tensor, "b classes"]:
        return self.output(self.flatten(self.mean(self.stages(x))))


@register(
    "signal_net",
    title="1-D convolution for signals of any length",
    source="textbook ch. 4.3.1, equation 4.10",
    data="waveforms",
    example=(1, 4, (128,)),
    rank=1,
)
def signal_net(channels: int, classes: int, size: Size, width: int = 16) -> SignalNet:
    """Three stages of `width`, twice and four times as many maps, with kernels of seven."""
    return SignalNet(channels, classes, (width, 2 * width, 4 * width), 7)
