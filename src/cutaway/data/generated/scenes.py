"""Pictures of one to three handwritten digits on a patterned ground, with masks.

The ground is noise smoothed at several scales with gratings over it, lighter or darker than the
digits; so neither a grey level nor a line is a sign of a digit.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from cutaway.data import cache
from cutaway.data.generated.moving_digits import sample
from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import DIGITS, named_set
from cutaway.data.pixels import PixelsAndNote, stored

SIDE, MAX_DIGITS, PATCH = (
    64,
    3,
    44,
)  # pixels; digits in a picture; pixels about a digit, turned and large
COUNTS = {"train": 4_000, "test": 1_000}
CLOTH = 512  # pixels a side of the noise that grounds are cut from
SMOOTH = (0.7, 1.5, 3.0, 8.0)  # standard deviations of the ground's scales, pixels
TONE, ROUGH = (70, 185), (8, 22)  # grey levels of a ground, and of the spread of its noise
WAVES, STRONG = (5, 24), 18  # pixels and largest grey levels of a grating
LARGE, TURN = (0.8, 1.4), 0.3  # sizes of MNIST's own; radians to either side
CONTRAST = (70, 120)  # grey levels between a digit and the ground about it
TRIES = 20  # places for a digit that must not touch another, before it is left out


def digit_scenes(mnist: Callable[[], ImageSet]) -> ImageSet:
    """5,000 grey pictures of 64 x 64 pixels with masks, train and test of MNIST's own digits."""
    images, note = stored(cache.digest("scenes", 1), lambda: _make(mnist()))
    n = sum(COUNTS.values())  # pixels come first, and then as many masks
    image_set = named_set("digit_scenes", images[:n], note, ["background", *DIGITS])
    return replace(image_set, masks=images[n:, :, :, 0])


def scenes(mnist: Callable[[], ImageSet]) -> ImageSet:
    """The same pictures with two classes of pixels, ground and digit."""
    image_set = digit_scenes(mnist)
    assert image_set.masks is not None
    return replace(
        image_set,
        name="scenes",
        classes=("background", "digit"),
        masks=image_set.masks.clamp(max=1),
        targets=image_set.targets.clamp(max=1),
    )


def _make(digits: ImageSet) -> PixelsAndNote:
    draw = np.random.RandomState(0)
    pictures, masks = [], []
    for part, count in COUNTS.items():
        figures, classes = sample(digits, part, count * MAX_DIGITS, draw)
        cloths = textures(draw)
        for i in range(count):
            few = slice(i * MAX_DIGITS, i * MAX_DIGITS + draw.randint(1, MAX_DIGITS + 1))
            picture, mask = scene(ground(cloths, draw), figures[few] / 255, classes[few], draw)
            pictures.append(picture)
            masks.append(mask)
    areas = np.stack([np.bincount(mask.ravel(), minlength=11)[1:] for mask in masks])
    note = {"targets": (1 + areas.argmax(1)).tolist(), "counts": COUNTS}
    return np.stack([*pictures, *masks])[..., None], note


def textures(draw: np.random.RandomState) -> list[np.ndarray]:
    """Noise of mean 0 and spread 1 at each scale, large enough to cut many windows from."""
    raw = (draw.standard_normal((CLOTH, CLOTH)) for _ in SMOOTH)
    smooth = [ndimage.gaussian_filter(r, s, mode="wrap") for r, s in zip(raw, SMOOTH, strict=True)]
    return [cloth / cloth.std() for cloth in smooth]


def ground(cloths: list[np.ndarray], draw: np.random.RandomState) -> np.ndarray:
    """A pattern in grey levels: a tone, noise at four scales in any proportion, two gratings."""
    noise = np.zeros((SIDE, SIDE))
    for cloth in cloths:
        top, left = draw.randint(CLOTH - SIDE, size=2)
        noise += draw.uniform() * cloth[top : top + SIDE, left : left + SIDE]
    noise *= draw.uniform(*ROUGH) / noise.std()
    return draw.uniform(*TONE) + noise + _grating(draw) + _grating(draw)


def _grating(draw: np.random.RandomState) -> np.ndarray:
    """a sin(2 pi (x cos v + y sin v) / wavelength + phase), or nothing as often."""
    angle, phase = draw.uniform(0, np.pi), draw.uniform(0, 2 * np.pi)
    wave, strength = draw.uniform(*WAVES), max(0.0, draw.uniform(-STRONG, STRONG))
    if not strength:
        return np.zeros((SIDE, SIDE))
    y, x = np.arange(SIDE)[:, None], np.arange(SIDE)
    return strength * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wave + phase)


def scene(
    behind: np.ndarray, figures: np.ndarray, classes: np.ndarray, draw: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its mask: alpha tone + (1 - alpha) ground, a digit where alpha > 1/2."""
    picture, mask = behind.copy(), np.zeros((SIDE, SIDE), np.uint8)
    occupied = np.zeros((SIDE, SIDE), bool)
    for figure, digit in zip(figures, classes, strict=True):
        alpha = _turned(figure, draw)
        place = _free(occupied, alpha.shape, draw)
        if place is None:
            continue
        about = behind[place].mean()
        away = draw.uniform(*CONTRAST)
        lighter = about + away < 250 and (about - away < 5 or draw.randint(2))
        tone = about + (away if lighter else -away)
        picture[place] = alpha * tone + (1 - alpha) * picture[place]
        mask[place][alpha > 0.5] = digit + 1
        occupied[place] = True
    return np.rint(picture.clip(0, 255)).astype(np.uint8), mask


def _turned(figure: np.ndarray, draw: np.random.RandomState) -> np.ndarray:
    """A digit turned and made larger or smaller, cut to where it is."""
    size, turn = draw.uniform(*LARGE), draw.uniform(-TURN, TURN)
    cos, sin = np.cos(turn) / size, np.sin(turn) / size
    matrix = np.array([[cos, -sin], [sin, cos]])
    centre = (np.array(figure.shape) - 1) / 2 - matrix @ np.full(2, (PATCH - 1) / 2)
    alpha = ndimage.affine_transform(figure, matrix, centre, (PATCH, PATCH), order=1)
    rows, columns = (np.flatnonzero((alpha > 0.05).any(axis)) for axis in (1, 0))
    return alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free(
    occupied: np.ndarray, shape: tuple[int, ...], draw: np.random.RandomState
) -> tuple[slice, slice] | None:
    """A place of this shape where nothing is yet."""
    for _ in range(TRIES):
        top, left = (draw.randint(SIDE - side + 1) for side in shape)
        place = slice(top, top + shape[0]), slice(left, left + shape[1])
        if not occupied[place].any():
            return place
    return None
