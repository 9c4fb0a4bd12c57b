"""Programs that answer: what they say, and what is left when they die."""

import os
import signal

import pytest

from cutaway.processes import Gone, Program


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """A program that answers with what it is asked, and says its process first."""
    (tmp_path / "echo_of.py").write_text(
        "import json, os, sys\n"
        "print(os.getpid(), flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps([sys.argv[1:], json.loads(line)]), flush=True)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    program = Program("echo_of", "a", "b c")
    yield program
    program.close()


def test_it_answers_in_turn_and_has_its_words(echo):
    assert isinstance(echo.heard(), int)
    for question in ({"x": [1, None]}, "ä\n", []):
        assert echo.ask(question) == [["a", "b c"], question]


def test_killed_from_outside_it_is_gone_and_stays_so(echo):
    os.kill(echo.heard(), signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(Gone):
            echo.ask("anything")


def test_after_close_no_process_is_left(echo):
    pid = echo.heard()
    echo.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
