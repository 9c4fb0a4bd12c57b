"""What the tests of reports learn from."""

import torch
from sklearn.datasets import load_digits

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.learn.run import Run

Made = tuple[Run, ImageSet]
HOSTILE = '<script>alert("x")</script>'


def digits() -> ImageSet:
    """The real handwritten digits, 8 x 8."""
    found = load_digits()
    images = torch.from_numpy((found.images * 255 / 16).round().astype("uint8"))[..., None]
    targets, names = torch.from_numpy(found.target).long(), Numbered("digits", len(images))
    classes = tuple("0123456789")
    return ImageSet(images, targets, classes, names, name="digits", licence="CC BY 4.0")
