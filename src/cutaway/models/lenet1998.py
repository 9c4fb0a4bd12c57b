"""LeNet-5 as drawn in 1998: C3's partial connections, trainable pooling, RBF output."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.models.parts.activations import ScaledTanh
from cutaway.models.registry import Size, register

# Table I of the paper: which maps of S2 (a digit each) feed each map of C3.
C3_CONNECTIONS = (
    "012", "123", "234", "345", "045", "015",
    "0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245", "0235",
    "012345",
)  # fmt: skip

# Ten digits as bitmaps of 7 x 12, each row 7 bits in hexadecimal, most significant bit left:
# the targets that F6 learns to imitate (the paper's figure 3 shows such a set).
GLYPHS = (
    "1c2222414141414122221c00",
    "081828080808080808083e00",
    "3e41010102040810207f0000",
    "3e410101011e010101413e00",
    "02060a1222427f0202020200",
    "7f40405c620101010141221c",
    "1c2240405c62414141221c00",
    "7f0101020204040808101000",
    "3e4141413e4141414141 3e00".replace(" ", ""),
    "1c224141231d010102041800",
)


class Pooling(nn.Module):
    """s = f(w sum(2x2) + b), one w and one b a map (the sum here as a mean; w takes up the 4)."""

    def __init__(self, maps: int):
        super().__init__()
        self.w = nn.Parameter(torch.ones(maps, 1, 1))
        self.b = nn.Parameter(torch.zeros(maps, 1, 1))
        self.mean = nn.AvgPool2d(2)
        self.f = ScaledTanh()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        return self.f(self.w * self.mean(x) + self.b)


class PartialConvolution(nn.Module):
    """c_j = b_j + sum over i in connections(j) of x_i * u_ij, with 5x5 kernels.

    Only kernels that exist are parameters: 60 of 96, so 60 * 25 + 16 = 1,516.
    """

    at: Tensor

    def __init__(self, c_in: int, connections: tuple[str, ...] = C3_CONNECTIONS):
        super().__init__()
        pairs = [(j, int(i)) for j, row in enumerate(connections) for i in row]
        fan_in = torch.tensor([25.0 * len(connections[j]) for j, _ in pairs])
        self.kernels = nn.Parameter(torch.randn(len(pairs), 5, 5) / fan_in.view(-1, 1, 1).sqrt())
        self.b = nn.Parameter(torch.zeros(len(connections)))
        self.shape = (len(connections), c_in, 5, 5)
        self.register_buffer("at", torch.tensor([j * c_in + i for j, i in pairs]), False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        u = self.kernels.new_zeros(self.shape[0] * self.shape[1], 5, 5)
        u = u.index_copy(0, self.at, self.kernels).view(self.shape)
        return nn.functional.conv2d(x, u, self.b)


class RBF(nn.Module):
    """y_i = sum_j (x_j - w_ij)^2, given as -y_i so that the largest output wins (equation 7).

    Softmax cross-entropy of -y_i is the paper's criterion (equation 9) without its constant j.
    The w are fixed codes of +1 and -1: bitmaps for ten classes, else random ones, the same always.
    """

    w: Tensor

    def __init__(self, classes: int, n_in: int = 84):
        super().__init__()
        self.register_buffer("w", glyphs() if classes == 10 else random_codes(classes, n_in))

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b classes"]:
        # |x - w|^2 = |x|^2 - 2 x.w + |w|^2
        return 2 * x @ self.w.T - (x * x).sum(1, keepdim=True) - (self.w * self.w).sum(1)


def glyphs() -> Float[Tensor, "10 84"]:
    """The ten bitmaps as +1 (ink) and -1."""
    rows = [[int(text[2 * r : 2 * r + 2], 16) for r in range(12)] for text in GLYPHS]
    bits = [[(row >> (6 - k)) & 1 for row in glyph for k in range(7)] for glyph in rows]
    return torch.tensor(bits, dtype=torch.float32) * 2 - 1


def random_codes(classes: int, n_in: int) -> Float[Tensor, "classes n_in"]:
    """Codes of +1 and -1 for any number of classes (the paper's 'distributed codes')."""
    draw = torch.randint(0, 2, (classes, n_in), generator=torch.Generator().manual_seed(1998))
    return draw.float() * 2 - 1


class LeNet1998(nn.Module):
    """C1-S2-C3-S4-C5-F6-RBF on 32 x 32 pixels: 60,000 trainable parameters.

    Every layer before the output is squashed by f. Weights begin with a spread of 1 / sqrt(fan-in)
    (the authors' 'Efficient BackProp' of the same year, section 4.6).

    Source: LeCun et al. 1998, 'Gradient-based learning applied to document recognition',
    section II-B, figure 2 and table I.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.c1 = nn.Conv2d(channels, 6, 5)
        self.s2 = Pooling(6)
        self.c3 = PartialConvolution(6)
        self.s4 = Pooling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.f = ScaledTanh()
        self.flatten = nn.Flatten()
        self.output = RBF(classes)
        for layer in (self.c1, self.c5, self.f6):
            nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)

    def forward(self, x: Float[Tensor, "b c 32 32"]) -> Float[Tensor, "b classes"]:
        s2 = self.s2(self.f(self.c1(x)))
        s4 = self.s4(self.f(self.c3(s2)))
        c5 = self.flatten(self.f(self.c5(s4)))
        return self.output(self.f(self.f6(c5)))


@register(
    "lenet5_1998",
    title="LeNet-5 as drawn in 1998: partial connections, RBF output",
    source="LeCun et al. 1998, section II-B",
    data="mnist",
    example=(1, 10, 32),
    min_size=28,
    parameters=60_000,
)
def lenet5_1998(channels: int, classes: int, size: Size) -> nn.Module:
    """Takes 32 x 32 pixels; 28 x 28 is padded to it, as the paper's authors did."""
    if max(size) > 32:
        raise UsageError("lenet5_1998 takes 28 x 28 or 32 x 32 pixels: give --image-size 32.")
    (top, bottom), (left, right) = (((32 - n) // 2, 32 - n - (32 - n) // 2) for n in size)
    network = LeNet1998(channels, classes)
    pad = nn.ZeroPad2d((left, right, top, bottom))
    return network if size == (32, 32) else nn.Sequential(pad, network)
