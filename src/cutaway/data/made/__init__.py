"""Data sets that Cutaway makes itself, the same on every machine: nothing else decides them.

Random numbers come from `numpy.random.RandomState`, whose streams NumPy has promised never to
change, and are turned into bytes by arithmetic in double precision.
"""

from collections.abc import Callable

from cutaway.data.imageset import ImageSet


def make(name: str, mnist: Callable[[], ImageSet], image_size: int | None) -> ImageSet:
    """The made set of this name; `mnist` is asked for only where digits are wanted for it."""
    # fmt: off
    if name == "shadows":
        from cutaway.data.made.shadows import shadows as of_its_own
    elif name == "waveforms":
        from cutaway.data.made.waveforms import waveforms as of_its_own
    elif name == "moving_digits":
        from cutaway.data.made.moving_digits import moving_digits
        return moving_digits(mnist)
    elif name == "scenes":
        from cutaway.data.made.scenes import scenes
        return scenes(mnist)
    elif name == "digit_scenes":
        from cutaway.data.made.scenes import digit_scenes
        return digit_scenes(mnist)
    elif name == "china":
        from cutaway.data.made.china import china
        return china(image_size)
    else:
        from cutaway.data.made.gates import gate
        return gate(name)
    return of_its_own()
