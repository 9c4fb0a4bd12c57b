"""The restricted Boltzmann machine against sums over all of its states."""

import itertools

import pytest
import torch

from cutaway.models.rbm import RBM

VISIBLE, HIDDEN = 4, 3


def machine(seed=0) -> RBM:
    torch.manual_seed(seed)
    one = RBM(VISIBLE, HIDDEN).double()
    with torch.no_grad():
        for p in one.parameters():
            p.copy_(torch.randn(p.shape))
    return one


def states(n):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def joint(one: RBM) -> torch.Tensor:
    """P(v, h) from the energy itself, v down and h across."""
    v, h = states(VISIBLE), states(HIDDEN)
    energy = -(v @ one.b)[:, None] - (h @ one.c)[None] - v @ one.W.T @ h.T
    return (-energy).flatten().softmax(0).view(len(v), len(h))


def test_likelihoods_are_those_of_all_states():
    one = machine()
    p = joint(one).sum(1)
    torch.testing.assert_close(one.log_likelihood(states(VISIBLE)).exp(), p)
    assert one.log_likelihood(states(VISIBLE)).exp().sum().item() == pytest.approx(1)


def test_a_layer_given_the_other_is_bayes_rule():
    one, v, h = machine(), states(VISIBLE), states(HIDDEN)
    p = joint(one)
    torch.testing.assert_close(one.up(v), (p @ h) / p.sum(1, keepdim=True))
    torch.testing.assert_close(one.down(h), (p.T @ v) / p.sum(0)[:, None])


def test_draws_are_from_the_distribution():
    one = machine()
    p = joint(one).sum(1)
    code = torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    start = torch.zeros(20_000, VISIBLE, dtype=torch.float64)
    draw = torch.Generator().manual_seed(0)
    for v in (one.exact_draw(20_000, draw), one.gibbs(start, 200, draw)):
        shares = torch.bincount((v @ code).long(), minlength=16) / len(v)
        torch.testing.assert_close(shares.double(), p, atol=0.02, rtol=0)


def test_the_gradient_of_contrastive_divergence_is_hintons():
    """For W it is <h v'> after k rounds minus <h v'> of the data, h being probabilities."""
    one = machine()
    v = states(VISIBLE)[:8]
    after = one.gibbs(v, 2, torch.Generator().manual_seed(1))
    one.contrastive(v, 2, torch.Generator().manual_seed(1)).backward()
    hv = [(one.up(x).T @ x / len(x)).detach() for x in (v, after)]
    torch.testing.assert_close(one.W.grad, hv[1] - hv[0])
    torch.testing.assert_close(one.b.grad, (after - v).mean(0))
    torch.testing.assert_close(one.c.grad, (one.up(after) - one.up(v)).mean(0).detach())


def test_machines_side_by_side_are_each_alone():
    each = [machine(seed) for seed in (0, 1)]
    whole = RBM(VISIBLE, HIDDEN).double()
    whole.W, whole.b, whole.c = (
        torch.nn.Parameter(torch.stack([getattr(one, name).detach() for one in each]))
        for name in ("W", "b", "c")
    )
    whole.b.data, whole.c.data = whole.b.data[:, None], whole.c.data[:, None]
    v = torch.stack([states(VISIBLE), states(VISIBLE).flip(0)])
    found = whole.log_likelihood(v)
    for one, x, y in zip(each, v, found, strict=True):
        torch.testing.assert_close(one.log_likelihood(x), y)
    drawn = whole.exact_draw(20_000, torch.Generator().manual_seed(0))
    code = torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    for one, x in zip(each, drawn, strict=True):
        shares = torch.bincount((x @ code).long(), minlength=16) / len(x)
        torch.testing.assert_close(shares.double(), joint(one).sum(1), atol=0.02, rtol=0)


def test_contrastive_divergence_learns_two_pictures():
    """Likelihood rises from that of fair coins to nearly that of the data, -log 2 each."""
    torch.manual_seed(0)
    v = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    one, draw = RBM(4, 2), torch.Generator().manual_seed(0)
    assert one.log_likelihood(v).mean().item() == pytest.approx(-2.77, abs=0.01)
    adam = torch.optim.Adam(one.parameters(), 0.05)
    for _ in range(300):
        loss = one.contrastive(v.repeat(20, 1), 1, draw)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert one.log_likelihood(v).mean() > -1.1


def test_too_many_states_are_refused():
    with pytest.raises(AssertionError, match="too many"):
        RBM(4, 21).log_partition()
