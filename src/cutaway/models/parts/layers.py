"""Layers of the course that PyTorch lacks."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.models.registry import Size
from cutaway.together.across import gathered


class LocallyConnected2d(nn.Module):
    """A convolution without sharing: every place (i, j) has a kernel and a bias of its own.

    s[o, i, j] = sum over c, p, q of x[c, i t + p, j t + q] u_ij[o, c, p, q] + b_ij[o].
    Source: lecture on statistics, week 4, pages 39-40; textbook ch. 4.3.1.

    Args:
        stride: t above.
        size: height and width of the input, which fix the number of places.
        padding_mode: `constant` (zeros) or `replicate` (the text's figure 4-7).

    Attributes:
        weight: u_ij, each as an `nn.Conv2d` keeps its only one.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        size: Size,
        stride: int = 1,
        padding: int = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.padding, self.padding_mode = padding, padding_mode
        places = [(side + 2 * padding - kernel) // stride + 1 for side in size]
        assert min(places) > 0, (size, kernel)
        self.weight = nn.Parameter(torch.empty(*places, c_out, c_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(c_out, *places))
        nn.init.normal_(self.weight, std=(2 / (c_in * kernel**2)) ** 0.5)  # He et al. 2015

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        x = F.pad(x, [self.padding] * 4, self.padding_mode)
        patches = x.unfold(2, self.kernel, self.stride).unfold(3, self.kernel, self.stride)
        return torch.einsum("bcijpq,ijocpq->boij", patches, self.weight) + self.bias


class WeightedPool2d(nn.Module):
    """s[c, i, j] = sum over p, q of w[p, q] z[c, i t + p, j t + q], where w sums to one.

    Between the mean (all w equal) and the value itself (one w is 1). Nothing is learned, as the
    text says of pooling that it has no parameters; with w learned it would be a convolution.
    Source: textbook ch. 4.3.2 (weighted mean pooling).

    Args:
        weights: any numbers, divided by their sum; left out, the binomial ones, which fall off
            from the middle as a Gaussian does: 1 2 1 in both directions for a kernel of 3.
        padding: the outermost pixels are repeated, so that the edge grows no darker.
    """

    w: Tensor

    def __init__(
        self,
        kernel: int = 3,
        stride: int = 2,
        padding: int = 0,
        weights: Float[Tensor, "k k"] | None = None,
    ):
        super().__init__()
        self.stride, self.padding = stride, padding
        weights = binomial(kernel) if weights is None else weights
        assert weights.shape == (kernel, kernel)
        self.register_buffer("w", weights / weights.sum(), False)

    def forward(self, z: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        z = F.pad(z, [self.padding] * 4, "replicate")
        channels = z.shape[1]
        w = self.w.expand(channels, 1, *self.w.shape)
        return F.conv2d(z, w, stride=self.stride, groups=channels)


def binomial(n: int) -> Float[Tensor, "n n"]:
    """Row n of Pascal's triangle times itself."""
    row = torch.ones(1)
    for _ in range(n - 1):
        row = F.pad(row, (0, 1)) + F.pad(row, (1, 0))
    return torch.outer(row, row)


class VirtualBatchNorm(nn.Module):
    """y = gamma (x - mu) / sqrt(var + eps) + beta, mu and var of a reference batch and of x itself.

    The first n examples of a batch are the reference; they are normalised by their own statistics
    alone. Every other example counts as one more beside these n, and never for another's output,
    which is what plain batch normalisation cannot say. Source: Salimans et al. 2016, section 3.4.
    """

    def __init__(self, maps: int, n: int, eps: float = 1e-5):
        super().__init__()
        self.n, self.eps = n, eps
        self.gamma = nn.Parameter(torch.ones(maps, 1, 1))
        self.beta = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        n = self.n
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        mu_n = mean[:n].mean(0)
        var_n = (var[:n] + (mean[:n] - mu_n) ** 2).mean(0)
        mu = (n * mu_n + mean[n:]) / (n + 1)
        var_x = (n * (var_n + (mu_n - mu) ** 2) + var[n:] + (mean[n:] - mu) ** 2) / (n + 1)
        mu, var = (torch.cat([a.expand(n, -1, 1, 1), b]) for a, b in ((mu_n, mu), (var_n, var_x)))
        return self.gamma * (x - mu) * (var + self.eps).rsqrt() + self.beta


class MinibatchDiscrimination(nn.Module):
    """M_i = f(x_i) T, c_b(x_i, x_j) = exp(-|M_ib - M_jb|_1), o(x_i)_b = sum over j of c_b.

    How close an image is to the others of its batch, in B ways: a generator that gives the same
    image again and again gives itself away. Source: Salimans et al. 2016, section 3.2.
    """

    def __init__(self, a: int, b: int, c: int):
        super().__init__()
        self.T = nn.Parameter(torch.randn(a, b, c) / a**0.5)

    def forward(self, f: Float[Tensor, "n a"]) -> Float[Tensor, "n b"]:
        m = torch.einsum("na,abc->nbc", f, self.T)
        distance = (m[:, None] - gathered(m)[None]).abs().sum(3)
        return (-distance).exp().sum(1)
