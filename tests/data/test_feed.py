from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cutaway.data.augment import parse
from cutaway.data.batch import Batch
from cutaway.data.feed import Feed, Normalise, to_float
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.target import Classes
from cutaway.randomness import generator


def images(n=50, c=3) -> ImageSet:
    g = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 5, 4, c), generator=g, dtype=torch.uint8)
    return ImageSet(pixels, torch.arange(n) % 4, tuple("abcd"), Numbered("x", n))


def feed(index=None, **options) -> Feed:
    index = torch.arange(50) if index is None else index
    return Feed(images(), index, normalise=Normalise((0.5,) * 3, (0.25,) * 3), **options)


@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 4))
def test_an_epoch_gives_every_image_once_in_batches_of_nearly_equal_size(count, size, turns):
    made = feed(torch.arange(count), batch_size=size, turns=turns)
    epochs = [
        [made.batch(epoch * made.batches_per_epoch + k) for k in range(made.batches_per_epoch)]
        for epoch in range(2)
    ]
    for batches in epochs:
        assert sorted(torch.cat([b.index for b in batches]).tolist()) == list(range(count))
        sizes = list(map(len, batches))
        assert sizes == [len(t) for t in torch.arange(count).tensor_split(len(sizes))]
        assert max(sizes) <= (3 if size == 2 else size)  # one image alone joins a batch of two
        assert min(sizes) >= min(2, size, count)
        assert len(sizes) % turns == 0 or max(sizes) <= 3


def test_masks_move_with_their_images_whatever_an_older_card_calls_them():
    """A run's card of before says nothing of masks, and a run that goes on reads its targets."""
    base = images(c=1)
    masked = replace(base, masks=base.images[..., 0] % 4)
    plain = Normalise((0.0,), (1.0,))
    for target in (None, Classes(base.classes)):
        batch = Feed(
            masked, torch.arange(50), batch_size=50, normalise=plain, augment=parse("flip"),
            target=target,
        ).batch(0)  # fmt: skip
        assert torch.equal((batch.x[:, 0] * 255).round().long() % 4, batch.t)


def test_46_images_by_32_are_two_batches_of_23():
    made = feed(torch.arange(46), batch_size=32)
    assert [len(made.batch(k)) for k in range(4)] == [23] * 4


def test_told_so_an_epoch_leaves_out_what_does_not_fill_a_batch():
    made = feed(torch.arange(46), batch_size=32, drop_last=True)
    assert (made.batches_per_epoch, made.images_per_epoch) == (1, 32)
    first, second = (made.batch(k).index for k in range(2))
    assert len(first) == len(first.unique()) == len(second) == 32
    assert set(first.tolist()) != set(second.tolist())


@given(st.integers(1, 50), st.integers(1, 60), st.booleans(), st.integers(0, 30))
def test_the_images_before_a_batch_are_those_of_the_batches_before(count, size, drop_last, number):
    made = feed(torch.arange(count), batch_size=size, drop_last=drop_last)
    assert made.images_before(number) == sum(len(made.batch(k)) for k in range(number))


def test_an_epoch_with_repeats_gives_every_image_as_often():
    made = feed(torch.arange(7), batch_size=4, repeat=3)
    seen = torch.cat([made.batch(k).index for k in range(made.batches_per_epoch)])
    assert seen.bincount().tolist() == [3] * 7


def test_half_of_a_batch_has_classes_that_are_told():
    made = feed(torch.arange(10, 50), batch_size=32, labelled=torch.arange(4))
    batches = [made.batch(k) for k in range(made.batches_per_epoch)]
    assert [len(b) for b in batches] == [40, 40]
    told = torch.cat([b.index[b.t >= 0] for b in batches])
    silent = torch.cat([b.index[b.t < 0] for b in batches])
    assert sorted(silent.tolist()) == list(range(10, 50))
    assert (len(told), told.max() < 4) == (40, True)


def test_epochs_differ_and_seeds_differ():
    made, other = feed(batch_size=50), feed(batch_size=50, seed=1)
    assert not torch.equal(made.batch(0).index, made.batch(1).index)
    assert not torch.equal(made.batch(0).index, other.batch(0).index)


@pytest.fixture(scope="module")
def fresh():
    """Each batch as the first that its feed makes."""
    return [noisy().batch(step) for step in range(12)]


def noisy():
    return feed(batch_size=16, augment=parse("shift:1+erase:2"))


@given(steps=st.permutations(range(12)))
def test_a_batch_depends_on_its_step_alone(fresh, steps):
    made = noisy()
    for step in steps:
        batch = made.batch(step)
        assert torch.equal(batch.x, fresh[step].x)
        assert torch.equal(batch.index, fresh[step].index)


def test_pixels_and_targets_belong_together():
    made = feed(batch_size=7, index=torch.arange(10, 31))
    for batch in made.in_order():
        expected = images().images[batch.index].permute(0, 3, 1, 2).double() / 255
        torch.testing.assert_close(batch.x.double() * 0.25 + 0.5, expected, atol=1e-6, rtol=0)
        assert torch.equal(batch.t, batch.index % 4)


def test_in_order_is_in_order_and_never_augmented():
    made, plain = feed(batch_size=16, augment=parse("colour:0.9")), feed(batch_size=16)
    assert torch.cat([b.index for b in made.in_order()]).tolist() == list(range(50))
    assert not torch.equal(made.batch(0).x, plain.batch(0).x)
    for ours, theirs in zip(made.in_order(), plain.in_order(), strict=True):
        assert torch.equal(ours.x, theirs.x)


def test_memory_format_is_as_asked():
    x = feed(batch_size=8).batch(0).x
    assert x.is_contiguous(memory_format=torch.channels_last)
    x = feed(batch_size=8, memory_format=torch.contiguous_format).batch(0).x
    assert x.is_contiguous()


def test_a_batch_larger_than_the_set_is_the_set():
    made = feed(batch_size=1000)
    assert (made.batches_per_epoch, len(made.batch(0))) == (1, 50)


def test_normalise_brings_mean_zero_and_spread_one():
    pixels = images().images
    x = Normalise.of(pixels)(to_float(pixels)).double()
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        x.std((0, 2, 3), unbiased=False), torch.ones(3).double(), atol=1e-5, rtol=0
    )


def test_the_statistics_are_those_of_any_number_of_threads():
    """To the bit: a run's recipe says its own threads, and a machine has others."""
    pixels = torch.randint(0, 256, (600, 32, 32, 1), generator=generator(2)).to(torch.uint8)
    before, found = torch.get_num_threads(), set()
    try:
        for threads in (1, 2, 3, 4):
            torch.set_num_threads(threads)
            found.add(Normalise.of(pixels))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1
    assert found.pop().mean == (pixels.long().sum().item() / (255 * pixels.numel()),)


def test_a_constant_channel_does_not_divide_by_zero():
    pixels = torch.full((4, 3, 3, 1), 7, dtype=torch.uint8)
    assert Normalise.of(pixels)(to_float(pixels)).isfinite().all()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_parts_put_together_are_the_batch(count):
    batch = feed(batch_size=10).batch(0)
    parts = list(batch.parts(count))
    assert len(parts) == min(count, 10)
    assert torch.equal(torch.cat([p.x for p in parts]), batch.x)
    assert all(isinstance(p, Batch) for p in parts)


@pytest.mark.parametrize("grid", [(7,), (5, 4), (3, 5, 4)])
def test_values_of_any_grid_are_normalised_by_channel(grid):
    g = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (20, *grid, 2), generator=g, dtype=torch.uint8)
    made = ImageSet(pixels, torch.zeros(20).long(), ("a",), Numbered("x", 20))
    normalise = Normalise.of(pixels)
    batch = Feed(made, torch.arange(20), batch_size=5, normalise=normalise).batch(0)
    for c in range(2):
        values = pixels[batch.index][..., c].double() / 255
        assert abs(normalise.mean[c] - float((pixels[..., c].double() / 255).mean())) < 1e-9
        expected = (values - normalise.mean[c]) / normalise.std[c]
        torch.testing.assert_close(batch.x[:, c].double(), expected, atol=1e-5, rtol=0)
    assert batch.x.shape == (5, 2, *grid)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_values_of_pictures_stay_as_they_lie(channels):
    pixels = images(c=channels).images
    assert to_float(pixels).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_what_is_kept_ready_is_what_would_be_made(layout, monkeypatch):
    nothing = parse("shift:0+flip:0")
    kept = feed(batch_size=8, augment=nothing, memory_format=layout)
    with monkeypatch.context() as patch:
        patch.setattr("cutaway.data.feed.READY", 0)
        made = feed(batch_size=8, augment=nothing, memory_format=layout)
        expected = [made.batch(step) for step in range(8)]
    for step, batch in enumerate(expected):
        prepared = kept.batch(step)
        assert torch.equal(prepared.x, batch.x)
        assert prepared.x.stride() == batch.x.stride()
        assert torch.equal(prepared.t, batch.t)


def test_a_batch_may_be_written_to():
    made = feed(batch_size=50)
    before = made.batch(0).x.clone()
    made.batch(0).x.zero_()
    assert torch.equal(made.batch(0).x, before)
