"""Data sets that Cutaway generates, the same on every machine.

Random numbers come from `numpy.random.RandomState`, whose streams NumPy has promised never to
change, and are turned into bytes by arithmetic in double precision.
"""

from collections.abc import Callable

from cutaway.data.imageset import ImageSet


def make(name: str, mnist: Callable[[], ImageSet], image_size: int | None) -> ImageSet:
    """Generate the set of this name; `mnist` is called only where digits are needed for it."""
    # fmt: off
    if name == "shadows":
        from cutaway.data.generated.shadows import shadows as of_its_own
    elif name == "waveforms":
        from cutaway.data.generated.waveforms import waveforms as of_its_own
    elif name == "moving_digits":
        from cutaway.data.generated.moving_digits import moving_digits
        return moving_digits(mnist)
    elif name == "scenes":
        from cutaway.data.generated.scenes import scenes
        return scenes(mnist)
    elif name == "digit_scenes":
        from cutaway.data.generated.scenes import digit_scenes
        return digit_scenes(mnist)
    elif name == "china":
        from cutaway.data.generated.china import china
        return china(image_size)
    else:
        from cutaway.data.generated.gates import gate
        return gate(name)
    return of_its_own()
