"""Residual networks: y = tau(F(x) + x), and the plain ones, y = tau(F(x)), beside them."""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

Maps = Float[Tensor, "b c h w"]
Block = Callable[[int, int, int], nn.Module]
"""A function that builds a block from the numbers of maps in and out, and the stride."""


class ZeroPad(nn.Module):
    """Shortcut A: every `stride`-th pixel, new channels zero; it has no parameters.

    Source: He et al. 2015, section 3.3.
    """

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.stride, self.new = stride, c_out - c_in

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


class Projection(nn.Sequential):
    """Shortcut B: a 1x1 convolution, normalised."""

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


class Basic(nn.Module):
    """F(x) = tau(x * w1) * w2; each convolution is batch-normalised.

    Source: He et al. 2015, figure 2; textbook ch. 4.4.4.
    """

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.w1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.w2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.tau = nn.ReLU()

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        return self.norm2(self.w2(self.tau(self.norm1(self.w1(x)))))


class Bottleneck(nn.Module):
    """F(x) = tau(tau(x * w1) * w2) * w3: 1x1 to a quarter of the maps, 3x3, 1x1 back.

    The stride is on the 3x3, where published weights have it; the paper has it on the first 1x1.

    Source: He et al. 2015, figure 5.
    """

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        narrow = c_out // 4
        self.w1 = nn.Conv2d(c_in, narrow, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(narrow)
        self.w2 = nn.Conv2d(narrow, narrow, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(narrow)
        self.w3 = nn.Conv2d(narrow, c_out, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(c_out)
        self.tau = nn.ReLU()

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        x = self.tau(self.norm1(self.w1(x)))
        x = self.tau(self.norm2(self.w2(x)))
        return self.norm3(self.w3(x))


class Plain(nn.Module):
    """y = tau(F(x)): a block without its shortcut."""

    def __init__(self, c_in: int, c_out: int, stride: int, F: Block = Basic):
        super().__init__()
        self.F = F(c_in, c_out, stride)
        self.tau = nn.ReLU()

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        return self.tau(self.F(x))


class Residual(nn.Module):
    """y = tau(F(x) + x), where x passes a shortcut if F changes its shape (equations 1 and 2)."""

    def __init__(self, c_in: int, c_out: int, stride: int, F: Block, shortcut: Block):
        super().__init__()
        self.F = F(c_in, c_out, stride)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else shortcut(c_in, c_out, stride)
        self.tau = nn.ReLU()

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        return self.tau(self.F(x) + self.shortcut(x))

    @property
    def branch(self) -> nn.Module:
        """The module that gives what is added to x."""
        return self.F


class ResNet(nn.Module):
    """A stem, stages of blocks that halve the side and widen, the mean, the output.

    Args:
        stem: what comes before the first stage; gives `c_in` maps.
        widths: maps of each stage.
        depths: blocks of each stage.
        stage: holds a stage's blocks, which follow each other.
    """

    def __init__(
        self,
        stem: nn.Module,
        c_in: int,
        widths: Sequence[int],
        depths: Sequence[int],
        classes: int,
        block: Block,
        stage: type[nn.Sequential] = nn.Sequential,
    ):
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential()
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            first = block(c_in, width, 1 if i == 0 else 2)
            self.stages.append(stage(first, *(block(width, width, 1) for _ in range(depth - 1))))
            c_in = width
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.output = nn.Linear(c_in, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.output(self.flatten(self.mean(self.stages(self.stem(x)))))
