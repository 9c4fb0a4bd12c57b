"""The improved GAN: feature matching, minibatch discrimination, virtual batch norm, labels."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.dcgan import steps
from cutaway.models.gan import Adversaries
from cutaway.models.parts.layers import MinibatchDiscrimination, VirtualBatchNorm
from cutaway.models.registry import Size, register

Seeds = Float[Tensor, "b latent"]
Images = Float[Tensor, "b c h w"]


class Generator(nn.Module):
    """DCGAN's generator with virtual batch normalisation.

    The reference seeds run along with every batch, so their statistics are those of the present
    weights, which costs their share of a forward pass.
    """

    reference: Tensor

    def __init__(self, latent: int, maps: list[int], side: tuple[int, int], channels: int, n: int):
        super().__init__()
        self.n = n
        self.register_buffer("reference", torch.randn(n, latent))
        self.stages = nn.Sequential(
            nn.Unflatten(1, (latent, 1, 1)),
            nn.ConvTranspose2d(latent, maps[0], side, bias=False),
            VirtualBatchNorm(maps[0], n),
            nn.ReLU(),
        )
        for a, b in pairwise(maps):
            u = nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False)
            self.stages.extend([u, VirtualBatchNorm(b, n), nn.ReLU()])
        self.output = nn.ConvTranspose2d(maps[-1], channels, 4, stride=2, padding=1)
        self.tanh = nn.Tanh()

    def forward(self, z: Seeds) -> Images:
        along = self.stages(torch.cat([self.reference, z]))
        return self.tanh(self.output(along[self.n :]))


class Noise(nn.Module):
    """x + sigma e, e from N(0, 1), while training: the paper's code noises each layer of D."""

    def __init__(self, sigma: float):
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return x + self.sigma * torch.randn_like(x) if self.training else x


class Discriminator(nn.Module):
    """K class logits l = W f(x) + v.o(x), with D(x) = Z / (Z + 1), Z = sum over k of exp l_k.

    Source: Salimans et al. 2016, section 5. What the batch says, v.o(x), is added to all K logits
    alike (our choice): it then moves D(x) and leaves softmax(l), the class, as it is, so that no
    prediction hangs on which other images are asked about.
    """

    def __init__(self, channels: int, classes: int, size: Size, width: int, kernels: int):
        super().__init__()
        leaky = nn.LeakyReLU(0.2)
        maps = [width, 2 * width, 2 * width]
        self.stages = nn.Sequential(Noise(0.3))
        for i, (a, b) in enumerate(pairwise([channels, *maps])):
            u = nn.Conv2d(a, b, 3 if i == 2 else 4, stride=1 if i == 2 else 2, padding=1)
            nn.init.kaiming_normal_(u.weight, 0.2)
            self.stages.extend([u, leaky, nn.Dropout2d(0.2)])
        self.stages.append(nn.Flatten())
        self.u = nn.Linear(maps[-1] * (size[0] // 4) * (size[1] // 4), 8 * width)
        self.leaky = leaky
        self.output = nn.Linear(8 * width, classes)
        self.o = MinibatchDiscrimination(8 * width, kernels, 5) if kernels else None
        self.v = nn.Linear(kernels, 1, bias=False) if kernels else None

    def features(self, x: Images) -> Float[Tensor, "b f"]:
        """f(x): the layer whose mean the generator is to match (section 3.1)."""
        return self.leaky(self.u(self.stages(x)))

    def forward(self, x: Images) -> Float[Tensor, "b classes"]:
        f = self.features(x)
        return self.output(f) + (self.v(self.o(f)) if self.o and self.v else 0)


class ImprovedGAN(Adversaries):
    """The three improvements and the classes in one game."""

    def refer(self, x: Images) -> None:
        """Choose the reference batch, on the device of `x`; only G has one, so it is of seeds."""
        self.get_buffer("generator.reference").normal_()


@register(
    "improved_gan",
    title="GAN with feature matching, minibatch discrimination and labels",
    source="Salimans et al. 2016; textbook ch. 4.5.2",
    data="mnist",
    example=(1, 10, 28),
    min_size=8,
    task="semi-supervised",
    head="discriminator.output",
)
def improved_gan(
    channels: int,
    classes: int,
    size: Size,
    latent: int = 100,
    width: int = 24,
    kernels: int = 32,
    reference: int = 32,
) -> ImprovedGAN:
    """`kernels` of minibatch discrimination (0 leaves it out), `reference` examples for G's norm.

    Sides are multiples of 4, as in `dcgan`.
    """
    n, side = steps(size)
    maps = [width * 2**i for i in range(n)][::-1]
    generator = Generator(latent, maps, side, channels, reference)
    discriminator = Discriminator(channels, classes, size, width, kernels)
    return ImprovedGAN(generator, discriminator, latent)
