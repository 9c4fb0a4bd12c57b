"""Crews: every question is answered once, whoever dies, and nobody is left behind."""

import os
import signal

import pytest
from helpers.waiting import eventually

from cutaway.errors import RunError
from cutaway.processes import Gone, Lost
from cutaway.workplaces import HERE, Crew, Question, Work, Workplace
from cutaway.workplaces.here import LocalWorker

PROGRAM = """
import json, os, signal, sys, time

told = False

def stop(number, frame):
    global told
    told = True

signal.signal(signal.SIGTERM, stop)
for line in sys.stdin:
    word, value = json.loads(line)
    if word == "die":
        os._exit(3)
    while word == "wait" and not told:
        time.sleep(0.01)
    print(json.dumps([os.getpid(), word, value, told]), flush=True)
with open(sys.argv[1], "a") as log:
    log.write("ended\\n")
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A program that says its process and what it was asked, waits to be stopped, or dies."""
    (tmp_path / "saying.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    return Work("saying", (str(tmp_path / "log"),))


def asked(crew, *questions):
    for one in questions:
        crew.ask(Question(one))
    return list(crew.answers())


def test_each_question_is_answered_once_by_as_many_as_there_are(work):
    with Crew(HERE, work, 3) as crew:
        found = asked(crew, *(["say", k] for k in range(12)))
    assert sorted(answer[2] for _, answer in found) == [*range(12)]
    assert all(question.asked[1] == answer[2] for question, answer in found)
    assert 1 <= len({answer[0] for _, answer in found}) <= 3


def test_more_may_be_asked_while_answers_are_read(work):
    with Crew(HERE, work, 2) as crew:
        crew.ask(Question(["say", 0]))
        seen = []
        for _, (_, _, value, _) in crew.answers():
            seen.append(value)
            if value < 4:
                crew.ask(Question(["say", value + 1]))
    assert seen == [0, 1, 2, 3, 4]


def test_who_dies_costs_its_question_and_is_replaced(work):
    with Crew(HERE, work, 1) as crew:
        found = asked(crew, ["say", 0], ["die", 1], ["say", 2])
    dead = next(answer for question, answer in found if question.asked[0] == "die")
    assert isinstance(dead, Gone)
    assert str(dead) == "its process ended with code 3"
    assert len({answer[0] for _, answer in found if not isinstance(answer, Gone)}) == 2


def test_at_the_end_they_end_by_themselves(work, tmp_path):
    with Crew(HERE, work, 2) as crew:
        asked(crew, ["say", 0], ["say", 1])
    assert set((tmp_path / "log").read_text().split()) == {"ended"}


def test_who_is_busy_is_asked_to_stop_and_waited_for(work):
    with Crew(HERE, work, 1) as crew:
        crew.ask(Question(["wait", 1]))
        wished = iter([False, False, True])
        assert list(crew.answers(lambda: next(wished))) == []
    _, (_, word, _, told) = crew._heard.get_nowait()  # what it said at last is on its way
    assert (word, told) == ("wait", True)


def test_an_interrupt_ends_them_at_once(work):
    crew = Crew(HERE, work, 1).__enter__()
    pid = asked(crew, ["say", 0])[0][1][0]
    crew.ask(Question(["wait", 1]))
    eventually(lambda: "busy" in crew._workers.values())
    crew.__exit__(KeyboardInterrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Elsewhere(Workplace):
    """Computers that are lost: the real processes are killed, and the worker says that it was."""

    apart, cpus = True, 1

    def __init__(self, lost):
        self.lost = lost

    def __str__(self):
        return "the moon"

    def slots(self, threads):
        return 1

    def hire(self, work):
        return Losing(work, self)


class Losing(LocalWorker):
    def __init__(self, work, place):
        super().__init__(work)
        self.place = place

    def ready(self):
        if self.place.lost == "always":
            raise Lost("it fell into a crater")

    def ask(self, question):
        if question.asked[1] in self.place.lost:
            self.place.lost.remove(question.asked[1])
            raise Lost("it fell into a crater")
        return super().ask(question)


def test_what_was_asked_of_a_lost_one_is_asked_of_the_next(work):
    with Crew(Elsewhere([1, 1, 3]), work, 1) as crew:
        found = asked(crew, *(["say", k] for k in range(5)))
    assert [answer[2] for _, answer in found] == [0, 1, 2, 3, 4]


def test_a_question_over_which_three_are_lost_is_given_up(work):
    with Crew(Elsewhere([1, 1, 1]), work, 1) as crew:
        found = asked(crew, ["say", 0], ["say", 1], ["say", 2])
    assert isinstance(found[1][1], Lost)
    assert found[2][1][2] == 2


def test_where_nobody_begins_it_is_said(work):
    with (
        pytest.raises(RunError, match="No worker begins on the moon: it fell into a crater"),
        Crew(Elsewhere("always"), work, 2) as crew,
    ):
        asked(crew, ["say", 0])


def test_ctrl_c_reaches_only_the_one_who_asks(work):
    with Crew(HERE, work, 1) as crew:
        pid = asked(crew, ["say", 0])[0][1][0]
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGTERM)  # what it is told to stop by
        assert asked(crew, ["wait", 1])[0][1][3]
