"""Recurrent networks unrolled by hand: the gradients are autograd's."""

import pytest
import torch
from torch import nn

from cutaway import byhand
from cutaway.byhand.through_time import Weights, lstm, lstm_back, rnn, rnn_back
from cutaway.models.lstm import LSTMCell
from cutaway.models.lstm import lstm as lstm_network
from cutaway.models.rnn import RNNCell
from cutaway.models.rnn import rnn as rnn_network

STEPS, BATCH, N, WIDTH = 7, 3, 4, 5


def given(gates: int) -> tuple[Weights, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    shapes = (gates * WIDTH, N), (gates * WIDTH, WIDTH), (gates * WIDTH,)
    own = Weights(*(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes))
    x = torch.randn(STEPS, BATCH, N, dtype=torch.float64, requires_grad=True)
    return own, x, torch.randn(STEPS, BATCH, WIDTH, dtype=torch.float64)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_gradients_through_time_are_autograds(kind):
    own, x, g = given(1 if kind == "rnn" else 4)
    bare = Weights(own.W.detach(), own.U.detach(), own.b.detach())
    if kind == "rnn":
        h = rnn(x, own)
        found = rnn_back(g, x.detach(), rnn(x.detach(), bare), bare)
    else:
        h = torch.stack([step.h for step in lstm(x, own)])
        found = lstm_back(g, x.detach(), lstm(x.detach(), bare), bare)
    right = torch.autograd.grad(h, [own.W, own.U, own.b, x], g)
    for by_hand, autograd in zip((found.W, found.U, found.b, found.x), right, strict=True):
        torch.testing.assert_close(by_hand, autograd, rtol=1e-10, atol=1e-12)


def test_the_plain_network_is_pytorchs():
    """Another implementation of the same equations, with the same weights."""
    own, x, _ = given(1)
    theirs = nn.RNN(N, WIDTH).double()
    theirs.load_state_dict(
        {"weight_ih_l0": own.W, "weight_hh_l0": own.U, "bias_ih_l0": own.b,
         "bias_hh_l0": torch.zeros(WIDTH)}
    )  # fmt: skip
    torch.testing.assert_close(rnn(x, own), theirs(x)[0])


def test_the_lstm_is_pytorchs():
    """PyTorch keeps its gates in the order i, f, g, o."""
    own, x, _ = given(4)
    i, f, o, g = range(4)
    order = torch.cat([torch.arange(WIDTH) + k * WIDTH for k in (i, f, g, o)])
    theirs = nn.LSTM(N, WIDTH).double()
    theirs.load_state_dict(
        {"weight_ih_l0": own.W[order], "weight_hh_l0": own.U[order], "bias_ih_l0": own.b[order],
         "bias_hh_l0": torch.zeros(4 * WIDTH)}
    )  # fmt: skip
    torch.testing.assert_close(torch.stack([s.h for s in lstm(x, own)]), theirs(x)[0])


@pytest.mark.parametrize("cell", [RNNCell, LSTMCell])
def test_the_networks_of_models_compute_the_same(cell):
    torch.manual_seed(0)
    one = cell(N, WIDTH).double()
    own = Weights(one.W.weight.detach(), one.U.weight.detach(), one.W.bias.detach())
    x = torch.randn(STEPS, BATCH, N, dtype=torch.float64)
    h = rnn(x, own) if cell is RNNCell else torch.stack([s.h for s in lstm(x, own)])
    state = one.begin(x[0])
    for x_t, h_t in zip(x, h, strict=True):
        state = one.step(one.W(x_t), state)
        torch.testing.assert_close(state[0], h_t)


def test_along_the_cell_the_gradient_is_multiplied_by_the_gate_alone():
    """With U = 0 the last c is the first one times every f between: no weight is on the way."""
    own, x, _ = given(4)
    bare = Weights(own.W.detach(), torch.zeros_like(own.U), own.b.detach())
    steps = lstm(x.detach(), bare)
    g = torch.zeros(STEPS, BATCH, WIDTH, dtype=torch.float64)
    g[-1] = 1
    found = lstm_back(g, x.detach(), steps, bare)
    i, _, _, new = steps[0].gates.split(WIDTH, 1)
    kept = torch.stack([s.gates[:, WIDTH : 2 * WIDTH] for s in steps[1:]]).prod(0)
    _, _, last_o, _ = steps[-1].gates.split(WIDTH, 1)
    to_c = kept * last_o * (1 - steps[-1].c.tanh() ** 2)
    rows = bare.W.split(WIDTH, 0)
    first = (to_c * new * i * (1 - i)) @ rows[0] + (to_c * i * (1 - new**2)) @ rows[3]
    torch.testing.assert_close(found.x[0], first)


@pytest.mark.parametrize("make", [rnn_network, lstm_network])
def test_the_graph_of_an_unrolled_network_checks(make):
    """`byhand.trace` unrolls it as well, operation by operation."""

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.network = make(4, 3)

        def forward(self, x):
            return self.network(x).square().mean()

    graph = byhand.trace(Loss(), torch.rand(2, 5, 4))
    assert byhand.check(graph, torch.rand(2, 5, 4)).agrees
