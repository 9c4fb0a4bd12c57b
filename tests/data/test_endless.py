"""Streams: what is read first, what later items must be, and how they begin anew."""

import random
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import numpy as np
import pytest
import torch
from helpers.digits import digits
from torch.utils.data import IterableDataset

from cutaway.data.endless import Stream, as_stream
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.data.target import Labels, Values
from cutaway.errors import DataError, UsageError

DIGITS = digits(200)
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def endless() -> Iterator[Any]:
    """Digits over and over."""
    for i in count():
        yield DIGITS.images[i % 200], int(DIGITS.targets[i % 200])


def tail(images: ImageSet, size: int = 16, chunks: int = 5) -> Any:
    assert images.tail is not None
    return list(islice(images.tail.chunks(images, size), chunks))


def test_the_first_items_are_an_image_set_and_the_rest_follows():
    images = load(Stream(endless, first=50))
    assert torch.equal(images.images, DIGITS.images[:50])
    assert torch.equal(images.targets, DIGITS.targets[:50])
    assert images.name == "endless"
    read = tail(images)
    assert torch.equal(torch.cat([one.images for one in read]), DIGITS.images[:80])
    assert torch.equal(torch.cat([one.truth for one in read]), DIGITS.targets[:80])
    assert torch.cat([one.positions for one in read]).tolist() == list(range(80))


class Torch(IterableDataset[Any]):
    classes = tuple(NAMES)

    def __iter__(self) -> Iterator[Any]:
        return islice(endless(), 120)


def test_data_sets_of_pytorch_and_their_classes_are_taken():
    images = load(Torch())
    assert (len(images), images.tail is not None and images.tail.length) == (120, 120)
    assert images.classes == tuple(NAMES)


def test_items_draw_the_same_whenever_they_are_read_and_nothing_global_moves():
    def noisy() -> Iterator[Any]:
        for image, target in endless():
            shift = random.randrange(8) + int(np.random.randint(8)) + int(torch.randint(8, ()))
            yield image.roll(shift, 0), target

    before = str(np.random.get_state()), torch.get_rng_state().tolist()
    images = load(Stream(noisy, first=30))
    read = tail(images, 10, 3)
    assert torch.equal(torch.cat([one.images for one in read]), images.images)
    assert not torch.equal(images.images, DIGITS.images[:30])
    assert (str(np.random.get_state()), torch.get_rng_state().tolist()) == before


def test_a_broken_item_costs_itself():
    def broken() -> Iterator[Any]:
        for i, (image, target) in enumerate(endless()):
            yield (b"no picture" if i % 3 == 2 or 32 <= i < 48 else image), target

    images = load(Stream(broken, first=30))
    assert len(images) == 20
    read = tail(images)
    positions = torch.cat([one.positions for one in read]).tolist()
    assert positions == [i for i in range(80) if i % 3 != 2 and not 32 <= i < 48]
    assert torch.equal(torch.cat([one.images for one in read]), DIGITS.images[positions])


def test_numbers_and_several_labels_follow_too():
    def numbers() -> Iterator[Any]:
        for image, target in endless():
            yield image, float(target) / 2

    def lists() -> Iterator[Any]:
        for image, target in endless():
            yield image, [f"is {target}", "even" if target % 2 == 0 else "odd"]

    valued = load(Stream(numbers, first=40), numbers=True)
    assert isinstance(valued.target, Values)
    assert torch.equal(torch.cat([c.truth for c in tail(valued)])[:, 0], DIGITS.targets[:80] / 2)
    several = load(Stream(lists, first=40))
    assert isinstance(several.target, Labels)
    assert torch.cat([c.truth for c in tail(several)]).sum(1).tolist() == [2] * 80


def test_a_class_that_comes_late_has_to_be_named():
    def late() -> Iterator[Any]:
        for i, (image, target) in enumerate(endless()):
            yield image, "late" if i == 70 else ("even", "odd")[target % 2]

    with pytest.raises(DataError, match=r"has the class 'late' soon after item 64.*classes="):
        tail(load(Stream(late, first=50)))
    images = load(Stream(late, first=50, classes=["even", "odd", "late"]))
    assert int(torch.cat([one.truth for one in tail(images)])[70]) == 2


def test_what_is_no_stream_or_cannot_be_divided_is_refused():
    assert as_stream([1, 2]) is None
    assert as_stream(torch.zeros(3)) is None
    with pytest.raises(UsageError, match="can be read once only"):
        Stream(endless())
    with pytest.raises(UsageError, match="read 10 or more"):
        Stream(endless, first=3)
    with pytest.raises(UsageError, match="cannot be begun"):
        load(lambda size: endless())
    with pytest.raises(UsageError, match=r"must be \(image, target\); item 0 is of type int"):
        load(lambda: iter(range(30)))
    with pytest.raises(DataError, match="no images"):
        load(lambda: iter(()))
    with pytest.raises(UsageError, match="A part cannot be a stream"):
        load({"train": Stream(endless, first=20), "test": (DIGITS.images, DIGITS.targets)})
    ink = (DIGITS.images[..., 0] > 100).long()
    with pytest.raises(DataError, match="Streams of masks are not taken"):
        load(lambda: zip(DIGITS.images, ink, strict=True))


def test_a_streamed_data_set_of_hugging_face_keeps_its_names():
    hf = pytest.importorskip("datasets", reason="`datasets` is not installed")
    known = hf.Features({"image": hf.Array2D((8, 8), "uint8"), "label": hf.ClassLabel(names=NAMES)})
    rows = {"image": DIGITS.images[..., 0].numpy(), "label": DIGITS.targets.tolist()}
    whole = hf.Dataset.from_dict(rows, features=known)
    images = load(Stream(whole.to_iterable_dataset(), first=30))
    assert images.classes == tuple(NAMES)
    read = tail(images)
    assert torch.equal(torch.cat([one.images for one in read]), DIGITS.images[:80])
    assert torch.equal(torch.cat([one.truth for one in read]), DIGITS.targets[:80])
