"""A recurrent network: a generative model of sequences, one symbol after another.

It is not in the registry, whose networks take images: `rnn(symbols, width)` builds it.
"""

import math
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

State = tuple[Float[Tensor, "*b width"], ...]
"""What is kept from one symbol to the next; its first part is h, which the output sees."""


class Cell(Protocol):
    """What reads a sequence and keeps a state.

    Attributes:
        W: of a symbol, at all times at once.
        width: of h.
    """

    W: nn.Linear
    width: int

    def begin(self, x: Float[Tensor, "*b n"]) -> State: ...

    def step(self, s: Float[Tensor, "*b n"], state: State) -> State: ...


class RNNCell(nn.Module):
    """h_t = tanh(W x_t + U h_(t-1) + b).

    Source: Elman 1990; the weights of W are drawn as U's, uniform within 1 / sqrt(width).

    Args:
        orthogonal: U begins as a rotation, so that h neither fades nor grows at first (Saxe et al.
            2014); else it is uniform.
    """

    def __init__(self, n_in: int, width: int, orthogonal: bool = False):
        super().__init__()
        self.width = width
        self.W = nn.Linear(n_in, width)
        self.U = nn.Linear(width, width, bias=False)
        for part in (self.W.weight, self.U.weight):
            nn.init.uniform_(part, -1 / math.sqrt(width), 1 / math.sqrt(width))
        nn.init.zeros_(self.W.bias)
        if orthogonal:
            nn.init.orthogonal_(self.U.weight)

    def begin(self, x: Float[Tensor, "*b n"]) -> State:
        """h_0 = 0."""
        return (x.new_zeros(*x.shape[:-1], self.width),)

    def step(self, s: Float[Tensor, "*b width"], state: State) -> State:
        """h_t, from s = W x_t + b and h_(t-1)."""
        return (torch.tanh(s + self.U(state[0])),)


class SequenceModel(nn.Module):
    """P(x_1 ... x_T) = product over t of P(x_t | x_1 ... x_(t-1)), and the logits of
    P(x_(t+1) | x_1 ... x_t) are V h_t + c: what was read so far is in h_t alone.

    Source: the course's text, section 4.5.1, names RNNs as generative models; the factors as in
    Graves 2013, 'Generating sequences with recurrent neural networks', equations 4 to 6.
    """

    def __init__(self, cell: nn.Module, width: int, symbols: int):
        super().__init__()
        self.cell = cell
        self.output = nn.Linear(width, symbols)

    def states(self, x: Float[Tensor, "*b t n"]) -> list[State]:
        """The state after each symbol."""
        cell: Cell = self.cell  # type: ignore[assignment]
        s, state, states = cell.W(x), cell.begin(x[..., 0, :]), []
        for t in range(x.shape[-2]):
            state = cell.step(s[..., t, :], state)
            states.append(state)
        return states

    def forward(self, x: Float[Tensor, "*b t n"]) -> Float[Tensor, "*b t n"]:
        """Logits of the symbol after each; symbols are one-hot."""
        return self.output(torch.stack([state[0] for state in self.states(x)], -2))

    @torch.no_grad()
    def generate(
        self, first: Int[Tensor, "b"], steps: int, draw: torch.Generator
    ) -> Int[Tensor, "b steps"]:
        """Sequences that go on from a first symbol: each one drawn is read as the next."""
        cell: Cell = self.cell  # type: ignore[assignment]
        symbols = self.output.out_features
        x, drawn = first, [first]
        state = cell.begin(self.output.weight.new_zeros(len(first), symbols))
        for _ in range(steps - 1):
            one_hot = nn.functional.one_hot(x, symbols).to(self.output.weight.dtype)
            state = cell.step(cell.W(one_hot), state)
            p = self.output(state[0]).softmax(1)
            x = torch.multinomial(p, 1, generator=draw)[:, 0]
            drawn.append(x)
        return torch.stack(drawn, 1)


def rnn(symbols: int, width: int = 32, orthogonal: bool = False) -> SequenceModel:
    """A plain recurrent network over an alphabet of `symbols`."""
    return SequenceModel(RNNCell(symbols, width, orthogonal), width, symbols)
