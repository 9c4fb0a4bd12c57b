"""Commands that several processes carry out together."""

import os
import sys

from cutaway.together.environment import ENDED, Apart, Parted, among_several, leads


def in_several(processes: int) -> None:
    """Carry this command out in so many processes, and end with what they end with.

    Does nothing for one, and in each of those that were started.
    """
    if processes == 1 or among_several():
        return
    from cutaway.together.launch import start

    sys.exit(start(sys.argv[1:], processes))


def speaks(error: Exception) -> bool:
    """Whether this process says what is wrong: the first does, and one that is alone with it."""
    if leads():
        return not (isinstance(error, Parted) and os.environ.get(ENDED))
    return isinstance(error, Apart)
