"""DCGAN: a generator of transposed convolutions against a discriminator of strided ones."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.models.gan import Adversaries
from cutaway.models.registry import Size, register

Seeds = Float[Tensor, "b latent"]
Images = Float[Tensor, "b c h w"]


def steps(size: Size) -> tuple[int, tuple[int, int]]:
    """The number of halvings of `size`, and the side of the first map, which is 4 to 7.

    Raises:
        UsageError: a side that is no multiple of 4; the nearest that are are offered.
    """
    if any(side % 4 for side in size):
        low = max(side // 4 * 4 for side in size)
        raise UsageError(
            "A map that is doubled again and again gives sides that are multiples of 4, not "
            f"{' x '.join(map(str, size))} pixels: give --image-size {low} or {low + 4}."
        )
    n, (h, w) = 0, size
    while min(h, w) > 7 and h % 2 == w % 2 == 0:
        n, h, w = n + 1, h // 2, w // 2
    return n, (h, w)


class Up(nn.Module):
    """relu(norm(z * u)), u a 4x4 kernel that is laid down at every second pixel: twice the side."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.u = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU()

    def forward(self, z: Images) -> Float[Tensor, "b k h2 w2"]:
        return self.relu(self.norm(self.u(z)))


class Project(nn.Module):
    """The seed projected to the first maps, relu(norm(Uz)): the figure's 'project and reshape'.

    It is often written as a transposed convolution of a single pixel, which is the same matrix but
    takes four times as long.
    """

    def __init__(self, latent: int, maps: int, side: tuple[int, int]):
        super().__init__()
        self.u = nn.Linear(latent, maps * side[0] * side[1], bias=False)
        self.reshape = nn.Unflatten(1, (maps, *side))
        self.norm = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()

    def forward(self, z: Seeds) -> Images:
        return self.relu(self.norm(self.reshape(self.u(z))))


class Generator(nn.Module):
    """A seed, projected to small maps, doubled until it is an image (the paper's figure 1)."""

    def __init__(self, latent: int, maps: Sequence[int], side: tuple[int, int], channels: int):
        super().__init__()
        self.project = Project(latent, maps[0], side)
        self.stages = nn.Sequential(*(Up(a, b) for a, b in pairwise(maps)))
        self.output = nn.ConvTranspose2d(maps[-1], channels, 4, stride=2, padding=1)
        self.tanh = nn.Tanh()

    def forward(self, z: Seeds) -> Images:
        return self.tanh(self.output(self.stages(self.project(z))))


class Down(nn.Module):
    """leaky(norm(x * u)) with slope 0.2, u a 4x4 kernel of stride 2: half the side, no pooling."""

    def __init__(self, c_in: int, c_out: int, norm: bool):
        super().__init__()
        self.u = nn.Conv2d(c_in, c_out, 4, stride=2, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(c_out) if norm else nn.Identity()
        self.leaky = nn.LeakyReLU(0.2)

    def forward(self, x: Images) -> Float[Tensor, "b k h2 w2"]:
        return self.leaky(self.norm(self.u(x)))


class Discriminator(nn.Module):
    """The generator in reverse; its input layer is not normalised (section 3 of the paper).

    The last maps are fed flat into a single output, as there.
    """

    def __init__(self, channels: int, maps: Sequence[int], side: tuple[int, int]):
        super().__init__()
        widths = list(pairwise([channels, *maps]))
        self.stages = nn.Sequential(*(Down(a, b, norm=i > 0) for i, (a, b) in enumerate(widths)))
        self.flatten = nn.Flatten()
        self.output = nn.Linear(maps[-1] * side[0] * side[1], 1)
        self.score = nn.Flatten(0)

    def forward(self, x: Images) -> Float[Tensor, "b"]:
        return self.score(self.output(self.flatten(self.stages(x))))


@register(
    "dcgan",
    title="GAN of transposed and strided convolutions",
    source="Radford et al. 2016, figure 1; textbook ch. 4.5.2, figure 4-36",
    data="mnist",
    example=(1, 10, 28),
    min_size=8,
    task="adversarial",
    head="discriminator.output",
)
def dcgan(
    channels: int, classes: int, size: Size, latent: int = 100, width: int = 32
) -> Adversaries:
    """`width` maps beside the image, twice as many after each halving; the paper's figure has 128.

    A side is a multiple of 4: 28 grows as 7-14-28, 32 as 4-8-16-32, 64 as 4-8-16-32-64.
    """
    n, side = steps(size)
    maps = [width * 2**i for i in range(n)]
    network = Adversaries(
        Generator(latent, maps[::-1], side, channels),
        Discriminator(channels, maps, side),
        latent,
    )
    for module in network.modules():  # section 3 of the paper: N(0, 0.02^2)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
