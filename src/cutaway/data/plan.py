"""What all pictures of a set are brought to, guessed from the headers of some."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cutaway.data.frame import Fit, Frame
from cutaway.data.picture import Unreadable, look, quietly
from cutaway.data.sample import Sample, as_task
from cutaway.data.worker import fetch

KEEP = 96  # pictures of one size up to this many pixels keep it
MOST = 128  # the largest side that is chosen for others
STEPS = (8, 12, 16, 24, 32, 48, 64, 96, MOST)  # sides that halve well, one of which is chosen
LOOKED_AT = 64  # pictures from which the size and colour of all are guessed, to be checked in all


class Plan(NamedTuple):
    """What all pictures are brought to.

    Attributes:
        native: height and width that each of them has, where none is resized.
        side: what they are brought to if one has another size after all.
        said: of what size those are that were looked at.
        fixed: nothing that is found in them changes the plan.
    """

    frame: Frame
    native: tuple[int, int] | None
    side: int
    fixed: bool = False
    said: str = ""

    @property
    def row(self) -> int:
        """Bytes of a picture."""
        return prod(self.size) * self.frame.channels

    @property
    def size(self) -> tuple[int, ...]:
        assert self.frame.size is not None
        return self.frame.size


def planned(samples: Sequence[Sample], image_size: int | Frame | None) -> Plan:
    """What is asked for, or fits some samples, evenly chosen, by their headers."""
    if isinstance(image_size, Frame):
        return Plan(image_size, None, 0, fixed=True)
    step = -(-len(samples) // LOOKED_AT)
    headers = []
    with quietly():
        for sample in samples[::step]:
            try:
                headers.append(look(fetch(as_task(sample.source))))
            except Unreadable:  # reported when it is decoded
                continue
    channels = 1 if all(header.grey for header in headers) else 3
    shorter = sorted(min(header[:2]) for header in headers) or [0]
    side, said = image_size or usual_side(shorter if headers else []), _told(shorter)
    found = {(header.height, header.width) for header in headers}
    native = found.pop() if len(found) == 1 else (MOST, MOST)
    if image_size is None and max(native) <= KEEP:
        square = (max(native), max(native))
        fit: Fit = "cut" if native == square else "pad"
        return Plan(Frame(channels, square, fit), native, side, said=said)
    return Plan(Frame(channels, (side, side)), None, side, said=said)


def usual_side(shorter: Sequence[int]) -> int:
    """A side for pictures of these shorter sides: their median, at most 128.

    Where it is not the side of most of them, the step below, so that most are made smaller.
    """
    if not shorter:
        return MOST
    median = sorted(shorter)[(len(shorter) - 1) // 2]
    if median <= KEEP and 2 * shorter.count(median) > len(shorter):
        return median
    return max((step for step in STEPS if step <= median), default=STEPS[0])


def _told(shorter: Sequence[int]) -> str:
    """`17 to 480 pixels, 240 as a rule`, of lengths in their order."""
    low, usual, high = shorter[0], shorter[(len(shorter) - 1) // 2], shorter[-1]
    return f"{low} to {high} pixels, {usual} as a rule" if low < high else f"{low} pixels as a rule"


def wider(plan: Plan, misfit: str) -> Plan:
    """A plan that also fits a picture that this one does not."""
    if misfit == "colour":
        return plan._replace(frame=plan.frame._replace(channels=3))
    size = (plan.side, plan.side)
    return plan._replace(frame=plan.frame._replace(size=size, fit="cut"), native=None)
