"""Whitening: the first layer's kernels are the principal directions of the images' patches."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError


@torch.no_grad()
def whiten(model: nn.Module, x: Float[Tensor, "b c h w"], eps: float = 5e-4) -> None:
    """The first convolution's kernels become w_i = e_i / sqrt(lambda_i + eps), then -w_i.

    lambda_i and e_i are the eigenvalues and eigenvectors of the covariance of x's patches, the
    largest first, so that the outputs of w are uncorrelated and vary by one; the biases take the
    mean away. Kernels beyond these keep the model's own start, and the last of these are left out
    where kernels are fewer.

    Source: Jordan 2024, arXiv:2404.00498, section 3.2; Page 2019, 'How to train your ResNet', part
    8. The mean, which they leave in, is near zero in normalised images.

    Raises:
        UsageError: the network does not begin with a convolution of pictures.
    """
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or x.ndim != 4 or first.weight.shape[1] != x.shape[1]:
        raise UsageError(
            "The initialiser 'whiten' is for networks that begin with a convolution of pictures, "
            "and this one does not: choose another, such as --init he."
        )
    mean, w = whitening(patches(x, first), eps)
    w = torch.cat([w, -w])[: len(first.weight)]
    first.weight[: len(w)] = w.view(-1, *first.weight.shape[1:]).to(first.weight)
    if first.bias is not None:
        first.bias[: len(w)] = -(w @ mean).to(first.bias)


def patches(x: Float[Tensor, "b c h w"], layer: nn.Conv2d) -> Float[Tensor, "n d"]:
    """The patches of the images under the layer's kernels, a row per place, in float64."""
    kernel, stride, dilation = layer.weight.shape[2:], layer.stride, layer.dilation
    return F.unfold(x.double(), kernel, dilation, 0, stride).mT.flatten(0, 1)


def whitening(p: Float[Tensor, "n d"], eps: float) -> tuple[Float[Tensor, " d"], Tensor]:
    """The rows' mean, and the matrix W that makes W (p - mean) white; a direction a row of W."""
    variance, e = torch.linalg.eigh(p.T.cov(correction=0))
    return p.mean(0), (e / (variance + eps).sqrt()).T.flip(0)
