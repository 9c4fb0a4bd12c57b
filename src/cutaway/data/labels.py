"""Choice of a few labelled images among many, for semi-supervised learning."""

import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split
from cutaway.errors import DataError, UsageError
from cutaway.randomness import generator


def labelled(split: Split, images: ImageSet, count: int, seed: int) -> Int[Tensor, " m"]:
    """`count` training images, as many of each class (one more of some), ascending.

    The same seed gives the same images.

    Raises:
        UsageError: there are more classes than labels, or more labels than training images.
        DataError: a class has too few training images.
    """
    classes = len(images.classes)
    if not classes <= count <= len(split.train):
        raise UsageError(
            f"{count} labels cannot be drawn: ask for at least one of each of the {classes} "
            f"classes, and for no more than the {len(split.train):,} training images."
        )
    draw = generator(seed, "labels")
    more = torch.randperm(classes, generator=draw)[: count % classes]
    shuffled = split.train[torch.randperm(len(split.train), generator=draw)]
    targets = images.targets[shuffled]
    selected = []
    for c in range(classes):
        needed = count // classes + int(c in more)
        indices = shuffled[targets == c][:needed]
        if len(indices) < needed:
            raise DataError(
                f"Class '{images.classes[c]}' has {len(indices)} training images, too few for "
                f"{needed} of the {count} labels: ask for fewer labels."
            )
        selected.append(indices)
    return torch.cat(selected).sort().values
