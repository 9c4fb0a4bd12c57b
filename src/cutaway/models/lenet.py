"""LeNet-5 in its modern form: convolution, ReLU, max pooling."""

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.registry import Size, register


class Stage(nn.Module):
    """z = pool(relu(x * u + b)): the building block of the text's figure 4-18.

    Computed as relu(pool(x * u + b)), which is the same, the largest value being the same before
    and after an increasing function, with a quarter of the work for the ReLU.
    """

    def __init__(self, c_in: int, c_out: int, padding: int):
        super().__init__()
        self.u = nn.Conv2d(c_in, c_out, 5, padding=padding)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        return self.relu(self.pool(self.u(x)))


class LeNet5(nn.Module):
    """C1-S2-C3-S4-C5-F6-output, with every map of S2 reaching every map of C3.

    Args:
        size: height and width of the input; 28 is padded to the drawing's 32 by C1 itself.
    """

    def __init__(self, channels: int, classes: int, size: Size):
        super().__init__()
        padding = 0 if min(size) >= 32 else 2
        h, w = (((side + 2 * padding - 4) // 2 - 4) // 2 for side in size)  # of S4's maps
        self.c1 = Stage(channels, 6, padding)
        self.c3 = Stage(6, 16, 0)
        self.flatten = nn.Flatten()
        self.c5 = nn.Linear(16 * h * w, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, classes)
        self.relu = nn.ReLU()
        for u in (self.c1.u, self.c3.u, self.c5, self.f6):
            nn.init.kaiming_normal_(u.weight, nonlinearity="relu")  # He et al. 2015
            nn.init.zeros_(u.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        s4 = self.c3(self.c1(x))
        f5 = self.relu(self.c5(self.flatten(s4)))
        f6 = self.relu(self.f6(f5))
        return self.output(f6)


@register(
    "lenet5",
    title="LeNet-5 with ReLU and max pooling",
    source="LeCun et al. 1998; textbook ch. 4.3.3, figure 4-19",
    data="mnist",
    example=(1, 10, 32),
    min_size=28,
    parameters=61_706,
)
def lenet5(channels: int, classes: int, size: Size) -> LeNet5:
    """6 and 16 maps of 5x5, then 120, 84 and the classes."""
    return LeNet5(channels, classes, size)
