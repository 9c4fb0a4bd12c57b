"""Each transform against an oracle."""

import math

import pytest
import torch
import torch.nn.functional as F
from helpers.batches import images, rng

from cutaway.data.augment import (
    Elastic,
    Flip,
    Rotate,
    Scale,
    Shift,
    parse,
    warp,
)


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
