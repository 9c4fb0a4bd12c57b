"""Recurrent networks: equations, generation, and a look inside."""

import pytest
import torch
from torch.nn import functional as F

import cutaway as ca
from cutaway.models.lstm import LSTMCell, lstm
from cutaway.models.rnn import RNNCell, rnn


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("make", [rnn, lstm])
def test_logits_of_a_symbol_depend_on_those_before_it_alone(make):
    torch.manual_seed(0)
    net = make(4)
    x = torch.rand(2, 6, 4)
    y = x.clone()
    y[:, 4:] = torch.rand(2, 2, 4)
    a, b = net(x), net(y)
    assert a.shape == (2, 6, 4)
    torch.testing.assert_close(a[:, :4], b[:, :4])
    assert not torch.allclose(a[:, 4:], b[:, 4:])


@pytest.mark.parametrize("make", [rnn, lstm])
def test_a_network_that_learned_an_alternation_generates_it(make):
    torch.manual_seed(0)
    net = make(2, 8)
    words = torch.tensor([[0, 1] * 4, [1, 0] * 4])
    adam = torch.optim.Adam(net.parameters(), 0.03)
    for _ in range(60):
        logits = net(F.one_hot(words[:, :-1], 2).float())
        loss = F.cross_entropy(logits.mT, words[:, 1:])
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert torch.equal(net.generate(torch.tensor([0, 1]), 8, draw()), words)


def test_generated_symbols_follow_the_networks_chances():
    """Without weights on what was read, each symbol is drawn with the chances of the bias."""
    net = rnn(3, 4)
    with torch.no_grad():
        net.output.weight.zero_()
        net.output.bias.copy_(torch.tensor([0.5, 0.3, 0.2]).log())
    drawn = net.generate(torch.zeros(2000, dtype=torch.long), 6, draw())[:, 1:]
    shares = torch.bincount(drawn.flatten(), minlength=3) / drawn.numel()
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.02, rtol=0)


def test_the_start_of_an_lstm_keeps_and_that_of_an_orthogonal_rnn_turns():
    cell = LSTMCell(3, 5)
    assert cell.W.bias[5:10].eq(1).all()
    assert cell.W.bias[:5].eq(0).all()
    u = RNNCell(3, 5, orthogonal=True).U.weight
    torch.testing.assert_close(u @ u.T, torch.eye(5), atol=1e-5, rtol=0)


def test_half_the_width_makes_about_as_many_weights():
    plain, cell = (sum(p.numel() for p in net.parameters()) for net in (rnn(8, 32), lstm(8, 16)))
    assert 0.8 < plain / cell < 1.25


def test_a_look_inside_an_lstm(tmp_path):
    """`look` takes any module: its graph and its layers are shown."""
    torch.manual_seed(0)
    page = ca.look(lstm(4, 8), torch.rand(6, 5, 4), what=["graph"], out=tmp_path / "look.html")
    text = page.read_text()
    assert "cell" in text
    assert "Nothing to show here" not in text
