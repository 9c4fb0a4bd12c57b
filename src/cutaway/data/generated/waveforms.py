"""Periodic signals of four shapes, of any pitch, phase and loudness, in noise."""

import numpy as np
import torch

from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set

LENGTH, EACH = 128, 1_000
PERIODS, LOUDNESS, NOISE = (2.0, 8.0), (0.4, 0.9), 0.05  # in a signal; of 1; standard deviation
# One period of each, over a phase p in 0..1, within -1..1.
SHAPES = {
    "sine": lambda p: np.sin(2 * np.pi * p),
    "square": lambda p: np.where(p < 0.5, 1.0, -1.0),
    "triangle": lambda p: 4 * np.abs(p - 0.5) - 1,
    "sawtooth": lambda p: 2 * p - 1,
}


def waveforms() -> ImageSet:
    """1,000 signals of each shape, 128 values long; silence lies at half of 255."""
    draw = np.random.RandomState(0)
    signals = np.concatenate([_signals(shape, draw) for shape in SHAPES.values()])
    images = np.rint(127.5 * (1 + signals.clip(-1, 1))).astype(np.uint8)[..., None]
    targets = np.repeat(np.arange(len(SHAPES)), EACH).tolist()
    return named_set("waveforms", torch.from_numpy(images), {"targets": targets}, list(SHAPES))


def _signals(shape, draw: np.random.RandomState) -> np.ndarray:  # type: ignore[no-untyped-def]
    """a s(f t + p) + noise."""
    periods, loudness = draw.uniform(*PERIODS, (EACH, 1)), draw.uniform(*LOUDNESS, (EACH, 1))
    phase = draw.uniform(0, 1, (EACH, 1)) + periods * np.arange(LENGTH) / LENGTH
    return loudness * shape(phase % 1) + NOISE * draw.standard_normal((EACH, LENGTH))
