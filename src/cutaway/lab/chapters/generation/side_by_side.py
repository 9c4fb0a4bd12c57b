"""Recurrent networks side by side: each with its own weights, all in one."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.rnn import SequenceModel


class Many(nn.Module):
    """The same linear map of many networks, each with its own weights: y_r = W_r x_r + b_r."""

    def __init__(self, maps: Sequence[nn.Linear]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([one.weight.detach().T for one in maps]))
        self.bias = None
        if maps[0].bias is not None:
            self.bias = nn.Parameter(torch.stack([one.bias.detach() for one in maps])[:, None])

    def forward(self, x: Float[Tensor, "r *b n_in"]) -> Float[Tensor, "r *b n_out"]:
        y = x.flatten(1, -2) @ self.weight
        return (y if self.bias is None else y + self.bias).view(*x.shape[:-1], -1)


def together(networks: Sequence[SequenceModel]) -> SequenceModel:
    """Networks of one shape as one, whose inputs have an axis of networks in front.

    `Stack` maps every operation, which takes five times as long where they are this small.
    """
    whole = copy.deepcopy(networks[0])
    for name, one in networks[0].named_modules():
        if isinstance(one, nn.Linear):
            parts = [net.get_submodule(name) for net in networks]
            whole.set_submodule(name, Many(parts))  # type: ignore[arg-type]
    return whole


def apart(whole: SequenceModel, networks: Sequence[SequenceModel]) -> None:
    """What was learned together, given to each network."""
    for name, one in whole.named_modules():
        if isinstance(one, Many):
            for r, net in enumerate(networks):
                own = net.get_submodule(name)
                own.weight.data = one.weight.data[r].T.clone()
                if one.bias is not None:
                    own.bias.data = one.bias.data[r, 0].clone()


def clip(whole: SequenceModel, most: float) -> None:
    """Shorten each network's gradient to a length (Pascanu et al. 2013), whatever the others'."""
    slopes = [p.grad for p in whole.parameters() if p.grad is not None]
    length = sum(g.flatten(1).square().sum(1) for g in slopes) ** 0.5
    for g in slopes:
        g *= (most / length).clamp(max=1).view(-1, 1, 1)
