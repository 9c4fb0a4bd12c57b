"""GoogLeNet: inception blocks, and two auxiliary heads that improve the gradient of early
layers."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.alexnet import ResponseNorm
from cutaway.models.parts.initialisers import initialise
from cutaway.models.registry import Size, register

Maps = Float[Tensor, "b c h w"]
Logits = Float[Tensor, "b classes"]

# Table 1: maps of 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool proj.
TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class Conv(nn.Sequential):
    """relu(x * u + b), the side kept or halved."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1):
        super().__init__(nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2), nn.ReLU())


class Inception(nn.Module):
    """y = [x * u_1, x * r_3 * u_3, x * r_5 * u_5, pool(x) * u_p], ReLU after each convolution.

    Source: Szegedy et al. 2015, figure 2b.
    """

    def __init__(self, c_in: int, widths: Sequence[int]):
        super().__init__()
        n1, r3, n3, r5, n5, p = widths
        self.u1 = Conv(c_in, n1, 1)
        self.u3 = nn.Sequential(Conv(c_in, r3, 1), Conv(r3, n3, 3))
        self.u5 = nn.Sequential(Conv(c_in, r5, 1), Conv(r5, n5, 5))
        self.up = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), Conv(c_in, p, 1))

    def forward(self, x: Maps) -> Float[Tensor, "b k h w"]:
        return torch.cat([self.u1(x), self.u3(x), self.u5(x), self.up(x)], dim=1)


class Auxiliary(nn.Module):
    """Mean pooling, 128 maps of 1x1, 1024 nodes, the output.

    Source: Szegedy et al. 2015, section 5.
    """

    def __init__(self, c_in: int, classes: int):
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)
        self.fit = nn.AdaptiveAvgPool2d(4)  # the identity for images of 224 x 224
        self.u = Conv(c_in, 128, 1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.7)
        self.output = nn.Linear(1024, classes)

    def forward(self, x: Maps) -> Logits:
        x = self.pool(x) if min(x.shape[-2:]) >= 5 else x
        z = self.relu(self.fc(self.flatten(self.u(self.fit(x)))))
        return self.output(self.dropout(z))


class GoogLeNet(nn.Module):
    """A stem, nine inception blocks in three stages, the mean, the output.

    Source: Szegedy et al. 2015, table 1 and figure 3. The paper names no first weights; He et al.
    2015 gives these.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.conv1 = Conv(channels, 64, 7, stride=2)
        self.conv2 = nn.Sequential(Conv(64, 64, 1), Conv(64, 192, 3))
        self.norm = ResponseNorm()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.inception = nn.ModuleDict()
        c_in = 192
        for name, widths in TABLE.items():
            self.inception[name] = Inception(c_in, widths)
            c_in = widths[0] + widths[2] + widths[4] + widths[5]
        self.auxiliary = nn.ModuleList([Auxiliary(512, classes), Auxiliary(528, classes)])
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.4)
        self.output = nn.Linear(c_in, classes)
        initialise(self, "he")

    def row(self, x: Maps, *names: str) -> Float[Tensor, "b k h w"]:
        """x through the named inception blocks, one after the other."""
        for name in names:
            x = self.inception[name](x)
        return x

    def forward(self, x: Maps) -> Logits | tuple[Logits, Logits, Logits]:
        """The logits; while training, also those of the auxiliary heads after 4a and 4d."""
        z1 = self.norm(self.pool(self.conv1(x)))
        z2 = self.pool(self.norm(self.conv2(z1)))
        z3 = self.pool(self.row(z2, "3a", "3b"))
        z4a = self.row(z3, "4a")
        z4d = self.row(z4a, "4b", "4c", "4d")
        z5 = self.row(self.pool(self.row(z4d, "4e")), "5a", "5b")
        s = self.output(self.dropout(self.flatten(self.mean(z5))))
        if not self.training:
            return s
        return s, self.auxiliary[0](z4a), self.auxiliary[1](z4d)


@register(
    "googlenet",
    title="GoogLeNet",
    source="Szegedy et al. 2015, table 1",
    data="rocks",
    example=(3, 1000, 224),
    min_size=32,
    parameters=13_378_280,  # 6,998,552 without the auxiliary heads, which only training uses
)
def googlenet(channels: int, classes: int, size: Size) -> GoogLeNet:
    """Nine inception blocks; while training, two auxiliary heads answer too."""
    return GoogLeNet(channels, classes)
