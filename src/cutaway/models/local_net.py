"""LeNet-5 with copied edges, pooling by a weighted mean and a layer that shares nothing."""

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.parts.layers import LocallyConnected2d, WeightedPool2d
from cutaway.models.registry import Size, register


class LocalNet(nn.Module):
    """C1-S2-L3-S4-F5-F6-output: layer by layer LeNet-5, with other means.

    C1 pads by copying the edge (the text's figure 4-7), S2 and S4 are weighted means (chapter
    4.3.2), and L3 is C3 with a kernel of its own at every place (statistics, pages 39-40). On
    28 x 28 pixels that is 100 places, so 241,600 parameters for C3's 2,416.
    """

    def __init__(self, channels: int, classes: int, size: Size):
        super().__init__()
        h, w = ((side + 1) // 2 for side in size)  # of S2's maps
        h4, w4 = ((side - 4 + 1) // 2 for side in (h, w))
        self.c1 = nn.Conv2d(channels, 6, 5, padding=2, padding_mode="replicate")
        self.s2 = WeightedPool2d(3, stride=2, padding=1)
        self.l3 = LocallyConnected2d(6, 16, 5, (h, w))
        self.s4 = WeightedPool2d(3, stride=2, padding=1)
        self.flatten = nn.Flatten()
        self.f5 = nn.Linear(16 * h4 * w4, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, classes)
        self.relu = nn.ReLU()
        for u in (self.c1, self.f5, self.f6):
            nn.init.kaiming_normal_(u.weight, nonlinearity="relu")  # He et al. 2015
            nn.init.zeros_(u.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        s2 = self.s2(self.relu(self.c1(x)))
        s4 = self.s4(self.relu(self.l3(s2)))
        f5 = self.relu(self.f5(self.flatten(s4)))
        f6 = self.relu(self.f6(f5))
        return self.output(f6)


@register(
    "local_net",
    title="LeNet-5 with copied edges, weighted pooling and an unshared layer",
    source="textbook ch. 4.3.1-4.3.2, figure 4-7; statistics lecture, pages 39-40",
    data="mnist",
    example=(1, 10, 28),
    min_size=16,
)
def local_net(channels: int, classes: int, size: Size) -> LocalNet:
    """6 and 16 maps of 5x5, then 120, 84 and the classes."""
    return LocalNet(channels, classes, size)
