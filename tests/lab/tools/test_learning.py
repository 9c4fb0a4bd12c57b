"""Replicates that learn classes: losses and shares by hand, and each as if it were alone."""

import math

import pytest
import torch
from torch import nn

from cutaway.lab.tools.learning import accuracy, binary_losses, classify, log_losses
from cutaway.lab.tools.samples import Samples, batch_of
from cutaway.learn.fleet.stack import Stack


def test_log_losses_by_hand():
    s = torch.tensor([[[0.0, 0.0], [math.log(3), 0.0]], [[0.0, 0.0], [0.0, math.log(3)]]])
    t = torch.tensor([0, 0])
    expected = [math.log(2) + math.log(4 / 3), math.log(2) + math.log(4)]
    assert log_losses(s, t).tolist() == pytest.approx([x / 2 for x in expected])


def test_classes_of_all_or_of_each():
    s, t = torch.randn(3, 5, 4), torch.tensor([0, 1, 2, 3, 0])
    torch.testing.assert_close(log_losses(s, t), log_losses(s, t.expand(3, -1)))
    own = torch.stack([t, t.flip(0), t])
    assert log_losses(s, own)[1] == log_losses(s[1:2], t.flip(0))[0]


def test_yes_or_no_is_two_classes():
    s, t = torch.randn(2, 6, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 1, 0])
    two = torch.stack([torch.zeros_like(s), s], -1)
    torch.testing.assert_close(binary_losses(s, t.double()), log_losses(two, t))


def test_share_right_by_hand():
    s = torch.eye(4)[torch.tensor([[0, 1, 2, 3], [0, 1, 0, 0]])]
    t = torch.tensor([0, 1, 2, 0])
    assert accuracy(s, t).tolist() == [75, 75]
    assert accuracy(s[0], t).item() == 75  # one network


def test_replicates_learn_as_if_alone():
    torch.manual_seed(0)
    made = [nn.Linear(5, 3) for _ in range(3)]
    alone = [nn.Linear(5, 3) for _ in range(3)]
    for a, b in zip(made, alone, strict=True):
        b.load_state_dict(a.state_dict())
    x, t = torch.randn(3, 8, 5), torch.randint(3, (3, 8))
    nets = Stack(made)
    adam = torch.optim.Adam(nets.parameters(), 0.1)
    history = classify(nets, lambda _: (x, t), adam, 20, apart=True)
    for r, net in enumerate(alone):
        one = Stack([net])
        adam = torch.optim.Adam(one.parameters(), 0.1)
        own = classify(one, lambda _, r=r: (x[r], t[r]), adam, 20)
        torch.testing.assert_close(own[:, 0], history[:, r])
        assert history[-1, r] < history[0, r] / 2


def test_a_batch_of_samples():
    data = Samples(torch.arange(10.0).view(10, 1, 1, 1), torch.arange(10))
    x, t = data.batch(3, 1, 4)
    assert t.tolist() == batch_of(3, 1, 10, 4).tolist() == x.flatten().tolist()
    assert sorted(data.batch(3, 5, 64)[1].tolist()) == list(range(10))  # no more than there are
