"""Commands that several processes carry out together."""

import os
import sys

from cutaway.together import launch


def in_several(processes: int) -> None:
    """Carry this command out in so many processes, and end with what they end with.

    Does nothing for one, and in each of those that were started.
    """
    if processes == 1 or launch.among_several():
        return
    sys.exit(launch.start(sys.argv[1:], processes))


def first() -> bool:
    """Whether this process prints what came out."""
    return launch.number() == 0


def speaks(error: Exception) -> bool:
    """Whether this process says what is wrong: the first does, and one that is alone with it."""
    if launch.number() == 0:
        return not (isinstance(error, launch.Parted) and os.environ.get(launch.ENDED))
    return isinstance(error, launch.Apart)
