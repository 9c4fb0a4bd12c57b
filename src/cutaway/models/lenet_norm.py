"""LeNet-5 made for speed: more maps, batch normalisation, little work on maps of full size."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.models.registry import Size, register


class Box(nn.Module):
    """The image drawn wider or narrower, so that its ink is `width` pixels wide and in the middle.

    Ink is what is brighter than a fifth of the way from an image's darkest to its brightest pixel.

    Source: Ciresan et al. 2012, section 3.1, whose columns see digits 10 to 20 pixels wide.
    """

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        inked = (x > low + (high - low) / 5).any(1).any(1)
        place, n = torch.arange(x.shape[3], device=x.device), x.shape[3]
        first, end = torch.where(inked, place, n).amin(1), torch.where(inked, place, -1).amax(1) + 1
        scale = (end - first).clamp(min=1) / self.width
        theta = x.new_zeros(len(x), 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = scale, 1
        theta[:, 0, 2] = (first + end) / n - 1
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x - low, grid, align_corners=False) + low  # beyond the image: dark


class NormStage(nn.Module):
    """z = relu(norm(pool(x * u))), half the side.

    Pooling comes first because what follows then has a quarter of the work; with a positive scale
    of the normalisation the order makes no difference to the result.

    Args:
        stride: of u; with 2 there are no larger maps to pool.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1):
        super().__init__()
        self.u = nn.Conv2d(c_in, c_out, 5, stride, bias=False)
        self.pool = nn.MaxPool2d(2) if stride == 1 else nn.Identity()
        self.norm = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        return self.relu(self.norm(self.pool(self.u(x))))


class LeNetNorm(nn.Module):
    """Two stages of 16 and 32 maps (multiples of a vector register), a hidden layer, the classes.

    Source: the form of LeCun et al. 1998 with Ioffe and Szegedy 2015; our choice of widths.

    Args:
        stride: of the first stage.
        box: pixels that the ink of an image is made wide; 0: as it is.
    """

    def __init__(self, channels: int, classes: int, size: Size, stride: int = 1, box: int = 0):
        super().__init__()
        self.box = Box(box) if box else nn.Identity()
        off = 5 - stride  # pooling leaves a last odd place out, a stride takes it
        h, w = (((side - off) // 2 - 4) // 2 for side in size)
        self.c1, self.c3 = NormStage(channels, 16, stride), NormStage(16, 32)
        self.flatten = nn.Flatten()
        self.f5 = nn.Linear(32 * h * w, 128, bias=False)
        self.norm = nn.BatchNorm1d(128)
        self.relu = nn.ReLU()
        self.output = nn.Linear(128, classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        f5 = self.f5(self.flatten(self.c3(self.c1(self.box(x)))))
        return self.output(self.relu(self.norm(f5)))


@register(
    "lenet_norm",
    title="LeNet-5 with 16 and 32 maps and batch normalisation",
    source="after LeCun et al. 1998 and Ioffe and Szegedy 2015",
    data="mnist",
    example=(1, 10, 28),
    min_size=16,
    parameters=80_378,
)
def lenet_norm(channels: int, classes: int, size: Size, box: int = 0) -> LeNetNorm:
    """16 and 32 maps of 5x5, then 128 and the classes; `box` stretches digits to one width."""
    if not 0 <= box <= min(size):
        raise UsageError(f"--box takes 0 to {min(size)} pixels, the width of the image, not {box}.")
    return LeNetNorm(channels, classes, size, box=box)


@register(
    "lenet_strided",
    title="LeNet-5 with batch normalisation, its first stage strided",
    source="after Springenberg et al. 2015, who put strides for pooling",
    data="mnist",
    example=(1, 10, 28),
    min_size=16,
    parameters=80_378,
)
def lenet_strided(channels: int, classes: int, size: Size) -> LeNetNorm:
    """As `lenet_norm`, convolved first at a quarter of the places (`mnist-sprint`)."""
    return LeNetNorm(channels, classes, size, stride=2)
