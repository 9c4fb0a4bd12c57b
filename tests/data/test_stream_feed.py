"""Batches of a stream: in its order, without what is held out, the same from wherever."""

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest
import torch
from helpers.digits import digits

from cutaway.data.augment import parse
from cutaway.data.endless import Stream
from cutaway.data.feed import Normalise
from cutaway.data.sources import load
from cutaway.data.stream_feed import StreamFeed
from cutaway.errors import RunError, TrainingError

DIGITS = digits(100)
HELD = [3, 4, 11]


def endless(dark: int = 10**9) -> Iterator[Any]:
    """Digits over and over, from some item on with a dot."""
    for i in count():
        image = DIGITS.images[i % 100].clone()
        image[0, 0, 0] = 255 if i >= dark else 0
        yield image, int(DIGITS.targets[i % 100])


def feed(stream: Stream, **options: Any) -> StreamFeed:
    images = load(stream)
    index = torch.tensor([i for i in range(len(images)) if i not in HELD])
    return StreamFeed(
        images, index, batches_per_epoch=5, batch_size=8, normalise=Normalise((0.0,), (1.0,)),
        **options,
    )  # fmt: skip


def test_all_but_what_is_held_out_and_its_copies_comes_in_order():
    made = feed(Stream(endless, first=30))
    seen = torch.cat([made.batch(k).index for k in range(30)]).tolist()
    assert seen == [i for i in range(400) if i % 100 not in HELD][:240]
    assert made.images_before(30) == 240
    assert (made.images_per_epoch, made.finite, made.plain) == (40, False, False)
    held = torch.cat([batch.index for batch in made.in_order()]).tolist()
    assert held == [i for i in range(30) if i not in HELD]


def test_a_batch_depends_on_its_number_alone():
    made, other = (feed(Stream(endless, first=30), augment=parse("shift:1")) for _ in range(2))
    forwards = [made.batch(k) for k in range(6)]
    for k in (5, 5, 2, 3, 0):
        batch = other.batch(k)
        assert torch.equal(batch.x, forwards[k].x)
        assert torch.equal(batch.t, forwards[k].t)


def test_it_goes_on_at_a_mark_and_nowhere_else():
    made = feed(Stream(endless, first=30))
    for k in range(7):
        made.batch(k)
    before, after = made.mark(6), made.mark(7)
    assert (before[0], after[0]) == (48, 56)
    for number, mark in ((6, before), (7, after), (0, (0, made.mark(7)[1]))):
        again = feed(Stream(endless, first=30))
        if number:
            again.expect(number, mark)
            assert torch.equal(again.batch(number).x, made.batch(number).x)
        else:
            with pytest.raises(RunError, match="does not give the 0 images again"):
                again.expect(number, mark)
    changed = feed(Stream(lambda: endless(dark=40), first=30))
    with pytest.raises(RunError, match="does not give the 56 images again"):
        changed.expect(7, after)


def test_a_stream_that_ends_says_when():
    made = feed(Stream(lambda: islice(endless(), 60), first=30))
    for k in range(7):
        made.batch(k)
    with pytest.raises(TrainingError, match="ended after 7 batches of 8"):
        made.batch(7)
