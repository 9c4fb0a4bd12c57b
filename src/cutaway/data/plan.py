"""The frame that all pictures of a set are brought to, guessed from the headers of some."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from cutaway.data.frame import Fit, Frame
from cutaway.data.picture import Unreadable, read_header, silenced
from cutaway.data.sample import Sample, as_task
from cutaway.data.worker import fetch

KEPT_UP_TO = 96  # pictures of one size up to this many pixels keep it
LARGEST = 128  # the largest side that is chosen for others
STEPS = (8, 12, 16, 24, 32, 48, 64, 96, LARGEST)  # sides that halve well, one of which is chosen
SAMPLED = 64  # pictures from which the size and colour of all are guessed, to be checked in all


class Plan(NamedTuple):
    """The frame for all pictures, and how it was chosen.

    Attributes:
        native: height and width that each of them has, where none is resized.
        side: what they are brought to if one has another size after all.
        lengths: the shorter sides of the sampled pictures, for a message.
        fixed: nothing that is found in them changes the plan.
    """

    frame: Frame
    native: tuple[int, int] | None
    side: int
    fixed: bool = False
    lengths: str = ""

    @property
    def row(self) -> int:
        """Bytes of a picture."""
        return prod(self.size) * self.frame.channels

    @property
    def size(self) -> tuple[int, ...]:
        assert self.frame.size is not None
        return self.frame.size


def make_plan(samples: Sequence[Sample], image_size: int | Frame | None) -> Plan:
    """The requested frame, or one that fits some samples, evenly chosen, by their headers."""
    if isinstance(image_size, Frame):
        return Plan(image_size, None, 0, fixed=True)
    step = -(-len(samples) // SAMPLED)
    headers = []
    with silenced():
        for sample in samples[::step]:
            try:
                headers.append(read_header(fetch(as_task(sample.source))))
            except Unreadable:  # reported when it is decoded
                continue
    channels = 1 if all(header.grey for header in headers) else 3
    shorter = sorted(min(header[:2]) for header in headers) or [0]
    side, lengths = image_size or usual_side(shorter if headers else []), _lengths_text(shorter)
    shapes = {(header.height, header.width) for header in headers}
    native = shapes.pop() if len(shapes) == 1 else (LARGEST, LARGEST)
    if image_size is None and max(native) <= KEPT_UP_TO:
        square = (max(native), max(native))
        fit: Fit = "cut" if native == square else "pad"
        return Plan(Frame(channels, square, fit), native, side, lengths=lengths)
    return Plan(Frame(channels, (side, side)), None, side, lengths=lengths)


def usual_side(shorter: Sequence[int]) -> int:
    """A side for pictures of these shorter sides: their median, at most 128.

    Where it is not the side of most of them, the step below, so that most are made smaller.
    """
    if not shorter:
        return LARGEST
    median = sorted(shorter)[(len(shorter) - 1) // 2]
    if median <= KEPT_UP_TO and 2 * shorter.count(median) > len(shorter):
        return median
    return max((step for step in STEPS if step <= median), default=STEPS[0])


def _lengths_text(shorter: Sequence[int]) -> str:
    """`17 to 480 pixels, 240 as a rule`, of lengths in their order."""
    low, usual, high = shorter[0], shorter[(len(shorter) - 1) // 2], shorter[-1]
    return f"{low} to {high} pixels, {usual} as a rule" if low < high else f"{low} pixels as a rule"


def wider(plan: Plan, misfit: str) -> Plan:
    """A plan that also fits a picture that this one does not."""
    if misfit == "colour":
        return plan._replace(frame=plan.frame._replace(channels=3))
    size = (plan.side, plan.side)
    return plan._replace(frame=plan.frame._replace(size=size, fit="cut"), native=None)
