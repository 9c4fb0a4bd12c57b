"""Augmentation of whole batches, on their device, with an explicit generator.

Images are floats in 0..1, before normalisation. An `Augment` works in three steps, whatever the
order in which its transforms are named:

1. Moves by whole pixels (crop, shift, flip) copy pixels, exactly and in the order named.
2. If anything else moves the image (rotate, scale, elastic), shift and flip join it: all of them
   become one affine matrix an image and one displacement field, and the images are sampled once,
   bilinearly, so that they are blurred once. Crop, which reflects, stays exact and comes first.
3. Pixels change (erase, colour), in the order named.

The masks of pictures that are told apart pixel by pixel follow steps 1 and 2 by the same draw
(`Augment.both`), each pixel with the class of the nearest; step 3 leaves them as they are.

How many numbers are drawn depends on the transforms and the shape of the batch alone, so a saved
generator state resumes to the bit. Transforms of no strength draw nothing and change nothing.

`OwnAugment` calls code of the user's own instead (see `own`).
"""

from cutaway.data.augment.compose import AUTO, Augment, augment_for, parse
from cutaway.data.augment.draw import Draw
from cutaway.data.augment.geometry import warp
from cutaway.data.augment.own import OwnAugment, PerBatch, per_batch
from cutaway.data.augment.transforms import (
    KINDS,
    Affine,
    Colour,
    Crop,
    Elastic,
    Erase,
    Flip,
    Move,
    Paint,
    Rotate,
    Scale,
    Shift,
    Transform,
)

__all__ = [
    "AUTO",
    "KINDS",
    "Affine",
    "Augment",
    "Colour",
    "Crop",
    "Draw",
    "Elastic",
    "Erase",
    "Flip",
    "Move",
    "OwnAugment",
    "Paint",
    "PerBatch",
    "Rotate",
    "Scale",
    "Shift",
    "Transform",
    "augment_for",
    "parse",
    "per_batch",
    "warp",
]
