import pytest
import torch
from helpers.batches import images, rng
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.data.augment import (
    KINDS,
    Augment,
    Colour,
    Crop,
    Elastic,
    Erase,
    Flip,
    Rotate,
    Scale,
    Shift,
    parse,
)
from cutaway.errors import UsageError

TEXTS = [
    "none",
    "flip",
    "flip:0.25",
    "shift:2",
    "crop:4+flip",
    "rotate:10+scale:0.1+shift:2+elastic:8:4",
    "erase:5",
    "colour:0.2",
    "colour:0.2:0.1:0.3",
    "crop:2+rotate:15+flip+erase:3+colour:0.1",
]


def transforms():
    """A kind of transform with possible numbers. The test makes the transform: the checks of its
    annotations draw from `random`, which a strategy must not."""
    up_to = lambda most: st.floats(0, most)  # noqa: E731
    pixels = st.integers(0, 9)
    numbers = {
        Shift: [pixels], Flip: [up_to(1)], Crop: [pixels], Rotate: [up_to(180)],
        Scale: [up_to(0.9)], Elastic: [up_to(60), st.floats(0.5, 9)], Erase: [pixels],
        Colour: [up_to(1), up_to(1), up_to(1)],
    }  # fmt: skip
    return st.one_of(st.tuples(st.just(kind), *each) for kind, each in numbers.items())


def augmentation(chosen):
    return Augment(tuple(kind(*numbers) for kind, *numbers in chosen))


# What a recipe writes


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back(text):
    assert str(parse(text)) == text


@given(st.lists(transforms(), max_size=4))
def test_every_augmentation_comes_back_from_its_text(chosen):
    augment = augmentation(chosen)
    assert parse(str(augment)) == augment


def test_spaces_and_whole_numbers_as_floats_are_read():
    assert parse(" crop : 4.0 + flip ") == Augment((Crop(4), Flip()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flop", "no augmentation 'flop'. Did you mean 'flip'?"),
        ("color:1", "Did you mean 'colour'?"),
        ("", "Choose one of: colour, crop, elastic, erase, flip, none, rotate, scale, shift."),
        ("flip+", "no augmentation ''"),
        ("shift", "'shift' has 0 numbers; write it as shift:PIXELS."),
        ("elastic:8", "write it as elastic:ALPHA:SIGMA."),
        ("flip:0.5:2", "'flip:0.5:2' has 2 numbers; write it as flip:P."),
        ("shift:two", "'pixels' of shift takes a whole number, not 'two'."),
        ("shift:", "takes a whole number, not ''"),
        ("shift:-1", "'pixels' of shift must be at least 0 and at most 1000, not -1."),
        ("shift:1.5", "takes a whole number, not '1.5'."),
        ("rotate:nan", "'degrees' of rotate must be at least 0 and at most 180, not nan."),
        ("shift:nan", "takes a whole number"),
        ("erase:inf", "not 'inf'"),
        ("flip:1.01", "'p' of flip must be at least 0 and at most 1, not 1.01."),
        ("scale:1", "at least 0 and at most 0.99, not 1."),
        ("elastic:8:0", "'sigma' of elastic must be at least 0.5 and at most 1000, not 0."),
        ("colour:0.1:-0.1", "'contrast' of colour"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(text, says):
    with pytest.raises(UsageError) as refusal:
        parse(text)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_crop_wider_than_the_image_is_refused():
    with pytest.raises(UsageError, match="crop:10 needs images of more than 10 pixels a side"):
        parse("crop:10")(images(h=12, w=10), rng())


# What holds for every augmentation


@settings(deadline=None, max_examples=60)
@given(
    st.lists(transforms(), max_size=3),
    st.integers(1, 5),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16]),
    st.sampled_from([torch.contiguous_format, torch.channels_last]),
)
def test_shape_dtype_format_range_and_seed_are_kept(chosen, b, c, dtype, layout):
    augment = augmentation(chosen)
    batch = images(b, c, dtype=dtype).contiguous(memory_format=layout)
    before = batch.clone()
    first, second = rng(7), rng(7)
    out = augment(batch, first)
    assert out.shape == batch.shape
    assert out.dtype == batch.dtype
    assert out.is_contiguous(memory_format=layout)
    assert out.min() >= 0
    assert out.max() <= 1 + torch.finfo(dtype).eps
    assert torch.equal(batch, before)
    assert torch.equal(out, augment(batch, second))
    assert torch.equal(first.get_state(), second.get_state())


@pytest.mark.parametrize("text", TEXTS[1:])
def test_the_generator_decides_and_only_it(text):
    augment, batch = parse(text), images(64)
    generator = rng(1)
    torch.manual_seed(5)
    outside = torch.get_rng_state()
    first, second = augment(batch, generator), augment(batch, generator)
    assert torch.equal(torch.get_rng_state(), outside)
    assert not torch.equal(first, second)
    assert not torch.equal(first, augment(batch, rng(2)))


@pytest.mark.parametrize("text", TEXTS[1:])
def test_the_generator_advances_alike_for_all_images_of_one_shape(text):
    first, second = rng(3), rng(3)
    parse(text)(images(seed=1), first)
    parse(text)(torch.zeros(6, 3, 12, 10, dtype=torch.float64), second)
    assert torch.equal(first.get_state(), second.get_state())


@pytest.mark.parametrize(
    "text",
    [
        *["none", "shift:0", "flip:0", "crop:0", "rotate:0", "scale:0", "elastic:0:4", "erase:0"],
        *["colour:0", "colour:0:0:0"],
    ],
)
def test_no_strength_changes_nothing(text):
    generator = rng()
    assert torch.equal(parse(text)(images(), generator), images())
    assert torch.equal(generator.get_state(), rng().get_state())


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_one_batch_change_independently(kind):
    numbers = {"elastic": ":30:2", "colour": ":0.5", "flip": "", "scale": ":0.4"}.get(kind, ":4")
    alike = images(1).expand(32, -1, -1, -1)
    out = parse(kind + numbers)(alike, rng())
    assert (out != out[:1]).flatten(1).any(1).any()


def test_an_augmentation_can_be_read_from_a_noncontiguous_batch():
    batch = images(8)[::2]
    assert torch.equal(parse("shift:2")(batch, rng()), parse("shift:2")(batch.clone(), rng()))


def stripes(b=6, h=12, w=10):
    """Masks of four classes, and images of one channel whose grey level is the class."""
    masks = torch.randint(0, 4, (b, h, w), generator=rng(5), dtype=torch.uint8)
    return masks.float()[:, None] / 4, masks


@pytest.mark.parametrize("text", TEXTS)
def test_images_move_alike_with_their_masks_and_without(text):
    x, masks = images(), stripes()[1]
    moved, followed = parse(text).with_masks(x, masks, rng(3))
    assert torch.equal(moved, parse(text)(x, rng(3)))
    assert followed.shape == masks.shape
    assert followed.dtype == masks.dtype


@pytest.mark.parametrize("text", ["flip", "shift:3", "crop:4+flip", "crop:2+shift:1"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_masks_follow_exact_moves_pixel_by_pixel(text, dtype):
    x, masks = stripes()
    moved, followed = parse(text).with_masks(x, masks.to(dtype), rng(1))
    assert torch.equal((moved[:, 0] * 4).to(dtype), followed)
    assert not torch.equal(followed, masks.to(dtype))


def test_masks_follow_a_warp_to_the_nearest_pixel():
    """A field of large squares: away from their edges image and mask must agree."""
    masks = (torch.arange(64) // 16 % 2)[None, :, None] ^ (torch.arange(64) // 16 % 2)[None, None]
    masks = masks.expand(8, 64, 64).to(torch.uint8)
    x = masks[:, None].float()
    moved, followed = parse("rotate:30+scale:0.2+elastic:8:4+flip").with_masks(x, masks, rng(2))
    sure = (moved[:, 0] < 0.02) | (moved[:, 0] > 0.98)
    assert sure.float().mean() > 0.6
    assert torch.equal(moved[:, 0][sure].round().byte(), followed[sure])
    assert set(followed.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize("grid", [(20,), (4, 12, 10)])
def test_signals_and_videos_are_no_pictures(grid):
    x = torch.rand(3, 1, *grid)
    with pytest.raises(UsageError, match=r"'crop:4\+flip' is for pictures"):
        parse("crop:4+flip")(x, rng())
    assert torch.equal(parse("none")(x, rng()), x)
