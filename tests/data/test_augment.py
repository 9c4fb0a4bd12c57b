import math

import pytest
import torch
import torch.nn.functional as F
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
    warp,
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


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def images(b=6, c=3, h=12, w=10, seed=0, **to):
    return torch.rand(b, c, h, w, generator=rng(seed)).to(**to)


def transforms():
    """Any transform of any kind with possible numbers."""
    up_to = lambda most: st.floats(0, most)  # noqa: E731
    return st.one_of(
        st.builds(Shift, st.integers(0, 9)),
        st.builds(Flip, up_to(1)),
        st.builds(Crop, st.integers(0, 9)),
        st.builds(Rotate, up_to(180)),
        st.builds(Scale, up_to(0.9)),
        st.builds(Elastic, up_to(60), st.floats(0.5, 9)),
        st.builds(Erase, st.integers(0, 9)),
        st.builds(Colour, up_to(1), up_to(1), up_to(1)),
    )


# What a recipe writes


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back(text):
    assert str(parse(text)) == text


@given(st.lists(transforms(), max_size=4))
def test_every_augmentation_comes_back_from_its_text(chosen):
    augment = Augment(tuple(chosen))
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
        ("shift:two", "The pixels of shift must be a number, not 'two'."),
        ("shift:", "must be a number, not ''"),
        ("shift:-1", "The pixels of shift must be a whole number from 0 to 1000, not -1."),
        ("shift:1.5", "must be a whole number from 0 to 1000, not 1.5."),
        ("rotate:nan", "The degrees of rotate must be a number from 0 to 180, not nan."),
        ("shift:nan", "must be a whole number"),
        ("erase:inf", "not inf"),
        ("flip:1.01", "The p of flip must be a number from 0 to 1, not 1.01."),
        ("scale:1", "from 0 to 0.99, not 1."),
        ("elastic:8:0", "The sigma of elastic must be a number from 0.5 to 1000, not 0."),
        ("colour:0.1:-0.1", "The contrast of colour"),
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
    augment = Augment(tuple(chosen))
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


# Each transform against an oracle


def rolled(image, down, across):
    """One image moved over zeros."""
    h, w = image.shape[1:]
    wide = F.pad(image, (w, w, h, h))
    return torch.roll(wide, (down, across), (1, 2))[:, h : 2 * h, w : 2 * w]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_shift_is_a_roll_over_zeros(layout):
    batch = images(40).contiguous(memory_format=layout)
    out = parse("shift:3")(batch, rng(4))
    moves = torch.randint(-3, 4, (40, 2), generator=rng(4)).tolist()
    oracle = torch.stack([rolled(image, *move) for image, move in zip(batch, moves, strict=True)])
    assert torch.equal(out, oracle)
    assert {move for pair in moves for move in pair} == set(range(-3, 4))


def test_a_shift_beyond_the_border_leaves_zeros():
    out = Shift(40).move(torch.ones(200, 1, 6, 6), rng())
    assert (out.sum((1, 2, 3)) == 0).any()


def test_flip_always_is_torch_flip():
    assert torch.equal(parse("flip:1")(images(), rng()), images().flip(3))


def test_flip_takes_its_share():
    batch = images(2000, 1, 3, 4)
    same = (parse("flip:0.3")(batch, rng()) == batch).flatten(1).all(1)
    assert same.float().mean() == pytest.approx(0.7, abs=0.04)


def test_crop_is_a_window_of_the_reflected_image():
    batch = images(30)
    out = parse("crop:4")(batch, rng(2))
    wide = F.pad(batch, (4, 4, 4, 4), "reflect")
    corners = (4 + torch.randint(-4, 5, (30, 2), generator=rng(2))).tolist()
    for i, (top, left) in enumerate(corners):
        assert torch.equal(out[i], wide[i, :, top : top + 12, left : left + 10])


def test_exact_moves_act_in_the_order_named():
    batch, generator = images(), rng(9)
    out = parse("flip:1+shift:2")(batch, rng(9))
    generator.manual_seed(9)
    step = Flip(1.0).move(batch, generator)
    assert torch.equal(out, Shift(2).move(step, generator))


def turned(degrees, **to):
    angle = torch.tensor([math.radians(degrees)])
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros(1), torch.ones(1)
    entries = [cos, -sin, zero, sin, cos, zero, zero, zero, one]
    return torch.stack(entries, 1).view(1, 3, 3).to(**to)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, -1])
def test_warp_by_right_angles_is_rot90(turns):
    batch = images(4, h=9, w=9)
    out = warp(batch, turned(90 * turns).expand(4, 3, 3))
    assert torch.allclose(out, torch.rot90(batch, turns, (2, 3)), atol=1e-5)


def test_warp_in_float64_is_exact():
    batch = images(4, h=9, w=9, dtype=torch.float64)
    out = warp(batch, turned(180, dtype=torch.float64).expand(4, 3, 3))
    assert torch.allclose(out, batch.flip(2, 3), atol=1e-6)


def test_warp_by_whole_pixels_equals_the_exact_shift():
    batch = images(20)
    move = Shift(3)
    assert torch.allclose(warp(batch, move.matrix(20, rng(1))), move.move(batch, rng(1)), atol=1e-5)


def test_warp_flips_as_flip_does():
    batch = images(20)
    assert torch.allclose(
        warp(batch, Flip().matrix(20, rng(1))), Flip().move(batch, rng(1)), atol=1e-5
    )


def test_a_displacement_of_one_pixel_is_a_shift():
    batch = images(2)
    right = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(2, 2, 12, 10)
    out = warp(batch, torch.eye(3).expand(2, 3, 3), right)
    assert torch.allclose(out, torch.stack([rolled(image, 0, -1) for image in batch]), atol=1e-5)


def test_maps_are_composed_in_the_order_named():
    """A flip, then a shift, sampled with a rotation too small to see."""
    batch = images(16)
    out = parse("flip:1+shift:2+rotate:0.00001")(batch, rng(3))
    generator = rng(3)
    Flip(1.0).matrix(16, generator)  # draws as the composed one does
    oracle = Shift(2).move(batch.flip(3), generator)
    assert torch.allclose(out, oracle, atol=1e-4)


def test_one_sampling_blurs_less_than_two():
    """Turning by an angle and back in one sampling gives the image again."""
    batch = images(1, h=32, w=32)
    there, back = turned(20), turned(-20)
    assert torch.allclose(warp(batch, there @ back), batch, atol=1e-4)
    assert not torch.allclose(warp(warp(batch, there), back), batch, atol=1e-2)


def test_rotate_draws_angles_up_to_its_own():
    matrix = Rotate(30.0).matrix(4000, rng())
    angle = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]).rad2deg()
    assert angle.abs().max() <= 30.001
    assert angle.std() == pytest.approx(60 / math.sqrt(12), rel=0.05)
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(4000), atol=1e-5)


def test_scale_magnifies_by_its_factor():
    factor = 1 / Scale(0.2).matrix(4000, rng())[:, 0, 0]
    assert 0.8 <= factor.min() < 0.81
    assert 1.19 < factor.max() <= 1.2


@pytest.mark.parametrize(("alpha", "sigma"), [(34.0, 4.0), (8.0, 4.0), (10.0, 1.5)])
def test_elastic_has_the_size_and_smoothness_of_the_paper(alpha, sigma):
    """Against the paper's own way: uniform numbers at every pixel, smoothed by a Gaussian."""
    field = Elastic(alpha, sigma).displacement(600, 28, 28, rng())
    rms = alpha / math.sqrt(3) / (2 * math.sqrt(math.pi) * sigma)
    assert field.std() == pytest.approx(rms, rel=0.05)
    assert field.mean().abs() < 0.1 * rms
    assert field[..., 0].std() == pytest.approx(
        field[..., 14].std().item(), rel=0.1
    )  # also at the border
    for lag in (1, 3, 6):
        alike = (field[..., lag:] * field[..., :-lag]).mean() / rms**2
        assert alike == pytest.approx(math.exp(-(lag**2) / (4 * sigma**2)), abs=0.06)


def test_erase_paints_a_square_with_the_mean():
    batch = images(50)
    out = parse("erase:5")(batch, rng())
    changed = (out != batch).any(1)
    assert changed.any(2).sum(1).max() == 5
    assert changed.any(1).sum(1).max() == 5
    assert changed.flatten(1).any(1).all()  # the centre is always inside
    mean = batch.mean((2, 3), keepdim=True).expand_as(batch)
    assert torch.equal(out, torch.where(changed[:, None], mean, batch))


def test_colour_moves_the_three_in_turn():
    batch = 0.4 + 0.1 * images(200)
    brighter = parse("colour:0.2")(batch, rng()) / batch
    assert torch.allclose(brighter, brighter[:, :1, :1, :1].expand_as(batch), atol=1e-5)
    assert brighter.std(0).max() > 0.1

    contrast = parse("colour:0:0.5")(batch, rng())
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    grey = lambda x: (x * luma).sum(1).mean((1, 2))  # noqa: E731
    assert torch.allclose(grey(contrast), grey(batch), atol=1e-5)
    assert not torch.allclose(contrast, batch, atol=1e-2)

    saturated = parse("colour:0:0:0.5")(batch, rng())
    assert torch.allclose((saturated * luma).sum(1), (batch * luma).sum(1), atol=1e-5)
    assert not torch.allclose(saturated, batch, atol=1e-2)


def test_saturation_leaves_grey_images_alone():
    batch = images(4, c=1)
    assert torch.allclose(parse("colour:0:0:0.9")(batch, rng()), batch)


def stripes(b=6, h=12, w=10):
    """Masks of four classes, and images of one channel whose grey level is the class."""
    masks = torch.randint(0, 4, (b, h, w), generator=rng(5), dtype=torch.uint8)
    return masks.float()[:, None] / 4, masks


@pytest.mark.parametrize("text", TEXTS)
def test_images_move_alike_with_their_masks_and_without(text):
    x, masks = images(), stripes()[1]
    moved, followed = parse(text).both(x, masks, rng(3))
    assert torch.equal(moved, parse(text)(x, rng(3)))
    assert followed.shape == masks.shape
    assert followed.dtype == masks.dtype


@pytest.mark.parametrize("text", ["flip", "shift:3", "crop:4+flip", "crop:2+shift:1"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_masks_follow_exact_moves_pixel_by_pixel(text, dtype):
    x, masks = stripes()
    moved, followed = parse(text).both(x, masks.to(dtype), rng(1))
    assert torch.equal((moved[:, 0] * 4).to(dtype), followed)
    assert not torch.equal(followed, masks.to(dtype))


def test_masks_follow_a_warp_to_the_nearest_pixel():
    """A field of large squares: away from their edges image and mask must agree."""
    masks = (torch.arange(64) // 16 % 2)[None, :, None] ^ (torch.arange(64) // 16 % 2)[None, None]
    masks = masks.expand(8, 64, 64).to(torch.uint8)
    x = masks[:, None].float()
    moved, followed = parse("rotate:30+scale:0.2+elastic:8:4+flip").both(x, masks, rng(2))
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
