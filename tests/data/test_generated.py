"""Made sets: what they say they are, and the same on every machine."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cutaway.data import cache
from cutaway.data.catalog import SOURCES
from cutaway.data.generated import scenes as scenery
from cutaway.data.generated.gates import GATES
from cutaway.data.generated.moving_digits import STEPS, moving_digits
from cutaway.data.generated.shadows import BANDS
from cutaway.data.generated.waveforms import LENGTH, SHAPES
from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.errors import UsageError

OF_NOTHING = [name for name, source in SOURCES.items() if source.generated and not source.of]


@pytest.fixture
def figures() -> Callable[[], ImageSet]:
    """What passes for MNIST: thick crosses and rings, a few in each part."""
    y, x = np.mgrid[-14:14, -14:14] + 0.5
    ring = (np.abs(np.hypot(x, y) - 7) < 2) * 255
    cross = ((np.abs(x) < 2) | (np.abs(y) < 2)) * (np.hypot(x, y) < 10) * 255
    pixels = torch.from_numpy(np.stack([ring, cross] * 6).astype(np.uint8))[..., None]
    parts = torch.tensor([0] * 8 + [2] * 4)
    made = ImageSet(pixels, torch.arange(12) % 2, ("0", "1"), Numbered("x", 12), parts)
    return lambda: made


@pytest.mark.parametrize("name", OF_NOTHING)
def test_a_made_set_is_what_the_catalogue_says(name: str) -> None:
    images, source = load(name), SOURCES[name]
    assert (len(images), len(images.classes)) == (source.count, source.classes)
    assert images.counts() == torch.bincount(images.targets, minlength=source.classes).tolist()
    assert images.name == name
    assert images.licence == source.licence
    assert len(images.names) == len(images)
    assert load(name).fingerprint == images.fingerprint


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("xor", "c1828f6a0415d2766d3f472cb5c4bc2d"),
        ("shadows", "41c8870636c079bdfee88504ebb0e93a"),
        ("waveforms", "10bc814b1951eae26f3f4103dac76de0"),
    ],
)
def test_a_made_set_never_changes(name: str, fingerprint: str) -> None:
    assert load(name).fingerprint == fingerprint


@pytest.mark.parametrize("name", GATES)
def test_gates_compute_what_their_names_say(name: str) -> None:
    images = load(name)
    assert images.whole
    assert images.images.shape == (4, 2, 1)
    computes = {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "nand": lambda a, b: 1 - (a & b),
        "nor": lambda a, b: 1 - (a | b),
        "xor": lambda a, b: a ^ b,
    }
    for (a, b), t in zip((images.images[..., 0] // 255).tolist(), images.targets, strict=True):
        assert computes[name](a, b) == int(t)
    assert split(images).test.tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="Only pictures can be resized"):
        load(name, image_size=8)


def test_a_shadow_tells_the_height() -> None:
    images = load("shadows")
    shadows = images.images[..., 0].double() / 255
    heights = shadows.sum(1)
    assert (shadows.diff(dim=1) <= 0).all()
    assert ((shadows > 0) & (shadows < 1)).sum(1).max() == 1
    assert len(heights.unique()) == len(images)
    for c, most in enumerate(BANDS.values()):
        assert heights[images.targets == c].max() <= most
    assert heights.diff().max() < 0.3  # no gap in the heights


def test_waves_are_of_their_shape() -> None:
    """The third harmonic over the first: 0 of a sine, 1/9 of a triangle, 1/3 of the others; and
    among those the second: 0 of a square, 1/2 of a sawtooth (their Fourier series)."""
    images = load("waveforms")
    assert images.size == (LENGTH,)
    signals = images.images[..., 0].double() / 127.5 - 1
    assert signals.mean().abs() < 0.01
    strong = torch.fft.rfft(signals * torch.hann_window(LENGTH)).abs()
    first = strong[:, 2:10].argmax(1) + 2
    near = lambda k: torch.stack(  # noqa: E731
        [strong.gather(1, (k * first + off)[:, None])[:, 0] for off in (-1, 0, 1)]
    ).amax(0)
    for harmonic, series in ((2, [0, 0, 0, 1 / 2]), (3, [0, 1 / 3, 1 / 9, 1 / 3])):
        for c in range(len(SHAPES)):
            ratio = (near(harmonic) / near(1))[images.targets == c].median()
            assert abs(float(ratio) - series[c]) < 0.08


def test_digits_move_as_their_class_says(figures, monkeypatch) -> None:
    monkeypatch.setattr("cutaway.data.generated.moving_digits.COUNTS", {"train": 40, "test": 8})
    images = moving_digits(figures)
    assert images.images.shape == (48, 8, 32, 32, 1)
    assert images.parts is not None
    assert images.parts.tolist() == [0] * 40 + [2] * 8
    assert images.counts() == [12] * 4
    for video, t in zip(images.images[..., 0], images.targets, strict=True):
        down, across = list(STEPS.values())[int(t)]
        moved = [
            all(
                torch.equal(video[k + 1], video[k].roll((speed * down, speed * across), (0, 1)))
                for k in range(7)
            )
            for speed in (1, 2, 3)
        ]
        assert sum(moved) == 1


def test_scenes_show_what_their_masks_say(figures, monkeypatch) -> None:
    monkeypatch.setattr(scenery, "COUNTS", {"train": 30, "test": 6})
    images = scenery.digit_scenes(figures)
    assert images.masks is not None
    assert images.images.shape == (36, 64, 64, 1)
    assert images.masks.shape == (36, 64, 64)
    assert images.masks.unique().tolist() == [0, 1, 2]
    assert images.classes[:2] == ("background", "0")
    for mask, t in zip(images.masks, images.targets, strict=True):
        areas = torch.bincount(mask.flatten().long(), minlength=3)
        assert int(areas[1:].argmax()) + 1 == int(t)
        assert areas[0] > areas[1:].sum()
    again = scenery.digit_scenes(lambda: pytest.fail("made again"))
    assert again.fingerprint == images.fingerprint
    plain = scenery.scenes(lambda: pytest.fail("made again"))
    assert plain.masks is not None
    assert torch.equal(plain.masks, (images.masks > 0).byte())
    assert torch.equal(plain.images, images.images)
    assert (cache.root() / "packed").is_dir()


def test_a_digit_stands_out_from_a_flat_ground(figures) -> None:
    draw = np.random.RandomState(0)
    ring = figures().images[0, :, :, 0].numpy() / 255
    picture, mask = scenery.scene(np.full((64, 64), 128.0), ring[None], np.array([7]), draw)
    assert set(np.unique(mask)) == {0, 8}
    away = np.abs(picture.astype(int) - 128)
    assert away[mask == 8].min() >= scenery.CONTRAST[0] // 2
    assert away[mask == 0].max() <= scenery.CONTRAST[1] // 2 + 1


def test_china_is_one_grey_picture() -> None:
    images = load("china")
    assert images.images.shape == (1, 256, 256, 1)
    assert images.whole
    assert load("china", image_size=40).size == (40, 40)
    assert 30 < images.images.float().std() < 100


@pytest.mark.slow
def test_real_scenes_and_moving_digits(real_data: Path) -> None:
    for name, size in (("scenes", (64, 64)), ("moving_digits", (8, 32, 32))):
        images = load(name)
        assert (len(images), images.size) == (SOURCES[name].count, size)
        assert images.channels == 1
        assert min(count for count in images.counts() if count) > 200


def test_the_grey_of_a_pixel_says_little_of_what_it_is(figures) -> None:
    """Digits are both lighter and darker than what is about them."""
    draw = np.random.RandomState(0)
    cloths = scenery.textures(draw)
    ring, signs = figures().images[0, :, :, 0].numpy() / 255, []
    for _ in range(20):
        behind = scenery.ground(cloths, draw)
        picture, mask = scenery.scene(behind, ring[None], np.array([0]), draw)
        signs.append(picture[mask == 1].mean() > behind.mean())
    assert 3 < sum(signs) < 17
