"""Long short-term memory: a recurrent network whose cell is added to, and so keeps what it holds.

It is not in the registry, whose networks take images: `lstm(symbols, width)` builds it.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.models.rnn import SequenceModel, State


class LSTMCell(nn.Module):
    """c_t = f c_(t-1) + i g and h_t = o tanh(c_t); the gates i, f, o are sigmoids and g a tanh,
    each of its own part of W x_t + U h_(t-1) + b.

    Along c the gradient is multiplied by f alone, and by no weights: where f is near 1 it neither
    fades nor explodes.

    Source: Hochreiter and Schmidhuber 1997; the gate f and its bias of 1 at the start: Gers et al.
    2000; Jozefowicz et al. 2015.
    """

    def __init__(self, n_in: int, width: int):
        super().__init__()
        self.width = width
        self.W = nn.Linear(n_in, 4 * width)
        self.U = nn.Linear(width, 4 * width, bias=False)
        for part in (self.W.weight, self.U.weight):
            nn.init.uniform_(part, -1 / math.sqrt(width), 1 / math.sqrt(width))
        nn.init.zeros_(self.W.bias)
        nn.init.ones_(self.W.bias[width : 2 * width])

    def begin(self, x: Float[Tensor, "*b n"]) -> State:
        """h_0 = c_0 = 0."""
        empty = x.new_zeros(*x.shape[:-1], self.width)
        return empty, empty

    def step(self, s: Float[Tensor, "*b four_widths"], state: State) -> State:
        """h_t and c_t, from s = W x_t + b, h_(t-1) and c_(t-1)."""
        (h, c), w = state, self.width
        s = s + self.U(h)
        gates = s[..., : 3 * w].sigmoid()
        i, f, o = gates[..., :w], gates[..., w : 2 * w], gates[..., 2 * w :]
        c = f * c + i * s[..., 3 * w :].tanh()
        return o * torch.tanh(c), c


def lstm(symbols: int, width: int = 16) -> SequenceModel:
    """An LSTM over an alphabet of `symbols`; with half the width it has about as many weights as a
    plain recurrent network."""
    return SequenceModel(LSTMCell(symbols, width), width, symbols)
