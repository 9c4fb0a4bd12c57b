"""One picture file as data, for a network that learns only that picture."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cutaway.data.frame import Frame, resampled
from cutaway.data.imageset import ImageSet
from cutaway.data.picture import Unreadable, read, read_header, silenced, values
from cutaway.errors import DataError

LONGEST = 256  # pixels of the longer side, unless another is asked for


def one_picture(path: Path, image_size: int | None) -> ImageSet:
    """A set of one picture, grey or in colour as it is, with its own proportions.

    A larger one is brought to 256 pixels on its longer side; with `image_size` any is brought to
    that. Raises DataError where it cannot be read.
    """
    try:
        with silenced():
            channels, levels = 1 if read_header(str(path)).grey else 3, values(str(path))
            picture = read(str(path), Frame(channels, levels=levels))
    except Unreadable as error:
        raise DataError(f"{path} cannot be used. {error.sentence}") from None
    longest = max(picture.height, picture.width)
    side = image_size or min(longest, LONGEST)
    width, height = (max(1, n * side // longest) for n in (picture.width, picture.height))
    image = Image.frombytes(
        "L" if channels == 1 else "RGB", (picture.width, picture.height), picture.pixels
    )
    if side != longest:
        image = resampled(image, (width, height))
    pixels = torch.from_numpy(np.array(image)).view(1, height, width, channels)
    classes = (path.stem or path.name,)
    return ImageSet(
        pixels, torch.zeros(1).long(), classes, [path.name], name=str(path), whole=True,
        levels=levels,
    )  # fmt: skip
