"""Augmentation by code of the user's own: seeded from outside, checked, nothing global moved."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.digits import digits
from helpers.model_packages import package
from torch import Tensor

from cutaway.data.augment import Draw, OwnAugment, per_batch
from cutaway.data.feed import Feed, Normalise
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError

IMAGES = digits(20)
X = IMAGES.images.movedim(-1, 1) / 255.0
INDEX = torch.arange(20)


def drawn(image: Tensor) -> Tensor:
    """Draws from all three generators that code of a user's own draws from."""
    image = image.roll(random.randrange(8), -1).roll(int(np.random.randint(8)), -2)
    return (image / 255 + 0.1 * torch.rand(image.shape)).clamp(0, 1)


def streams() -> list[Any]:
    """Where the generators of NumPy and PyTorch stand; Python's own is moved by the checks of
    types, and `tests/test_ground.py` asks about it."""
    return [str(np.random.get_state()), torch.get_rng_state().tolist()]


def masked() -> ImageSet:
    """Digits whose ink is to be told, pixel by pixel."""
    ink = (IMAGES.images[..., 0] > 100).to(torch.uint8)
    ones = torch.ones(len(IMAGES), dtype=torch.long)
    return replace(IMAGES, masks=ink, targets=ones, classes=("paper", "ink"))


def test_seed_step_and_image_decide_it_wherever_the_image_stands():
    own = OwnAugment(drawn)
    once, _ = own.of_step(X, None, Draw(1, 5, INDEX))
    order = torch.randperm(20)
    again, _ = own.of_step(X[order], None, Draw(1, 5, INDEX[order]))
    assert torch.equal(again, once[order])
    alone, _ = own.of_step(X[7:8], None, Draw(1, 5, INDEX[7:8]))
    assert torch.equal(alone, once[7:8])
    for other in (Draw(2, 5, INDEX), Draw(1, 6, INDEX)):
        assert not torch.equal(own.of_step(X, None, other)[0], once)


def test_an_image_twice_in_a_batch_is_drawn_twice():
    own = OwnAugment(drawn)
    twice, _ = own.of_step(X[[3, 3]], None, Draw(0, 0, torch.tensor([3, 3])))
    assert not torch.equal(twice[0], twice[1])


def test_a_feed_calls_it_for_training_batches_alone():
    plain = Normalise((0.0,), (1.0,))
    made, other = (
        Feed(IMAGES, INDEX, batch_size=8, normalise=plain, augment=OwnAugment(drawn))
        for _ in range(2)
    )
    made.batch(0)
    assert torch.equal(made.batch(2).x, other.batch(2).x)
    assert torch.equal(next(made.in_order()).x, X[:8].contiguous(memory_format=torch.channels_last))


@pytest.mark.parametrize("given", [drawn, per_batch(drawn)])
def test_nothing_global_moves_also_where_it_fails(given: Any):
    before = streams()
    OwnAugment(given).check(IMAGES)
    assert streams() == before

    def fails(image: Tensor) -> Tensor:
        drawn(image)
        raise KeyError("lost")

    with pytest.raises(UsageError, match="cannot take 1 x 8 x 8, uint8: KeyError: 'lost'"):
        OwnAugment(fails).check(IMAGES)
    assert streams() == before


def test_a_batch_is_handed_over_whole_where_asked_for():
    seen = list[tuple[int, ...]]()

    def flipped(images: Tensor) -> Tensor:
        seen.append(tuple(images.shape))
        return images.flip(-1)

    x, _ = OwnAugment(per_batch(flipped)).of_step(X, None, Draw(0, 0, INDEX))
    assert seen == [(20, 1, 8, 8)]
    torch.testing.assert_close(x, X.flip(-1))


BAD: list[tuple[Callable[[Tensor], Any], str]] = [
    (lambda x: x[:, :6], "makes an image of 1 x 6 x 8 of one of 1 x 8 x 8"),
    (lambda x: x.expand(3, -1, -1), "makes an image of 3 x 8 x 8 of one of 1 x 8 x 8"),
    (lambda x: x * float("nan"), "gives values from nan to nan"),
    (lambda x: x.float(), "gives values from 0 to .* floats are to be in 0..1"),
    (lambda x: x.int(), "gives values of torch.int32: give uint8, or floats in 0..1"),
    (lambda x: None, "gives nothing .None. instead of an image"),
    (lambda x: {"image": x}, "gives a dict instead of an image"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD)
@pytest.mark.parametrize("way", [lambda f: f, per_batch])
def test_what_is_no_image_as_it_was_is_refused_in_a_sentence(
    given: Callable[[Tensor], Any], sentence: str, way: Callable[..., Any]
):
    whole = sentence.replace("1 x 8 x 8", "(2 x )?1 x 8 x 8").replace("of 1 x 6", "of (2 x )?1 x 6")
    if way is per_batch and "3 x 8" in sentence:
        given, whole = (lambda x: x.expand(-1, 3, -1, -1)), "of 2 x 3 x 8 x 8 of one of 2 x 1"
    if way is per_batch and "6 x 8" in sentence:
        given = lambda x: x[..., :6, :]  # noqa: E731
    with pytest.raises(UsageError, match=whole):
        OwnAugment(way(given)).check(IMAGES)


def test_a_generator_of_its_own_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="gives something else each time, whatever the seed"):
        OwnAugment(lambda x: x.roll(int(rng.integers(1, 8)), -1)).check(IMAGES)
    with pytest.raises(UsageError, match="function or transform of your own, not 3"):
        OwnAugment(3)


def test_a_function_of_both_moves_masks_with_their_images():
    def mirrored(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return (image.flip(-1), mask.flip(-1)) if torch.rand(()) < 0.5 else (image, mask)

    images = masked()
    assert images.masks is not None
    own = OwnAugment(mirrored)
    own.check(images)
    x, t = own.of_step(X, images.masks.long(), Draw(0, 0, INDEX))
    assert t is not None
    assert t.dtype == torch.int64
    assert torch.equal(x[:, 0] > 100 / 255, t == 1)
    assert not torch.equal(x, X)


def test_masks_that_cannot_follow_are_refused():
    refused: list[tuple[Any, str]] = [
        (lambda image: image.flip(-1), "takes an image alone, and here its mask has to be moved"),
        (lambda image, mask: image, "was given .image, mask. and gave a Tensor"),
        (lambda image, mask: (image, mask.float()), "a class is an integer"),
        (lambda image, mask: (image, mask + 7), "gives pixels the class 8, which none had"),
        (lambda image, mask: (image, mask[:4]), "makes a mask of 4 x 8 of one of 8 x 8"),
    ]
    for given, sentence in refused:
        with pytest.raises(UsageError, match=sentence):
            OwnAugment(given).check(masked())


def test_its_text_says_what_it_is_and_not_where_it_lies_in_memory():
    class Odd:
        def __call__(self, image: Tensor) -> Tensor:
            return image

    assert str(OwnAugment(drawn)) == "drawn"
    assert OwnAugment(per_batch(drawn)).text == "per_batch(drawn)"
    assert OwnAugment(lambda x: x).text == "<lambda>"
    assert " at 0x" in repr(Odd())
    assert OwnAugment(Odd()).text == OwnAugment(Odd()).text


def test_transforms_of_torchvision_move_images_and_their_masks():
    package("torchvision")
    from torchvision import transforms as v1
    from torchvision.transforms import v2

    turned = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomRotation(20)])
    images = masked()
    assert images.masks is not None
    own = OwnAugment(turned)
    own.check(images)
    x, t = own.of_step(X, images.masks.long(), Draw(0, 0, INDEX))
    assert t is not None
    assert type(x) is type(t) is Tensor
    assert torch.equal(x[:, 0] > 100 / 255, t == 1)
    assert len({bool((x[i] != x[0]).any()) for i in range(1, 20)}) == 1  # each in its own way
    once = OwnAugment(lambda image, mask: turned(image, mask))
    assert torch.equal(once.of_step(X, images.masks.long(), Draw(0, 0, INDEX))[1], t)
    with pytest.raises(UsageError, match="takes an image alone"):
        OwnAugment(v1.RandomRotation(20)).check(images)
    ends = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.5])])
    with pytest.raises(UsageError, match="Leave normalisation out"):
        OwnAugment(ends).check(IMAGES)


def test_transforms_of_albumentations_are_seeded_and_stay_as_they_were():
    A = pytest.importorskip("albumentations", reason="albumentations is not installed")
    given = A.Compose([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)], seed=3)
    own, images = OwnAugment(given), masked()
    assert images.masks is not None
    own.check(images)
    first, mask = own.of_step(X, images.masks.long(), Draw(0, 0, INDEX))
    again, _ = own.of_step(X, images.masks.long(), Draw(0, 0, INDEX))
    assert mask is not None
    assert torch.equal(first, again)
    assert torch.equal(first[:, 0] > 100 / 255, mask == 1)
    ways = [X, X.flip(-1), X.flip(-2), X.flip(-1).flip(-2)]
    kinds = {k for i in range(20) for k, way in enumerate(ways) if torch.equal(first[i], way[i])}
    assert kinds == {0, 1, 2, 3}  # flips are drawn apart from each other
    fresh = A.Compose([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)], seed=3)
    pixels = IMAGES.images[0].numpy()
    for _ in range(5):
        assert np.array_equal(given(image=pixels)["image"], fresh(image=pixels)["image"])
    with pytest.raises(UsageError, match="without per_batch"):
        OwnAugment(per_batch(given))
    with pytest.raises(UsageError, match="makes an image of 1 x 4 x 4 of one of 1 x 8 x 8"):
        OwnAugment(A.Resize(4, 4)).check(IMAGES)
