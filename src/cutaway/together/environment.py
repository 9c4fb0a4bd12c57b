"""What torchrun says to the processes that it starts, and how they end.

Every command asks it first, so nothing is imported that takes time.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from cutaway.errors import CutawayError, RunError, UsageError

ENDED = "CUTAWAY_ENDED"
"""The variable that names the file in which the processes leave their exit code at the end."""


class Excused(CutawayError):
    """The first process says what is wrong; this one ends in silence."""

    def __init__(self) -> None:
        super().__init__("The first process of this training has ended.")


class Apart(CutawayError):
    """What is wrong with this process alone, so that it has to say it."""


class Parted(RunError):
    """Another process is gone."""


def known_to_all(error: CutawayError) -> CutawayError:
    """What each process raises where all of them have found the same: the first says it."""
    return error if leads() else Excused()


def among_several() -> bool:
    """Whether torchrun started this process beside others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def number() -> int:
    """The number of this process among those that torchrun started."""
    return int(os.environ["RANK"]) if among_several() else 0


def leads() -> bool:
    """Whether this process is alone, or the first of those that train one network: it speaks."""
    return number() == 0


def launched_as() -> str:
    """The name of the launch that this process belongs to, which restarts do not change."""
    return os.environ.get("TORCHELASTIC_RUN_ID", "")


def restarted() -> bool:
    """Whether processes of this launch were killed, and started again."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def refuse_several(job: str) -> None:
    """Refuse a job that several processes of torchrun would each do. Raises UsageError."""
    if among_several():
        raise UsageError(
            f"{job} is many trainings, and these processes do one together: leave --processes out, "
            "or start it without torchrun."
        )


def leave(code: int, told: bool) -> int:
    """Note the code that this process ends with, so that all of them end for good.

    Args:
        told: whether this process is the one that has said how it ended.

    Returns:
        The code to end with: 0 where the agent would take any other for a mishap.
    """
    place = os.environ.get(ENDED)
    if not place or not among_several():
        return code
    if told:
        Path(place).write_text(str(code))
    return 0


def end(code: int) -> NoReturn:
    """End this process; one of several without closing Python down, as `launch.SETTLED` tells."""
    if among_several():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def over() -> bool:
    """Whether the training has ended before this process was started again."""
    place = os.environ.get(ENDED)
    return bool(place) and Path(place or "").exists()
