"""Attacks on a linear network, where the best one is known."""

import torch
from torch import nn
from torch.nn import functional as F

from cutaway.see.attack import few_pixels, fgsm, pgd


def setting():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(2 * 4 * 4, 2))
    return model, torch.rand(5, 2, 4, 4), torch.tensor([0, 1, 0, 1, 0])


def worst(model, t):
    w = model[2].weight.detach()
    return (w[1 - t] - w[t]).reshape(-1, 2, 4, 4)


def test_fgsm_goes_straight_to_the_worst_corner():
    model, x, t = setting()
    found = fgsm(model, x, t, 0.1, -9, 9)
    assert torch.allclose(found, x + 0.1 * worst(model, t).sign(), atol=1e-6)


def test_pgd_ends_there_too_within_the_bounds():
    model, x, t = setting()
    found = pgd(model, x, t, 0.3, 0.0, 1.0)
    assert torch.allclose(found, (x + 0.3 * worst(model, t).sign()).clamp(0, 1), atol=1e-6)


def test_bounds_of_each_channel():
    model, x, t = setting()
    low, high = torch.tensor([0.2, 0.4]).view(2, 1, 1), torch.tensor([0.6, 0.7]).view(2, 1, 1)
    found = pgd(model, x, t, torch.full((2, 1, 1), 0.5), low, high)
    assert (found[:, 0] <= 0.6).all()
    assert (found[:, 1] >= 0.4).all()


def test_one_pixel_is_the_one_that_costs_most():
    model, x, t = setting()
    found = few_pixels(model, x, t, 1, 0.0, 1.0)
    touched = (found != x).any(1).flatten(1)
    assert touched.sum(1).tolist() == [1] * 5
    gain = worst(model, t)
    ends = torch.stack([(gain * (v - x)).sum(1).flatten(1) for v in (0.0, 1.0)]).amax(0)
    assert torch.equal(touched.float().argmax(1), ends.argmax(1))


def test_more_pixels_cost_more():
    model, x, t = setting()
    model.eval()
    losses = [
        F.cross_entropy(model(few_pixels(model, x, t, n, 0.0, 1.0)), t).item() for n in (0, 1, 3)
    ]
    assert losses == sorted(losses)
