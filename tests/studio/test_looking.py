"""What is on the screen is computed, and for a small share of the time."""

from typing import ClassVar

import pytest

from cutaway.errors import UsageError
from cutaway.figures import Curves, line
from cutaway.studio import budget
from cutaway.studio import looking as module
from cutaway.studio.budget import SAVED, SHARE
from cutaway.studio.looking import QUIET, Looking
from cutaway.studio.scene import Scene
from cutaway.studio.views import View
from cutaway.studio.wire import Outbox


class Clock:
    """A clock that moves when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Costly(View):
    """A view that takes a tenth of a second."""

    name: ClassVar[str] = "costly"
    title: ClassVar[str] = "Costly"
    every: ClassVar[float] = 0.0
    clock: Clock
    drawn = 0

    @classmethod
    def fits(cls, scene):
        return True

    def draw(self, scene, chosen):
        self.clock.now += 0.1
        type(self).drawn += 1
        return [Curves("c", "x", "y", (line("a", [0, 1], [0, 1]),))]


class Broken(Costly):
    name: ClassVar[str] = "broken"

    def draw(self, scene, chosen):
        raise UsageError("no such thing")


class Standing(Scene):
    """A scene of which nothing but the step is known."""

    learns = True

    def __init__(self):
        self.step = 0


class Box(Outbox):
    """Keeps what it is given."""

    def __init__(self):
        self.frames, self.said, self.waits = [], [], False

    @property
    def busy(self):
        return self.waits

    def offer(self, frame):
        self.frames.append(frame)

    def say(self, message):
        self.said.append(message)


@pytest.fixture
def at(monkeypatch):
    clock = Clock()
    for one in (module, budget):
        monkeypatch.setattr(one, "monotonic", clock)
    Costly.clock, Costly.drawn = clock, 0
    monkeypatch.setattr(module, "views_of", lambda scene: {"costly": Costly(), "broken": Broken()})
    box = Box()
    return Looking(Standing(), box), clock, box


def steps(looking, clock, seconds, step=0.01):
    """Steps of a training of so many seconds of its own, with a look after each."""
    took = 0.0
    while took < seconds:
        clock.now += step
        took += step
        looking.scene.step += 1
        looking.budget.end_step()
        if looking.budget.drawing:
            looking.budget.drawn(looking.budget._number)
        if looking.due:
            looking.show({})
        looking.budget.begin_step()


def test_looking_takes_its_share_of_the_time_and_no_more(at):
    looking, clock, _ = at
    looking.ask({"costly": {}})
    began = clock.now
    steps(looking, clock, 100.0)
    spent = Costly.drawn * 0.1
    assert spent <= SHARE * (clock.now - began) + SAVED + 0.1
    assert spent > 0.5 * SHARE * (clock.now - began)


def test_nothing_is_computed_where_nobody_looks(at):
    looking, clock, box = at
    steps(looking, clock, 10.0)
    assert Costly.drawn == 0
    assert all(not frame["figures"] for frame in box.frames)


def test_how_far_it_is_is_told_where_there_is_no_time_for_a_frame(at):
    looking, clock, box = at
    looking.ask({"costly": {}})
    looking.budget.spend(1000.0)
    for _ in range(1000):
        clock.now += 0.01
        looking.scene.step += 1
        assert not looking.due
        looking.tell(lambda: {"step": looking.scene.step})
    assert 10 / QUIET - 2 <= len(box.frames) <= 10 / QUIET + 1
    assert all(one["figures"] == {} and "number" not in one for one in box.frames)
    box.waits = True
    count, clock.now = len(box.frames), clock.now + 10
    looking.tell(lambda: {"step": 0})
    assert len(box.frames) == count


def test_nothing_is_computed_while_a_frame_waits(at):
    looking, clock, box = at
    looking.ask({"costly": {}})
    box.waits = True
    steps(looking, clock, 10.0)
    assert Costly.drawn == 0


def test_a_view_is_not_drawn_again_while_nothing_has_changed(at):
    looking, _, _ = at
    looking.ask({"costly": {}})
    for _ in range(3):
        looking.show({}, now=True)
    assert Costly.drawn == 1
    looking.renew()
    looking.show({}, now=True)
    assert Costly.drawn == 2


def test_a_view_that_cannot_be_made_costs_that_view_and_is_told_once(at):
    looking, clock, box = at
    looking.ask({"broken": {}, "costly": {}})
    steps(looking, clock, 5.0)
    assert [one["text"] for one in box.said] == [
        "'Costly' cannot be shown of this network: no such thing"
    ]
    assert Costly.drawn > 0


def test_what_a_page_asks_for_and_is_not_there_is_nothing(at):
    looking, _, box = at
    looking.ask({"secrets": {}, "costly": 3})
    looking.show({}, now=True)
    assert set(box.frames[-1]["figures"]) == {"costly"}
