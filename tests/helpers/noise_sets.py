"""Image sets of noise, to be divided."""

import numpy as np
import torch
from hypothesis import strategies as st

from cutaway.data.imageset import ImageSet
from cutaway.data.split import Split, split


def a_set(targets, groups=None, parts=None, classes=None) -> ImageSet:
    """Noise images with these targets."""
    targets = torch.as_tensor(targets).long()
    n = len(targets)
    noise = torch.Generator().manual_seed(n)
    return ImageSet(
        images=torch.randint(0, 256, (n, 4, 4, 1), generator=noise, dtype=torch.uint8),
        targets=targets,
        classes=classes or tuple(f"class {c}" for c in range(int(targets.max()) + 1)),
        names=[f"image {i}" for i in range(n)],
        groups=None if groups is None else torch.as_tensor(groups).long(),
        parts=None if parts is None else torch.as_tensor(parts).long(),
    )


def apart(images: ImageSet, **options) -> Split:
    """Split with no two images alike."""
    return split(images, duplicates=torch.arange(len(images)), **options)


def covers(parts: Split, n: int) -> bool:
    """Disjoint, ascending and together everything."""
    every = torch.cat([parts.train, parts.val, parts.test, parts.dropped])
    ordered = all((side.diff() > 0).all() for side in (parts.train, parts.val, parts.test))
    return ordered and every.sort().values.equal(torch.arange(n))


@st.composite
def grouped(draw):
    """(groups, targets, val, test): one class a group, each class in four groups or more."""
    sizes = draw(
        st.lists(st.lists(st.integers(1, 9), min_size=4, max_size=30), min_size=1, max_size=5)
    )
    groups, targets, number = [], [], 0
    for c, of_class in enumerate(sizes):
        for size in of_class:
            groups += [number] * size
            targets += [c] * size
            number += 1
    shares = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.45])
    return np.array(groups), np.array(targets), draw(shares), draw(shares)
