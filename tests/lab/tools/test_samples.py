"""Examples of experiments: divided as runs divide them, however often."""

import torch

from cutaway.data.duplicates import near
from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.lab.tools.samples import copies, samples


def test_divided_as_runs_are():
    images = load("digits")
    for seed in (0, 1):
        parts = split(images, seed=seed)
        learned, tested = samples(load("digits"), seed)
        assert len(learned) == len(parts.train) + len(parts.val)
        assert learned.t.bincount().equal(images.targets[[*parts.train, *parts.val]].bincount())
        assert tested.t.bincount().equal(images.targets[parts.test].bincount())


def test_copies_are_sought_once():
    images, other = load("digits"), load("digits").subset(torch.arange(100))
    found = copies(images)
    assert found.equal(near(images.images))
    assert copies(load("digits")) is found
    assert len(copies(other)) == 100
