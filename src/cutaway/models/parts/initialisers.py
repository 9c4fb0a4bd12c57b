"""Initialisers of weights from the papers, for any module."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.errors import UsageError, nearest
from cutaway.models.parts.layers import LocallyConnected2d
from cutaway.models.parts.lsuv import lsuv
from cutaway.models.parts.whitening import whiten

Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
Start = Callable[[Tensor, float, float], None]


def normal(u: Tensor, n_in: float, n_out: float) -> None:
    """u from N(0, 0.01^2), whatever the layer's size. Source: Krizhevsky et al. 2012, section 5."""
    u.normal_(std=0.01)


def xavier(u: Tensor, n_in: float, n_out: float) -> None:
    """u from U(-r, r), r = sqrt(6 / (n_in + n_out)): variance 2 / (n_in + n_out).

    Source: Glorot and Bengio 2010, equation 16.
    """
    r = math.sqrt(6 / (n_in + n_out))
    u.uniform_(-r, r)


def he(u: Tensor, n_in: float, n_out: float) -> None:
    """u from N(0, 2 / n_in). Source: He et al. 2015, 'Delving deep into rectifiers', eq. 10."""
    u.normal_(std=math.sqrt(2 / n_in))


def orthogonal(u: Tensor, n_in: float, n_out: float) -> None:
    """u as a matrix has orthonormal rows, or columns where they are fewer.

    Source: Saxe et al. 2014, section 3.
    """
    u.copy_(nn.init.orthogonal_(torch.empty(u.shape, device=u.device)))


INITIALISERS: dict[str, Start | None] = {
    "own": None,
    "normal": normal,
    "xavier": xavier,
    "he": he,
    "orthogonal": orthogonal,
    "lsuv": orthogonal,
    "whiten": None,
}
"""Initialisers by name. `own` is the network's own; `lsuv` continues from the orthogonal one,
`whiten` from the network's own, of which it changes the first layer."""


@torch.no_grad()
def initialise(
    model: nn.Module,
    name: str,
    x: Float[Tensor, "b ..."] | None = None,
    forward: Callable[[], Any] | None = None,
) -> None:
    """Draw new weights for every dense, convolutional and locally connected layer, biases zero;
    `whiten` changes the first layer alone.

    Norms, embeddings, frozen weights and parameters that are no layer's `weight` keep the model's
    own start. The draws come from torch's global generator.

    Args:
        x: a batch, for `lsuv` and `whiten` alone.
        forward: runs `model` once, where that is done otherwise than by `model(x)`.

    Raises:
        UsageError: an unknown name, or one that measures a batch without a batch.
    """
    if name not in INITIALISERS:
        raise UsageError(f"There is no initialiser '{name}'.{nearest(name, INITIALISERS)}")
    if x is None and (name == "whiten" or (name == "lsuv" and forward is None)):
        raise UsageError(f"The initialiser '{name}' measures a batch: give one as x.")
    if name == "whiten":
        assert x is not None
        whiten(model, x)
    start = INITIALISERS[name]
    if start is None:
        return
    for layer in layers(model):
        for u, n_in, n_out in kernels(layer):
            start(u, n_in, n_out)
        if isinstance(bias := getattr(layer, "bias", None), Tensor):
            bias.zero_()
    if name == "lsuv":
        lsuv(model, layers(model), forward or (lambda: model(x)))


def layers(model: nn.Module) -> Iterator[nn.Module]:
    """The modules with a weight of more than one axis, each weight once."""
    visited: set[nn.Parameter] = set()
    for module in model.modules():
        weight = dict(module.named_parameters(recurse=False)).get("weight")
        if weight is None or weight.ndim < 2 or not weight.requires_grad or weight in visited:
            continue
        if not isinstance(module, nn.Embedding | nn.EmbeddingBag):
            visited.add(weight)
            yield module


def kernels(layer: nn.Module) -> Iterator[tuple[Tensor, float, float]]:
    """The matrices of a layer, as views (out, in, ...), with their n_in and n_out.

    A group of a convolution and a place of a local layer are a matrix each. Of a transposed
    convolution's inputs only every stride-th meets the kernel, so that many fewer reach a node.
    """
    weight, meet = layer.weight, 1
    assert isinstance(weight, Tensor)
    if isinstance(layer, LocallyConnected2d):
        each = weight.flatten(0, 1).unbind()
    elif isinstance(layer, Transposed):
        each = tuple(u.transpose(0, 1) for u in weight.chunk(layer.groups))
        meet = math.prod(layer.stride)
    else:
        each = weight.chunk(getattr(layer, "groups", 1))
    for u in each:
        yield u, u[0].numel() / meet, u[:, 0].numel()
