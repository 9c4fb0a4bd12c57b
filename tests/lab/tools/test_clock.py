"""The processor's time."""

import time

from cutaway.lab.tools.clock import in_turn, least_seconds


def test_the_processors_time_is_not_the_walls():
    assert least_seconds(lambda: time.sleep(0.05), 8) < 0.025
    assert least_seconds(lambda: sum(range(200_000)), 3) > 1e-4


def test_as_often_as_asked():
    calls = []
    least_seconds(lambda: calls.append(0), 5)
    assert len(calls) == 5


def test_taken_in_turn():
    calls = []
    works = [lambda: calls.append("a"), lambda: calls.append(sum(range(10**5)))]
    short, long = in_turn(works, 3)
    assert calls == ["a", sum(range(10**5))] * 3
    assert short < long
