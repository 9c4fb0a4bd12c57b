"""Attacks on a linear network, where the best one is known."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.attack import accuracy_against_size, few_pixels, fgsm, pgd


def setting():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(2 * 4 * 4, 2))
    return model, torch.rand(5, 2, 4, 4), torch.tensor([0, 1, 0, 1, 0])


def worst(model, t):
    w = model[2].weight.detach()
    return (w[1 - t] - w[t]).reshape(-1, 2, 4, 4)


def test_fgsm_goes_straight_to_the_worst_corner():
    model, x, t = setting()
    adversarial = fgsm(model, x, t, 0.1, -9, 9)
    assert torch.allclose(adversarial, x + 0.1 * worst(model, t).sign(), atol=1e-6)


def test_pgd_ends_there_too_within_the_bounds():
    model, x, t = setting()
    adversarial = pgd(model, x, t, 0.3, 0.0, 1.0)
    assert torch.allclose(adversarial, (x + 0.3 * worst(model, t).sign()).clamp(0, 1), atol=1e-6)


def test_bounds_of_each_channel():
    model, x, t = setting()
    low, high = torch.tensor([0.2, 0.4]).view(2, 1, 1), torch.tensor([0.6, 0.7]).view(2, 1, 1)
    adversarial = pgd(model, x, t, torch.full((2, 1, 1), 0.5), low, high)
    assert (adversarial[:, 0] <= 0.6).all()
    assert (adversarial[:, 1] >= 0.4).all()


def test_one_pixel_is_the_one_that_costs_most():
    model, x, t = setting()
    adversarial = few_pixels(model, x, t, 1, 0.0, 1.0)
    touched = (adversarial != x).any(1).flatten(1)
    assert touched.sum(1).tolist() == [1] * 5
    gain = worst(model, t)
    ends = torch.stack([(gain * (v - x)).sum(1).flatten(1) for v in (0.0, 1.0)]).amax(0)
    assert torch.equal(touched.float().argmax(1), ends.argmax(1))


def test_among_all_ways_the_worst_is_found_where_the_gradient_misleads():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    x, t = torch.rand(1, 1, 5, 5), torch.tensor([1])
    ways = x.repeat(50, 1, 1, 1)
    for i in range(25):
        ways[i].view(-1)[i], ways[25 + i].view(-1)[i] = 0.0, 1.0
    worst = model(ways).log_softmax(1)[:, 1].argmin()
    assert torch.equal(few_pixels(model, x, t, 1, 0.0, 1.0)[0], ways[worst])
    first = few_pixels(model, x, t, 1, 0.0, 1.0, candidates=1)
    assert (first != x).sum() == 1


def test_more_pixels_cost_more():
    model, x, t = setting()
    model.eval()
    losses = [
        F.cross_entropy(model(few_pixels(model, x, t, n, 0.0, 1.0)), t).item() for n in (0, 1, 3)
    ]
    assert losses == sorted(losses)


def margins(model, x, t):
    """How large a change of every pixel a linear network of two classes bears (l-infinity)."""
    s = model.eval()(x).detach()
    i = torch.arange(len(x))
    w = worst(model, t).flatten(1)
    return (s[i, t] - s[i, 1 - t]) / w.abs().sum(1)


def test_accuracy_against_size_is_the_share_of_larger_margins():
    model, _, _ = setting()
    x, t = torch.randn(300, 2, 4, 4), torch.arange(300) % 2
    t = torch.where(torch.rand(300) < 0.8, model.eval()(x).argmax(1), t)  # some are wrong
    model.train()
    bears = margins(model, x, t)
    sizes = [0, 0.02, 0.05, 0.1, 0.2, 0.5]
    expected = [(bears > size).float().mean().item() for size in sizes]
    assert 0 < expected[-1] < expected[2] < expected[0] < 1
    for attack in (fgsm, pgd):
        model.train()
        accuracy = accuracy_against_size(model, x, t, attack, sizes, -9, 9, batch=128)
        assert accuracy.tolist() == pytest.approx(expected)
        assert model[1].training


def test_accuracy_never_rises_though_a_step_overshoots():
    class Ring(nn.Module):
        """Class 0 within 1 of the origin and beyond 2."""

        def forward(self, x):
            r = x.flatten(1).norm(dim=1)
            return torch.stack([(r - 1.5).abs() - 0.5, torch.zeros_like(r)], 1)

    x, t = torch.full((4, 1, 1, 1), 0.9), torch.zeros(4, dtype=torch.long)
    assert accuracy_against_size(Ring(), x, t, fgsm, [0, 0.5, 2], -9, 9).tolist() == [1, 0, 0]
    assert accuracy_against_size(Ring(), x, t, fgsm, [2], -9, 9).tolist() == [1]


def test_accuracy_against_pixels():
    model, x, t = setting()
    t = model.eval()(x).argmax(1)
    accuracy = accuracy_against_size(model, x, t, few_pixels, [0, 1, 2, 8, 32], -2.0, 2.0)
    assert accuracy[0] == 1
    assert accuracy.tolist() == sorted(accuracy.tolist(), reverse=True)
    assert accuracy[-1] == 0


def test_sizes_in_disorder_are_refused():
    model, x, t = setting()
    with pytest.raises(UsageError, match="small to large"):
        accuracy_against_size(model, x, t, fgsm, [0.1, 0], 0, 1)
