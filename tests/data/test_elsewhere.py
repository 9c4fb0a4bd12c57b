from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from cutaway.data import elsewhere
from cutaway.data.elsewhere import Elsewhere, along_shards, in_few_shards
from cutaway.data.feed import Feed, Normalise, to_float
from cutaway.data.imageset import ImageSet
from cutaway.errors import DataError
from cutaway.randomness import generator

COUNT, PER_SHARD, WINDOW = 1000, 10, 4


class Kept:
    """Images that lie in this process, and are counted as they are taken."""

    name, digest, per_shard, window = "kept", b"kept", PER_SHARD, WINDOW

    def __init__(self, images: Tensor):
        self.images, self.count, self.shape = images, len(images), tuple(images.shape[1:])
        self.copies = torch.arange(len(images)), torch.arange(len(images))
        self.taken = 0

    def take(self, index: Tensor) -> Tensor:
        self.taken += len(index)
        return self.images[index]

    def soon(self, index: Tensor) -> None:
        self.coming = index


def pair() -> tuple[Tensor, Elsewhere, Kept]:
    """The same images at hand and elsewhere."""
    images = torch.randint(256, (COUNT, 3, 2, 1), generator=generator(0)).to(torch.uint8)
    kept = Kept(images)
    return images, Elsewhere(kept), kept


SOME = torch.tensor([3, 999, 0, 3, -1])
WAYS: dict[str, tuple[Callable[[Tensor], Any], int]] = {
    "one": (lambda x: x[7], 1),
    "the last one": (lambda x: x[-1], 1),
    "by positions": (lambda x: x[SOME], 5),
    "by a list": (lambda x: x[[1, 2]], 2),
    "by a mask": (lambda x: x[torch.arange(COUNT) % 100 == 5], 10),
    "selected": (lambda x: x.index_select(0, SOME.abs()), 5),
    "a slice": (lambda x: x[10:20].numpy(), 10),
    "each tenth": (lambda x: x[5::10].numpy(), 100),
    "a slice of a slice": (lambda x: x[100:200][5:50:9][SOME[:1]], 1),
    "a part": (lambda x: x.split(300)[1].contiguous().numpy(), 300),
    "parts of given sizes": (lambda x: x.split([1, 2, 997])[1].numpy(), 2),
    "numbers": (lambda x: to_float(x[:2]), 2),
    "a channel of some": (lambda x: x[:4][:, 0, :, 0], 4),
    "none": (lambda x: x[SOME[:0]], 0),
    "one after another": (
        lambda x: torch.stack([one for one, _ in zip(x, "ab", strict=False)]),
        10,
    ),
    "what all come to": (lambda x: x.float().sum(), COUNT),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_for_is_as_of_a_tensor_and_no_more_is_taken(way: str) -> None:
    images, lying, kept = pair()
    ask, taken = WAYS[way]
    found = ask(lying)
    assert not isinstance(found, Elsewhere)
    assert torch.equal(torch.as_tensor(found), torch.as_tensor(ask(images)))
    assert kept.taken == taken


def test_what_it_is_costs_nothing() -> None:
    images, lying, kept = pair()
    assert isinstance(lying, Tensor)
    assert (lying.shape, lying.dtype, len(lying), lying.numel(), lying.nbytes, lying.dim()) == (
        images.shape, images.dtype, COUNT, images.numel(), images.nbytes, 4,
    )  # fmt: skip
    assert "kept" in repr(ImageSet(lying, torch.arange(COUNT) % 2, ("a", "b"), ["x"] * COUNT))
    assert kept.taken == 0


def test_a_position_that_is_not_there_is_refused() -> None:
    _, lying, _ = pair()
    with pytest.raises(IndexError, match="1000"):
        lying[torch.tensor([COUNT])]


def test_more_than_memory_should_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, lying, kept = pair()
    monkeypatch.setattr(elsewhere, "MOST", 100)
    with pytest.raises(DataError, match="would need in memory at once: pack them at the size"):
        lying.float()
    assert lying[:3].float().shape == (3, 3, 2, 1)
    assert kept.taken == 3


def feeds(**options: Any) -> tuple[Feed, Kept]:
    _, lying, kept = pair()
    images = ImageSet(lying, torch.arange(COUNT) % 2, ("a", "b"), ["x"] * COUNT)
    index = options.pop("index", torch.arange(COUNT))
    normalise = Normalise((0.5,), (0.5,))
    return Feed(images, index, batch_size=50, normalise=normalise, **options), kept


@pytest.mark.parametrize("options", [{}, {"repeat": 2}, {"balanced": True}, {"seed": 3}])
def test_an_epoch_shows_what_it_would_show_of_images_at_hand(options: dict[str, Any]) -> None:
    feed, _ = feeds(**options)
    images = ImageSet(pair()[0], torch.arange(COUNT) % 2, ("a", "b"), ["x"] * COUNT)
    same = Feed(images, torch.arange(COUNT), batch_size=50, normalise=feed.normalise, **options)
    assert torch.equal(feed.order(1).sort().values, same.order(1).sort().values)
    assert not torch.equal(feed.order(1), feed.order(0))


def test_few_shards_are_needed_at_a_time() -> None:
    order = feeds()[0].order(0) // PER_SHARD
    first = {shard: int((order == shard).nonzero()[0]) for shard in range(COUNT // PER_SHARD)}
    last = {shard: int((order == shard).nonzero()[-1]) for shard in range(COUNT // PER_SHARD)}
    open_at = [sum(first[s] <= t <= last[s] for s in first) for t in range(COUNT)]
    assert max(open_at) <= WINDOW + 4  # the window, and chance
    assert order[:PER_SHARD].unique().numel() > 1


def test_images_are_mixed_beyond_their_shard() -> None:
    order = feeds()[0].order(0)
    neighbours = (order[1:] // PER_SHARD == order[:-1] // PER_SHARD).double().mean()
    assert neighbours < 2 / WINDOW
    distance = (order[1:] - order[:-1]).abs().double().mean()
    assert distance > COUNT / 5  # of a random order it is a third


def test_a_batch_depends_on_its_number_alone() -> None:
    feed, _ = feeds()
    batches = [feed.batch(number) for number in range(45)]
    other, _ = feeds()
    for number in (44, 3, 21, 20, 0):
        assert torch.equal(other.batch(number).index, batches[number].index)
        assert torch.equal(other.batch(number).x, batches[number].x)


def test_of_images_at_hand_the_order_is_as_it_was() -> None:
    order, draws = torch.randperm(9), generator(0)
    before = draws.get_state()
    assert along_shards(torch.zeros(9, 2, 2, 1), order, draws) is order
    assert torch.equal(draws.get_state(), before)


def test_a_feed_says_what_it_will_want() -> None:
    feed, kept = feeds()
    first = feed.batch(0)
    assert torch.equal(kept.coming[:50], first.index)
    assert len(kept.coming) == COUNT
    evaluated = feed.in_order()
    next(evaluated)
    assert torch.equal(kept.coming, torch.arange(COUNT))
    next(evaluated)
    assert torch.equal(kept.coming, torch.arange(50, COUNT))


def test_the_first_of_few_images_are_these_few() -> None:
    feed, _ = feeds(index=torch.arange(8))
    assert [len(batch) for batch in feed.first(16)] == [8]


def test_a_sample_of_images_elsewhere_is_taken_from_few_shards() -> None:
    images, lying, kept = pair()
    index = torch.arange(0, COUNT, 2)
    assert in_few_shards(images, index, 20) is index
    assert torch.equal(in_few_shards(lying, index, 20), index[:20])
    Normalise.of(lying, torch.arange(COUNT))
    assert kept.taken == COUNT


def test_the_fingerprint_of_images_elsewhere_reads_none() -> None:
    _, lying, kept = pair()
    images = ImageSet(lying, torch.arange(COUNT) % 2, ("a", "b"), ["x"] * COUNT)
    other = ImageSet(lying, 1 - torch.arange(COUNT) % 2, ("a", "b"), ["x"] * COUNT)
    assert images.fingerprint != other.fingerprint
    assert kept.taken == 0
    assert images.subset(torch.arange(3)).fingerprint
    assert kept.taken == 3
