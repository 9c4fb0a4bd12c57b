"""What looking may cost a training, with a clock of its own and pages that take their time."""

import numpy as np
import pytest

from cutaway.studio import budget as module
from cutaway.studio.budget import LISTENED, SAVED, SHARE, Budget

STEP, SECONDS = 0.008, 100.0
WARMING_UP = 1.6
"""Times the usual that the first step takes."""


class Computer:
    """A training beside a page that draws for so long, at so many times the seconds of a step."""

    def __init__(self, monkeypatch, drawing, slower, noise=0.0, answers=True, step=STEP):
        self.now, self.slower, self.drawing, self.answers = 100.0, slower, drawing, answers
        self.step, self.number = step, 0
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        self.budget, self.frames, self.free_at = Budget(), 0, 0.0
        self.noise = np.random.default_rng(0).normal(0, noise, 60_000).tolist()

    def train(self, steps):
        """Seconds beyond those that the steps take alone."""
        began, alone = self.now, 0.0
        for i in range(steps):
            self.budget.begin_step()
            took = self.step * (1 + self.noise[i]) * (1 if i else WARMING_UP)
            alone += took
            self.now += took * (self.slower if self.now < self.free_at else 1)
            if self.answers and self.budget.drawing and self.now >= self.free_at:
                self.budget.drawn(self.number)
            self.budget.end_step()
            if self.budget.free and not self.budget.drawing:
                self.number = self.budget.sent()
                self.frames, self.free_at = self.frames + 1, self.now + self.drawing
        return self.now - began - alone


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("drawing", [0.01, 0.05, 0.4])
@pytest.mark.parametrize("slower", [1.5, 2.0, 5.0])
@pytest.mark.parametrize("step", [0.002, STEP, 0.21, 2.0])
def test_a_page_that_slows_steps_down_costs_its_share_and_no_more(
    monkeypatch, drawing, slower, noise, step
):
    computer = Computer(monkeypatch, drawing, slower, noise, step=step)
    lost = computer.train(int(SECONDS / step))
    share = SHARE * (SECONDS + lost)
    once = step * (slower - 1) + drawing * slower  # the last frame may cost more than is left
    assert 0.15 * share < lost < share + SAVED + once


def test_a_page_that_costs_nothing_is_shown_whatever_it_can_draw(monkeypatch):
    computer = Computer(monkeypatch, 0.03, 1.0)
    computer.train(int(SECONDS / STEP))
    assert computer.frames > 0.9 * SECONDS / (0.03 + 2 * STEP)


def test_a_page_that_does_not_answer_is_shown_a_frame_a_second_at_most(monkeypatch):
    computer = Computer(monkeypatch, 0.01, 1.0, answers=False)
    computer.train(int(SECONDS / STEP))
    assert 0.5 * SECONDS < computer.frames <= SECONDS + 1


def test_the_first_frame_waits_until_the_usual_time_of_a_step_is_known(monkeypatch):
    computer = Computer(monkeypatch, 0.01, 1.0)
    computer.train(int(LISTENED / STEP / WARMING_UP))
    assert computer.frames == 0
    computer.train(int(LISTENED / STEP))
    assert computer.frames > 0


def test_a_first_step_that_is_slow_is_not_the_usual_one(monkeypatch):
    computer = Computer(monkeypatch, 0.1, 1.6, step=0.21)
    computer.train(20)
    assert computer.budget._usual == pytest.approx(0.21)


def test_an_answer_to_an_earlier_frame_counts_for_nothing(monkeypatch):
    budget = Computer(monkeypatch, 0.1, 1.0).budget
    first = budget.sent()
    second = budget.sent()
    budget.drawn(first)
    assert budget.drawing
    budget.drawn(second)
    assert not budget.drawing


def test_what_was_no_step_is_not_counted(monkeypatch):
    computer = Computer(monkeypatch, 0.01, 1.0)
    computer.train(100)
    computer.budget.begin_step()
    computer.now += 1000.0  # a pause, or validation
    computer.budget.forget_step()
    computer.train(100)
    assert computer.frames > 20
