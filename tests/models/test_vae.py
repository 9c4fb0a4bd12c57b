import pytest
import torch
from torch.distributions import Normal, kl_divergence

from cutaway.models import build
from cutaway.models.vae import divergence, draw


def test_the_divergence_is_that_of_two_normal_distributions():
    torch.manual_seed(0)
    mu, log_var = torch.randn(5, 3), torch.randn(5, 3)
    q, p = Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)
    torch.testing.assert_close(divergence(mu, log_var), kl_divergence(q, p).sum(1))


def test_draws_have_the_mean_and_variance_asked_for():
    torch.manual_seed(0)
    mu, log_var = torch.tensor([[2.0, -1.0]]), torch.tensor([[-2.0, 1.0]])
    z = draw(mu.expand(100_000, 2), log_var.expand(100_000, 2))
    torch.testing.assert_close(z.mean(0), mu[0], rtol=0, atol=0.02)
    torch.testing.assert_close(z.var(0), log_var[0].exp(), rtol=0.02, atol=0)


def test_the_gradient_passes_through_the_draw():
    """For f = z^2 the gradient of E f = mu^2 + sigma^2 is known: 2 mu and sigma^2."""
    torch.manual_seed(0)
    mu = torch.full((200_000, 1), 0.7, requires_grad=True)
    log_var = torch.full((200_000, 1), -0.5, requires_grad=True)
    draw(mu, log_var).square().sum().backward()
    assert mu.grad.mean().item() == pytest.approx(1.4, abs=0.01)
    assert log_var.grad.mean().item() == pytest.approx(torch.tensor(-0.5).exp().item(), abs=0.01)


@pytest.mark.parametrize("name", ["vae", "conv_vae"])
@pytest.mark.parametrize("size", [(28, 28), (9, 6), (5, 12)])
def test_shapes(name, size):
    net, x = build(name, 2, 4, size, {"latent": 3}), torch.rand(4, 2, *size)
    logits, mu, log_var = net(x)
    assert logits.shape == x.shape
    assert mu.shape == log_var.shape == (4, net.latent) == (4, 3)
    image = net.generate(torch.randn(7, 3))
    assert image.shape == (7, 2, *size)
    assert ((image > 0) & (image < 1)).all()


@pytest.mark.parametrize("name", ["vae", "conv_vae"])
def test_the_elbo_rises_and_every_parameter_learns(name):
    torch.manual_seed(0)
    net, x = build(name, 1, 4, (8, 8)), (torch.rand(32, 1, 8, 8) > 0.5).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        logits, mu, log_var = net(x)
        error = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        loss = error / len(x) + divergence(mu, log_var).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert losses[-1] < losses[0] - 1
