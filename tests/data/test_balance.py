import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cutaway.data.balance import balanced_order
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet, Numbered

SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=5)


@given(SIZES, st.integers(0, 100))
def test_each_class_comes_equally_often_and_its_examples_in_turn(sizes, seed):
    classes = torch.repeat_interleave(torch.arange(len(sizes)) * 2, torch.tensor(sizes))
    order = balanced_order(classes, torch.Generator().manual_seed(seed))
    assert len(order) == len(classes)
    per_class = classes[order].bincount()[::2]
    assert per_class.max() - per_class.min() <= 1
    shown = order.bincount(minlength=len(classes))
    for c in range(len(sizes)):
        own = shown[classes == 2 * c]
        assert own.max() - own.min() <= 1


def feed(**options) -> Feed:
    """45 images of one class, 5 of another."""
    g = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (50, 4, 4, 1), generator=g, dtype=torch.uint8)
    images = ImageSet(pixels, torch.tensor([0] * 45 + [1] * 5), ("a", "b"), Numbered("x", 50))
    normalise = Normalise((0.5,), (0.5,))
    return Feed(
        images, torch.arange(50), batch_size=16, normalise=normalise, balanced=True, **options
    )


@pytest.mark.parametrize("repeat", [1, 3])
def test_an_epoch_shows_each_class_equally_often(repeat):
    made = feed(repeat=repeat)
    batches = [made.batch(k) for k in range(made.batches_per_epoch)]
    assert sum(map(len, batches)) == 50 * repeat
    t = torch.cat([batch.t for batch in batches])
    assert t.bincount().tolist() == [25 * repeat, 25 * repeat]
    shown = torch.cat([batch.index for batch in batches]).bincount(minlength=50)
    assert shown[45:].tolist() == [5 * repeat] * 5


def test_a_batch_depends_on_its_number_alone():
    made, again = feed(seed=3), feed(seed=3)
    numbers = [7, 0, 3, 12]
    assert all(torch.equal(again.batch(k).index, made.batch(k).index) for k in sorted(numbers))
    first, second = (made.order(epoch).clone() for epoch in (0, 1))
    assert not torch.equal(first, second)
    assert set(first[first < 45].tolist()) != set(second[second < 45].tolist())
