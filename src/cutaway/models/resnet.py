"""Residual networks: y = relu(F(x) + x)."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.models.registry import Size, register

Maps = Float[Tensor, "b c h w"]


class ZeroPad(nn.Module):
    """Shortcut A: every `stride`-th pixel, new channels zero; it has no parameters.

    Source: He et al. 2015, section 3.3.
    """

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.stride, self.new = stride, c_out - c_in

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


class Projection(nn.Sequential):
    """Shortcut B: a 1x1 convolution, normalised."""

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


class Residual(nn.Module):
    """F(x) = tau(x * w1) * w2, y = tau(F(x) + x); each convolution is batch-normalised.

    Source: He et al. 2015, figure 2; textbook ch. 4.4.4.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, shortcut: type[nn.Module]):
        super().__init__()
        self.w1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.w2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else shortcut(c_in, c_out, stride)
        self.tau = nn.ReLU()

    def forward(self, x: Maps) -> Float[Tensor, "b k h2 w2"]:
        f = self.norm2(self.w2(self.tau(self.norm1(self.w1(x)))))
        return self.tau(f + self.shortcut(x))


class ResNet(nn.Module):
    """A stem, stages of residual blocks that halve the side and widen, the mean, a classifier.

    Args:
        stem: what comes before the first stage; gives widths[0] maps.
        widths: maps of each stage.
        depths: blocks of each stage.
    """

    def __init__(
        self,
        stem: nn.Module,
        widths: Sequence[int],
        depths: Sequence[int],
        classes: int,
        shortcut: type[nn.Module],
    ):
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential()
        c_in = widths[0]
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            strides = [1 if i == 0 else 2] + [1] * (depth - 1)
            ins = [c_in] + [width] * (depth - 1)
            pairs = zip(ins, strides, strict=True)
            self.stages.append(nn.Sequential(*(Residual(a, width, s, shortcut) for a, s in pairs)))
            c_in = width
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(c_in, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.classifier(self.flatten(self.mean(self.stages(self.stem(x)))))


@register(
    "resnet20",
    title="ResNet-20 for small images",
    source="He et al. 2015, section 4.2",
    head="classifier",
    data="cifar10",
    example=(3, 10, 32),
    least=8,
    parameters=269_722,  # the paper's table 6 prints 0.27 M
)
def resnet20(channels: int, classes: int, size: Size) -> ResNet:
    """Three stages of three blocks with 16, 32 and 64 maps; shortcut A."""
    stem = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    )
    return ResNet(stem, (16, 32, 64), (3, 3, 3), classes, ZeroPad)


@register(
    "resnet18",
    title="ResNet-18 for photographs",
    source="He et al. 2015, table 1",
    head="classifier",
    data="rocks",
    example=(3, 1000, 224),
    least=32,
    parameters=11_689_512,
)
def resnet18(channels: int, classes: int, size: Size) -> ResNet:
    """Four stages of two blocks with 64, 128, 256 and 512 maps; shortcut B."""
    stem = nn.Sequential(
        nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    return ResNet(stem, (64, 128, 256, 512), (2, 2, 2, 2), classes, Projection)
