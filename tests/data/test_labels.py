"""A few labels: evenly over the classes, from the training part alone, the same from a seed."""

import pytest
import torch

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.labels import labelled
from cutaway.data.split import Split, split
from cutaway.errors import DataError, UsageError


def divided(counts: list[int]) -> tuple[Split, ImageSet]:
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    n = len(targets)
    pixels = torch.zeros(n, 4, 4, 1, dtype=torch.uint8)
    images = ImageSet(pixels, targets, tuple("abcdefgh"[: len(counts)]), Numbered("x", n))
    return split(images, duplicates=torch.arange(n)), images


@pytest.mark.parametrize("count", [3, 10, 30])
def test_labels_are_spread_evenly_over_the_classes(count: int) -> None:
    parts, images = divided([100, 40, 30])
    chosen = labelled(parts, images, count, seed=0)
    assert len(chosen.unique()) == count
    assert set(chosen.tolist()) <= set(parts.train.tolist())
    of = torch.bincount(images.targets[chosen], minlength=3)
    assert of.max() - of.min() <= 1
    assert (chosen.diff() > 0).all()


def test_a_seed_says_which() -> None:
    parts, images = divided([100, 100])
    first = labelled(parts, images, 20, seed=0)
    assert first.equal(labelled(parts, images, 20, seed=0))
    assert not first.equal(labelled(parts, images, 20, seed=1))


@pytest.mark.parametrize("count", [0, 2, 1000])
def test_impossible_counts_are_refused(count: int) -> None:
    parts, images = divided([50, 50, 50])
    with pytest.raises(UsageError, match=f"{count} labels cannot be drawn"):
        labelled(parts, images, count, seed=0)


def test_a_class_of_too_few_is_named() -> None:
    parts, images = divided([100, 6])
    with pytest.raises(DataError, match=r"Class 'b' has 4 training images, too few for 10"):
        labelled(parts, images, 20, seed=0)
