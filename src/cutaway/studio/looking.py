"""What is on somebody's screen, computed for a small share of the time."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from cutaway.errors import CutawayError
from cutaway.figures import Figure
from cutaway.studio.budget import Budget
from cutaway.studio.scene import Scene
from cutaway.studio.views import Chosen, View, described, views_of
from cutaway.studio.wire import Message, Outbox

FRAME = 1 / 30
"""Seconds from one frame to the next, at least."""
QUIET = 0.5
"""Seconds after which it is told how far a training is, where there was no time for a frame."""


def drawn(
    view: View, scene: Scene, chosen: Chosen, on_fault: Callable[[str], None] = print
) -> Sequence[Figure]:
    """The figures of a view; one that cannot be made costs that view, and says why."""
    try:
        return view.draw(scene, chosen)
    except (CutawayError, RuntimeError, ValueError, TypeError) as error:
        on_fault(str(error).splitlines()[0] if str(error) else type(error).__name__)
        return []


class Looking:
    """Draws the views that are asked for, each when it is due and there is time.

    Attributes:
        views: those that the scene has, unless others are given.
        budget: the time that it may cost.
    """

    def __init__(self, scene: Scene, outbox: Outbox, views: Mapping[str, View] | None = None):
        self.scene, self.outbox = scene, outbox
        self.views = views_of(scene) if views is None else views
        self._asked: dict[str, Mapping[str, Any]] = {}
        self._drawn: dict[str, tuple[float, object]] = {}
        self._versions: dict[str, int] = {}
        self.budget, self._last, self._told = Budget(), 0.0, 0.0

    def ask(self, look: Mapping[str, Any]) -> None:
        """Look at these views from here on, each with its options."""
        self._asked = {name: one if isinstance(one, Mapping) else {} for name, one in look.items()}

    def turn(self, scene: Scene, views: Mapping[str, View]) -> None:
        """Look at another scene, or at one that has changed."""
        self.scene, self.views = scene, views
        self.renew()

    def renew(self, *names: str) -> None:
        """Draw these again, though no step was taken; all of them where none is named."""
        for name in names or self.views:
            self._versions[name] = self._versions.get(name, 0) + 1

    def described(self) -> list[dict[str, Any]]:
        """What a page needs to know of each view."""
        return described(self.views, self.scene)

    @property
    def due(self) -> bool:
        """Whether it is time for a frame; a step asks this."""
        return self.budget.free and self.ready

    @property
    def ready(self) -> bool:
        """Whether those who look could see another frame."""
        rested = monotonic() - self._last >= FRAME
        return rested and not self.outbox.busy and not self.budget.drawing

    def show(self, about: Message, now: bool = False) -> None:
        """Send a frame.

        Args:
            about: what it says beside its figures.
            now: whether nothing is waiting, so that all is drawn.
        """
        clock = monotonic()
        figures = self._figures(clock, now)
        if figures or clock - self._last > 10 * FRAME:
            self._last = self._told = clock
            number = self.budget.sent()
            self.outbox.offer({"kind": "frame", "number": number, **about, "figures": figures})

    def tell(self, about: Callable[[], Message]) -> None:
        """Say how far it is, where nothing has for a while; this needs no time to speak of."""
        clock = monotonic()
        if clock - self._told >= QUIET and not self.outbox.busy:
            self._told = clock
            self.outbox.offer({"kind": "frame", **about(), "figures": {}})

    def _figures(self, clock: float, now: bool) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for name in sorted(filter(self.views.get, self._asked), key=self._when):
            if not now and self.budget.spent:
                break
            view = self.views[name]
            if not now and clock - self._when(name) < view.every:
                continue
            began = monotonic()
            chosen = view.chosen(self.scene, self._asked[name])
            state = self._state(name, chosen)
            if self._drawn.get(name, (0.0, None))[1] != state:
                found[name] = [one.to_dict() for one in self._draw(view, chosen)]
                self._drawn[name] = monotonic(), state
            self.budget.spend(monotonic() - began)
        return found

    def _draw(self, view: View, chosen: Chosen) -> Sequence[Figure]:
        def cost_it(said: str) -> None:
            self._asked.pop(view.name, None)
            text = f"'{view.title}' cannot be shown of this network: {said}"
            self.outbox.say({"kind": "said", "text": text, "tone": "note"})

        return drawn(view, self.scene, chosen, cost_it)

    def _when(self, name: str) -> float:
        return self._drawn.get(name, (0.0, None))[0]

    def _state(self, name: str, chosen: Chosen) -> object:
        """What a view's figures follow from."""
        step = None if self.views[name].by_epoch and self.scene.learns else self.scene.step
        return self._versions.get(name, 0), step, tuple(chosen.items())
