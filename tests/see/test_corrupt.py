"""Corruptions against what their numbers say, on real digits and drawn images."""

from io import BytesIO

import numpy as np
import pytest
import torch
from helpers.digits import digits
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image
from torch.nn import functional as F

from cutaway.errors import UsageError
from cutaway.see.corrupt import CORRUPTIONS, STRENGTHS, accuracies, plasma

BLURS = ("defocus-blur", "motion-blur", "zoom-blur", "pixelate", "contrast")


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def smooth(channels=3, h=32, w=32, count=2):
    """Images with structure at several sizes, so that blurs and compression have something."""
    coarse = torch.rand(count, channels, 8, 8, generator=draw(7))
    fine = torch.rand(count, channels, h, w, generator=draw(8))
    return 0.8 * F.interpolate(coarse, (h, w), mode="bicubic").clamp(0, 1) + 0.2 * fine


@settings(max_examples=20)
@given(
    some.sampled_from(sorted(CORRUPTIONS)), some.sampled_from(STRENGTHS), some.integers(1, 4),
    some.integers(5, 100), some.integers(5, 100),
)  # fmt: skip
def test_images_of_any_size_and_colours_stay_images(name, strength, channels, h, w):
    x = torch.rand(2, channels, h, w, generator=draw())
    corrupted = CORRUPTIONS[name](x, strength, draw())
    assert corrupted.shape == x.shape
    assert 0 <= corrupted.min() <= corrupted.max() <= 1
    assert torch.equal(corrupted, CORRUPTIONS[name](x, strength, draw()))
    whole = (x * 255).round().to(torch.uint8)
    again = CORRUPTIONS[name](whole / 255, strength, draw())
    assert torch.equal(
        CORRUPTIONS[name](whole, strength, draw()), (again * 255).round().to(torch.uint8)
    )


@pytest.mark.parametrize("side", [28, 32, 64, 96])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_strength_is_strength(name, side):
    x = smooth(3, side, side)
    far = [(CORRUPTIONS[name](x, s, draw()) - x).abs().mean().item() for s in STRENGTHS]
    assert far[0] > 0
    if name == "fog":  # its clouds grow rougher, not always brighter
        assert far[-1] > far[0]
    else:
        assert far == sorted(far)


@pytest.mark.parametrize("name", BLURS)
def test_of_one_colour_nothing_is_lost(name):
    x = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(2, 3, 30, 33)
    assert torch.allclose(CORRUPTIONS[name](x, 5, draw()), x, atol=1e-5)


def test_noises_have_the_spread_of_the_paper():
    x = torch.full((1, 1, 84, 84), 0.5)
    assert CORRUPTIONS["gaussian-noise"](x, 3, draw()).std().item() == pytest.approx(0.08, rel=0.05)
    shot = CORRUPTIONS["shot-noise"](x, 5, draw())  # Poisson: mean and variance are one
    assert shot.std().item() == pytest.approx((0.5 / 50) ** 0.5, rel=0.05)
    impulse = CORRUPTIONS["impulse-noise"](x, 5, draw())
    assert (impulse == 1).float().mean().item() == pytest.approx(0.035, abs=0.005)
    assert (impulse == 0).float().mean().item() == pytest.approx(0.035, abs=0.005)
    large = torch.full((1, 1, 90, 90), 0.5)
    assert CORRUPTIONS["gaussian-noise"](large, 1, draw()).std().item() == pytest.approx(
        0.08, rel=0.05
    )


def point(side):
    x = torch.zeros(1, 1, side, side)
    x[..., side // 2, side // 2] = 1
    return x


def test_a_point_out_of_focus_is_a_disk():
    corrupted = CORRUPTIONS["defocus-blur"](point(224), 1, draw())[0, 0]
    assert (corrupted > 1e-6).sum() == 29  # points of the grid within 3 of its middle
    assert corrupted[112, 112 + 3].item() == pytest.approx(1 / 29)
    corrupted = CORRUPTIONS["defocus-blur"](point(32), 4, draw())[0, 0]
    assert corrupted[16, 15:18].tolist() == pytest.approx([0.2] * 3, abs=1e-4)


def test_motion_leaves_half_a_gaussian_on_a_line():
    corrupted = CORRUPTIONS["motion-blur"](point(41), 3, draw())[0, 0]
    assert corrupted.sum().item() == pytest.approx(1, abs=1e-3)
    at = corrupted.nonzero().float() - 20
    assert (at[:, 1] <= 1).all()
    assert (at[:, 0].abs() <= at[:, 1].abs() + 1).all()  # within 45 degrees


def test_zoom_leaves_the_middle_and_draws_out_the_rest():
    x = smooth(1, 33, 33)
    corrupted = CORRUPTIONS["zoom-blur"](x, 5, draw())
    assert torch.allclose(corrupted[..., 16, 16], x[..., 16, 16], atol=1e-5)
    assert (corrupted - x)[..., 16, 0].abs().mean() > 0.01


def test_fog_keeps_the_brightest_value_a_bound():
    x = 0.6 * smooth()
    corrupted = CORRUPTIONS["fog"](x, 4, draw())
    assert (corrupted.amax((1, 2, 3)) <= x.amax((1, 2, 3)) + 1e-6).all()
    thick = corrupted - x * x.amax((1, 2, 3), keepdim=True) / (x.amax((1, 2, 3), keepdim=True) + 1)
    assert torch.allclose(thick, thick[:, :1].expand_as(thick), atol=1e-6)  # grey
    assert (thick > -1e-6).all()


def test_clouds_are_smooth_and_join_at_their_borders():
    clouds = plasma(3, 64, 2.0, draw())
    assert clouds.amin((1, 2)).tolist() == [0] * 3
    assert clouds.amax((1, 2)).tolist() == [1] * 3
    inside = clouds.diff(dim=1).abs().mean()
    assert (clouds[:, 0] - clouds[:, -1]).abs().mean() < 2 * inside
    assert inside < clouds.std() / 3


def test_brightness_keeps_hue_and_saturation():
    import colorsys

    x = 0.6 * smooth()
    corrupted = CORRUPTIONS["brightness"](x, 5, draw())
    for before, after in zip(
        x[0].flatten(1).T[:50].tolist(), corrupted[0].flatten(1).T[:50].tolist(), strict=True
    ):
        h, s, v = colorsys.rgb_to_hsv(*before)
        assert after == pytest.approx(colorsys.hsv_to_rgb(h, s, v + 0.3), abs=1e-5)
    black = torch.zeros(1, 3, 4, 4)
    assert torch.allclose(CORRUPTIONS["brightness"](black, 2, draw()), black + 0.1)


def test_contrast_is_lost_about_the_mean():
    x = smooth()
    corrupted = CORRUPTIONS["contrast"](x, 5, draw())
    assert torch.allclose(corrupted.mean((2, 3)), x.mean((2, 3)), atol=1e-5)
    assert torch.allclose(corrupted.std((2, 3)), 0.15 * x.std((2, 3)), rtol=1e-4)


def test_fewer_pixels_are_left():
    x = smooth(1, 128, 128)
    corrupted = CORRUPTIONS["pixelate"](x, 5, draw())  # 32 a side
    assert torch.allclose(
        corrupted, F.avg_pool2d(x, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    )


@pytest.mark.parametrize("side", [28, 32, 100])
def test_pixels_are_those_of_pillow(side):
    x = (smooth(3, side, side) * 255).round().to(torch.uint8)
    image = Image.fromarray(x[0].movedim(0, -1).contiguous().numpy())
    few = int(side * (0.75 if side < 85 else 0.3))
    image = image.resize((few, few), Image.Resampling.BOX).resize(
        (side, side), Image.Resampling.BOX
    )
    expected = torch.from_numpy(np.array(image)).movedim(-1, 0).int()
    assert (CORRUPTIONS["pixelate"](x, 4, draw())[0].int() - expected).abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(channels):
    x = (smooth(channels) * 255).round().to(torch.uint8)
    file = BytesIO()
    pixels = x[1].movedim(0, -1).squeeze(-1).contiguous().numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=50)
    expected = torch.from_numpy(np.array(Image.open(file))).reshape(32, 32, -1).movedim(-1, 0)
    assert torch.equal(CORRUPTIONS["jpeg"](x, 4, draw())[1], expected)


def test_accuracies_of_a_real_classifier():
    images = digits(240)
    x, t = images.images.movedim(-1, 1), images.targets
    ones = F.pad(x.flatten(1) / 255, (0, 1), value=1.0)
    w = torch.linalg.lstsq(ones, F.one_hot(t).float() - 0.1, driver="gelsd").solution

    def classify(x):
        return (F.pad(x.flatten(1) / 255, (0, 1), value=1.0) @ w).argmax(1)

    before = torch.get_rng_state()
    names = ("gaussian-noise", "contrast")
    result = accuracies(classify, x, t, names, batch=100)
    assert torch.equal(before, torch.get_rng_state())
    assert result.names == names
    assert result.clean == pytest.approx((classify(x) == t).float().mean().item())
    assert result.clean > 0.95
    worst = CORRUPTIONS["contrast"](x, 5, draw())
    right = (classify(worst) == t).float().mean().item()
    assert result.shares[1, 4].item() == pytest.approx(right)
    assert result.shares[1, 4] < result.clean - 0.2
    assert result.mean == pytest.approx(result.shares.mean().item())


def test_bad_requests_are_refused():
    x = smooth()
    with pytest.raises(UsageError, match="strengths 1 to 5, not 6"):
        CORRUPTIONS["fog"](x, 6, draw())
    with pytest.raises(UsageError, match=r"no corruption 'jpg'. Did you mean 'jpeg'"):
        accuracies(lambda x: x, x, torch.tensor([0, 1]), ["jpg"])
