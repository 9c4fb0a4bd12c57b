"""Regularisers that act inside a network while it learns: dropout and stochastic depth.

They are settings and hooks, put in place for as long as it learns: its code, its parameters and
the names of its state stay what they are, and afterwards nothing of them is left.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.learn.network import head_of
from cutaway.learn.recipe import Recipe
from cutaway.models.convnext import ConvNeXtBlock
from cutaway.models.inverted_residual import InvertedResidual
from cutaway.models.resnet import Residual

Block = Residual | InvertedResidual | ConvNeXtBlock
Dropout = nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d


@contextmanager
def regularised(network: nn.Module, recipe: Recipe) -> Iterator[None]:
    """The network with the recipe's dropout and stochastic depth, inside this context.

    Both draw from PyTorch's own generator, and do nothing where the network is set to evaluate.

    Raises:
        UsageError: the network has no place for them.
    """
    with ExitStack() as undo:
        if recipe.compile == "yes":  # or PyTorch goes on with what it compiled for other hooks
            torch.compiler.reset()
        if recipe.dropout >= 0:
            _drop(network, recipe.dropout, head_of(recipe), undo)
        if recipe.stochastic_depth:
            _skip(network, recipe.stochastic_depth, undo)
        yield


def dropouts(network: nn.Module) -> dict[str, Dropout]:
    """The network's own layers of dropout, by name."""
    return {name: m for name, m in network.named_modules() if isinstance(m, Dropout)}


def residuals(network: nn.Module) -> dict[str, nn.Module]:
    """Of each residual block, by name and the first first, what gives F(x)."""
    blocks = {name: m for name, m in network.named_modules() if isinstance(m, Block)}
    return {name: block.branch for name, block in blocks.items() if block.branch is not None}


def survival(blocks: int, share: float) -> list[float]:
    """The survival probability of each block, the last left out for a share: p_l = 1 - l/L share.

    Source: Huang et al. 2016, 'Deep networks with stochastic depth', equation 4.
    """
    return [1 - share * (i + 1) / blocks for i in range(blocks)]


def _drop(network: nn.Module, share: float, head: str, undo: ExitStack) -> None:
    """Leave out a share of the units that reach each dropout, or the head where there is none.

    Source: Srivastava et al. 2014, section 4, and section 10 for scaling what is kept.
    """
    layers = dropouts(network).values()
    for layer in layers:
        undo.callback(setattr, layer, "p", layer.p)
        layer.p = share
    if layers or not share:
        return
    if not head:
        raise UsageError(
            "Dropout (--dropout) acts on layers of dropout or on what reaches the head, and this "
            "network has neither: leave it out, or choose another network."
        )
    hook = partial(_drop_input, share=share)
    undo.enter_context(network.get_submodule(head).register_forward_pre_hook(hook))


def _drop_input(layer: nn.Module, inputs: tuple[Tensor, ...], share: float) -> tuple[Tensor, ...]:
    x, *others = inputs
    return F.dropout(x, share, layer.training), *others


def _skip(network: nn.Module, share: float, undo: ExitStack) -> None:
    """Leave F(x) out of y = F(x) + x, for each image by itself and more often with depth.

    What is kept is scaled by 1 / p_l while training; the paper, which leaves a block out for the
    whole batch, scales by p_l afterwards, which has the same mean.
    """
    blocks = residuals(network).values()
    if not blocks:
        raise UsageError(
            "Stochastic depth (--stochastic-depth) leaves out residual blocks, and this network "
            "has none: take a residual network such as resnet20 or convnext_tiny, or leave it out."
        )
    for branch, keep in zip(blocks, survival(len(blocks), share), strict=True):
        undo.enter_context(branch.register_forward_hook(partial(_skip_some, keep=keep)))


def _skip_some(
    F: nn.Module, inputs: object, fx: Float[Tensor, "b *maps"], keep: float
) -> Float[Tensor, "b *maps"]:
    if not F.training:
        return fx
    mask = torch.rand(len(fx), *[1] * (fx.ndim - 1), device=fx.device) < keep
    return fx * (mask / keep).to(fx.dtype)
