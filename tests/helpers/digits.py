"""Real handwritten digits."""

import torch
from sklearn.datasets import load_digits

from cutaway.data.imageset import ImageSet, Numbered


def digits(count: int = 240, size: int = 8) -> ImageSet:
    """The first `count` of scikit-learn's, each of their 8 x 8 pixels drawn size / 8 wide."""
    found = load_digits()
    pixels = torch.from_numpy((found.images * 255 / 16).round().astype("uint8"))[:count, ..., None]
    pixels = pixels.repeat_interleave(size // 8, 1).repeat_interleave(size // 8, 2)
    targets, names = torch.from_numpy(found.target).long()[:count], Numbered("digits", count)
    return ImageSet(pixels, targets, tuple("0123456789"), names, name="digits")
