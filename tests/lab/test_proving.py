"""`cutaway prove` as a user calls it: findings, failures, a kill and what comes after."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, cutaway, words
from helpers.waiting import eventually

from cutaway import lab
from cutaway.lab import finding_cache
from cutaway.lab.evidence import Verdict
from cutaway.lab.experiment import Finding

KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def test_one_after_the_other_and_then_from_the_cache(own):
    first = list(lab.prove(["coins.fair", "coins.absent", "coins.broken"]))
    assert [type(one).__name__ for one in first] == ["Finding", "NoFinding", "NoFinding"]
    assert "no_such_package" in first[1].reason
    assert not first[1].broken
    assert first[2].broken
    assert "division by zero" in first[2].reason
    assert next(lab.prove(["coins.fair"])) == first[0]


def test_side_by_side_finds_the_same_in_the_same_order(own):
    words = ["coins.fair", "1.1", "coins.absent", "coins.broken", "1.5"]
    done = cutaway("prove", *words, "--claims", own, "--processes", "2", "--json").json
    assert [one["claim"] for one in done] == words
    alone = lab.prove(words)
    for one, beside in zip(alone, done, strict=True):
        if isinstance(one, Finding):
            assert one.evidence.because == beside["because"]
            assert one.seconds == beside["seconds"]  # found once, and kept
        else:
            assert one.reason == beside["left"]


def test_a_process_that_is_killed_costs_the_claim_that_it_tested(own, tmp_path):
    text = own.read_text().replace("return Evidence({}, (), (), because=str(1 / 0))", KILLED)
    own.write_text(text)
    done = cutaway("prove", "coins.broken", "coins.fair", "1.1", "--claims", own, "--processes=2")
    assert done.code == 1
    assert "Without a result: coins.broken." in done.err
    assert "ended from outside" in done.said
    assert "Holds: 2, left out: 1." in done.said


def test_found_once_unless_asked_again(own, tmp_path):
    log = tmp_path / "log"
    for again, said in ((False, 1), (False, 1), (True, 2)):
        (found,) = lab.prove(["coins.slow"], again=again, changes={"file": str(log)})
        assert isinstance(found, Finding)
        assert log.read_text() == "waited " * said


def test_the_table(own):
    done = cutaway("prove", "1.1", "coins.fair", "--claims", own)
    assert done.code == 0
    assert "Holds: 2." in done.said
    assert "1.1 holds One threshold unit" in words(done.err)


def test_one_alone_says_why(own):
    done = cutaway("prove", "--claims", own, "coins.fair", "--bias", "0.9", "--replicates=50")
    assert done.code == 0
    assert "does not hold" in done.said
    assert "Rule: Holds if the interval holds 50 %" in done.said


def test_json(own):
    coin, absent = cutaway("prove", "--claims", own, "coins.fair", "coins.absent", "--json").json
    assert coin["verdict"] == "holds"
    assert coin["effects"]["heads"]["n"] == 400
    assert coin["settings"]["seed"] == 0
    assert absent["verdict"] is None
    assert absent["left"] == "needs no_such_package"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1.9",), "no claim 1.9"),
        (("1.1", "--depth", "3"), "no setting 'depth'"),
        (("1.1", "1.2", "--seed", "3"), "--seed cannot be given for several claims"),
        (("1.1", "--seed"), "--seed needs a value"),
        (("1.1", "--seed", "-3"), "--seed must be at least 0"),
        (("--claims", "nowhere.py"), "no file"),
        (("1.1", "--evening", "--full"), "--evening and --full cannot both be given"),
    ],
)
def test_bad_input(words, said):
    done = cutaway("prove", *words)
    assert done.code == 2
    assert said in done.said


def test_a_broken_claim_is_named_and_the_others_are_told(own):
    done = cutaway("prove", "--claims", own, "coins.broken", "coins.fair")
    assert done.code == 1
    assert "Without a result: coins.broken." in done.err
    assert "Holds: 1, left out: 1." in done.said


def test_killed_and_started_again(own, tmp_path):
    """What was found before the kill is not done again, and what was under way is."""
    log = tmp_path / "log"
    text = own.read_text().replace('file: str = ""', f'file: str = "{log}"')
    own.write_text(text.replace("seconds: float = 0.0", "seconds: float = 30.0"))
    lab.add(own)
    command = [
        *CUTAWAY,
        "prove",
        "--claims",
        str(own),
        "--processes",
        "1",
        "coins.fair",
        "coins.slow",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    slow, coin = lab.claim("coins.slow"), lab.claim("coins.fair")
    before = finding_cache.load(coin, coin.settle())
    assert before is not None
    assert log.read_text() == "waited "
    own.write_text(text)
    lab.add(own)
    assert finding_cache.load(slow, slow.settle()) is None
    done = list(lab.prove(["coins.fair", "coins.slow"]))
    assert (done[0].evidence, done[0].seconds) == (before.evidence, before.seconds)
    assert done[1].verdict is Verdict.HOLDS
    assert log.read_text() == "waited waited "


@pytest.mark.parametrize(
    ("number", "settings", "said"),
    [
        ("4.3", {"steps": 5}, "--steps (5) must be at least --looks (8)."),
        (
            "4.11",
            {"widths": (8,), "starts": 2, "replicates": 2},
            "No descent ended in a bad minimum",
        ),
    ],
)
def test_settings_that_leave_nothing_to_measure_are_refused(number, settings, said):
    (left,) = lab.prove([number], changes=settings)
    assert said in left.reason
    assert "Error" not in left.reason


def test_no_process_outlives_the_one_that_asks(own, tmp_path):
    log = tmp_path / "log"
    text = own.read_text().replace('file: str = ""', f'file: str = "{log}"')
    own.write_text(text.replace("seconds: float = 0.0", "seconds: float = 30.0"))
    command = [*CUTAWAY, "prove", "--claims", str(own), "--processes=2", "coins.slow", "coins.fair"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        eventually(log.exists)
        crew = children(process.pid)
        assert len(crew) == 2 or not Path("/proc").exists()
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not any(map(alive, crew)))


def children(pid: int) -> list[int]:
    """Processes that a process has started; none where the system does not tell."""
    listed = Path("/proc").glob(f"{pid}/task/*/children")
    return [int(child) for path in listed for child in path.read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process computes; one that has ended may still wait for its parent's notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except FileNotFoundError:
        return False
    return state[0] != "Z"
