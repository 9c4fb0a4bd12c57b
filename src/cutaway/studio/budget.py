"""The time that looking may cost a training.

It costs twice: what is computed for those who look, and steps that take longer because the same
computer draws it. The second is found by comparison: of steps during which a page draws with those
during which none does. So a computer with cores to spare shows more than one without, and neither
trains noticeably slower.
"""

from collections import deque
from time import monotonic

SHARE = 0.03
"""Of the time, at most so much is given to looking while a network learns."""
SAVED = 0.15
"""Seconds of looking that can be saved up."""
LONGEST_DRAWING = 1.0
"""Seconds after which a page that does not answer counts as having drawn."""
AFTER = 0.2
"""Seconds that a browser may go on with a frame after its page is done with it."""
KNOWN_FOR = 10.0
"""Seconds after which the usual time of a step is found anew, for which pages have to wait."""
LISTENED, STEPS = 0.25, 4
"""Seconds of undisturbed steps from which it is found, and their number, at least."""
SELDOM = 10.0
"""It is known for so many times as long as that took, at least."""
KEPT = 32
"""Undisturbed steps that the usual time of a step follows from."""


class Budget:
    """What has been saved up and spent."""

    def __init__(self) -> None:
        now = monotonic()
        self._saved, self._clock = SAVED, now
        self._sent, self._drawn = -LONGEST_DRAWING, -AFTER
        self._number, self._drawing = 0, False
        self._begun: float | None = None
        self._undisturbed = deque[float](maxlen=KEPT)
        self._until, self._listened = 0.0, list[float]()

    @property
    def free(self) -> bool:
        """Whether there is time to look; asking saves up the time since it was last asked."""
        now = monotonic()
        self._saved = min(SAVED, self._saved + SHARE * (now - self._clock))
        self._clock = now
        return self._saved > 0 and now < self._until

    @property
    def spent(self) -> bool:
        return self._saved <= 0

    def spend(self, seconds: float) -> None:
        self._saved -= seconds

    def sent(self) -> int:
        """A frame is on its way to those who look; its number."""
        self._sent, self._drawing = monotonic(), True
        self._number += 1
        return self._number

    def drawn(self, number: int) -> None:
        """All have drawn the frame of this number; some may have drawn it again."""
        if number == self._number:
            self._drawn, self._drawing = monotonic(), False

    @property
    def drawing(self) -> bool:
        """Whether somebody is still drawing the last one."""
        return self._drawing and monotonic() - self._sent < LONGEST_DRAWING

    def begin_step(self) -> None:
        """A step begins, unless it has begun already."""
        if self._begun is None:
            self._begun = monotonic()

    def forget_step(self) -> None:
        """What has begun is more than a step."""
        self._begun = None

    def end_step(self) -> None:
        """A step has ended: what it took beyond the usual, while a page drew, is spent."""
        if self._begun is None:
            return
        now = monotonic()
        took, begun, self._begun = now - self._begun, self._begun, None
        last = min(self._sent + LONGEST_DRAWING, now) if self._drawing else self._drawn + AFTER
        if last <= begun:
            self._undisturbed.append(took)
            self._listened.append(took)
            self._listen(now)
        elif self._undisturbed:
            self.spend(took - self._usual)
            if took < self._usual:  # which is no longer than what is disturbed
                self._undisturbed.append(took)

    def _listen(self, now: float) -> None:
        """The usual time is known for a while, once enough steps have been listened to."""
        seconds = sum(self._listened)
        if seconds > LISTENED and len(self._listened) >= STEPS:
            self._until = now + max(KNOWN_FOR, SELDOM * seconds)
            self._listened.clear()

    @property
    def _usual(self) -> float:
        """Seconds of a step that nothing disturbs: pages are not all that may, so a quick one."""
        return sorted(self._undisturbed)[len(self._undisturbed) // 4]
