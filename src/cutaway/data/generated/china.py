"""One photograph, to be fitted pixel by pixel: a temple in China, as scikit-learn ships it."""

from dataclasses import replace
from importlib import util
from pathlib import Path

import torch

from cutaway.data.decode import decode
from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set

SIDE = 256


def china(image_size: int | None) -> ImageSet:
    """The middle square in grey, 256 x 256 pixels unless another size is requested."""
    spec = util.find_spec("sklearn")  # to import it would take longer than all else
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "datasets" / "images" / "china.jpg"
    pixels = decode(file, image_size or SIDE, channels=1)
    images = named_set("china", torch.from_numpy(pixels)[None], {"targets": [0]}, ["china"])
    return replace(images, names=["china.jpg"], whole=True)
