"""Videos of one moving digit: no single frame shows its direction.

The digit leaves the frame at one edge and comes in at the other, and starts anywhere; so in each
frame it is anywhere, whatever its direction. Nor does it matter which digit it is.
"""

from collections.abc import Callable

import numpy as np

from cutaway.data import cache
from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set
from cutaway.data.pixels import PixelsAndNote, stored

FRAMES, SIDE = 8, 32
COUNTS = {"train": 2_000, "test": 500}
STEPS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}  # (down, across)
SPEEDS = (1, 2, 3)  # pixels a frame


def moving_digits(mnist: Callable[[], ImageSet]) -> ImageSet:
    """Videos of 8 frames of 32 x 32 pixels, train and test of MNIST's own digits of each."""
    key = cache.digest("moving_digits", 1)
    images, note = stored(key, lambda: _make(mnist()))
    return named_set("moving_digits", images, note, list(STEPS))


def _make(digits: ImageSet) -> PixelsAndNote:
    draw = np.random.RandomState(0)
    samples = [sample(digits, part, count, draw) for part, count in COUNTS.items()]
    figures = np.concatenate([images for images, _ in samples])
    directions = np.concatenate([np.arange(len(images)) % len(STEPS) for images, _ in samples])
    steps = np.array(list(STEPS.values()))[directions] * draw.choice(SPEEDS, (len(directions), 1))
    starts = draw.randint(SIDE, size=(len(directions), 2))
    margin = (SIDE - figures.shape[1]) // 2
    canvas = np.pad(figures, ((0, 0), (margin, margin), (margin, margin)))
    videos = [_film(*one) for one in zip(canvas, starts, steps, strict=True)]
    return np.stack(videos)[..., None], {"targets": directions.tolist(), "counts": COUNTS}


def _film(picture: np.ndarray, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """x_t(place) = x(place - start - t step), the frame's edges joined."""
    return np.stack([np.roll(picture, start + t * step, (0, 1)) for t in range(FRAMES)])


def sample(
    digits: ImageSet, part: str, count: int, draw: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures n h w and classes of `count` digits of one part, no one twice where they suffice."""
    assert digits.parts is not None
    own = np.flatnonzero(digits.parts.numpy() == (0 if part == "train" else 2))
    index = np.resize(draw.permutation(own), count)
    return digits.images[index, :, :, 0].numpy(), digits.targets[index].numpy()
