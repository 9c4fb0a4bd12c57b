"""The captioner: what it reads, what it says, and how sure it is."""

import pytest
import torch
from torch.nn import functional as F

from cutaway.models.captioner import Captioner


def test_a_word_depends_on_the_image_and_on_the_words_before_it_alone():
    torch.manual_seed(0)
    net = Captioner(1, 5, (8, 12), maps=2, width=6)
    x, words = torch.rand(2, 1, 8, 12), torch.rand(2, 4, 5)
    other = words.clone()
    other[:, 2:] = torch.rand(2, 2, 5)
    a = net(x, words)
    assert a.shape == (2, 4, 5)
    torch.testing.assert_close(a[:, :2], net(x, other)[:, :2])
    assert not torch.allclose(a[:, 0], net(1 - x, words)[:, 0])


def test_what_it_describes_has_the_probability_that_its_own_logits_say():
    torch.manual_seed(0)
    net = Captioner(1, 4, (8, 8), maps=2, width=6)
    x = torch.rand(5, 1, 8, 8)
    said, p = net.describe(x, 6)
    read = torch.cat([torch.zeros_like(said[:, :1]), said[:, :-1]], 1)
    each = net(x, F.one_hot(read, 4).float()).softmax(2).max(2)
    for words, chances, own in zip(said, each.values, p, strict=True):
        ends = (words == 0).nonzero()
        length = int(ends[0]) + 1 if len(ends) else len(words)
        assert chances[:length].prod().item() == pytest.approx(own.item(), rel=1e-5)
        assert words[length:].eq(0).all()


def test_it_learns_to_tell_left_from_right():
    torch.manual_seed(0)
    t = torch.arange(32) % 2
    x = torch.zeros(32, 1, 8, 8)
    x[t == 0, :, 3:5, :3] = 1
    x[t == 1, :, 3:5, 5:] = 1
    words = torch.stack([t + 1, torch.zeros_like(t)], 1)
    read = F.one_hot(torch.stack([torch.zeros_like(t), t + 1], 1), 3).float()
    net = Captioner(1, 3, (8, 8), maps=2, width=8)
    adam = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        loss = F.cross_entropy(net(x, read).mT, words)
        adam.zero_grad()
        loss.backward()
        adam.step()
    said, p = net.describe(x, 2)
    assert torch.equal(said, words)
    assert p.min() > 0.5
