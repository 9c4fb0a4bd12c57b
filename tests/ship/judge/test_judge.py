"""`cutaway judge` over real sockets: blind, kept, and with a sentence for whatever goes wrong."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from helpers.command import cutaway
from helpers.judges import visitor, written
from helpers.server import Server

from cutaway.learn.judgements import FILE, read

PNG = b"\x89PNG"


def begin(server: Server) -> str:
    return f"/sittings/{server.client.post('/sittings').json()['session']}"


def answer(server: Server, sitting: str, position: int, real: bool = True) -> Any:
    return server.client.post(f"{sitting}/answers", json={"position": position, "real": real})


def test_a_sitting_from_begin_to_end(shared: Server, place: Path):
    sitting, seen = begin(shared), set()
    for i in range(26):
        picture = shared.client.get(f"{sitting}/images/{i}")
        assert picture.content.startswith(PNG)
        assert picture.headers["cache-control"] == "no-store"
        seen.add(picture.content)
        state = answer(shared, sitting, i, real=i % 2 == 0).json()
        assert state == {  # nothing of what the image was
            "session": sitting[10:], "answered": i + 1, "total": 26, "ended": False,
            "feedback": False,
        }  # fmt: skip
        kept = read(place / FILE)[sitting[10:]]
        assert len(kept.answers) == i + 1  # on disk before it is acknowledged
    assert len(seen) > 20
    found = shared.client.post(f"{sitting}/end").json()
    kept = read(place / FILE)[sitting[10:]]
    assert kept.ended
    assert found["own"]["value"] == pytest.approx(100 * kept.right.value)
    assert found["own"]["answers"] == 20
    assert found["kinds"]["scrambled"][1] == 6
    assert found["texts"] == {"MNIST": 52.4, "CIFAR-10": 78.7}
    assert found["all"] is None
    assert answer(shared, sitting, 26).json()["error"] == ("This sitting has ended: begin another.")
    assert shared.client.post(f"{sitting}/end").json() == found


@pytest.mark.slow  # two servers, one after the other
def test_nothing_is_lost_when_the_server_is_killed(run: Path):
    with Server(run, "--images", 20, command="judge") as first:
        sitting = begin(first)
        for i in range(5):
            answer(first, sitting, i)
        third = first.client.get(f"{sitting}/images/5").content
        first.stop(signal.SIGKILL)
    with Server(run, "--images", 40, "--seed", 3, command="judge") as second:
        state = second.client.get(sitting).json()
        assert (state["answered"], state["total"]) == (5, 26)  # as it was begun
        assert second.client.get(f"{sitting}/images/5").content == third
        assert answer(second, sitting, 5).json()["answered"] == 6


def test_an_answer_that_is_told_twice_counts_once(shared: Server):
    sitting = begin(shared)
    assert answer(shared, sitting, 0).json()["answered"] == 1
    assert answer(shared, sitting, 0, real=False).json()["answered"] == 1
    assert answer(shared, sitting, 3).status_code == 409


def test_no_image_before_its_turn(shared: Server):
    sitting = begin(shared)
    found = [shared.client.get(f"{sitting}/images/{i}").status_code for i in (0, 1, 2, -1, "x")]
    assert found == [200, 200, 404, 404, 404]


@pytest.mark.parametrize(
    ("route", "body", "status", "said"),
    [
        ("/sittings/0/answers", b"{}", 404, "no such sitting"),
        ("/sittings/%2e%2e%2fx/answers", b"{}", 404, "no such"),
        ("{sitting}/answers", b"nonsense", 422, "position"),
        ("{sitting}/answers", b"[1]", 422, "position"),
        ("{sitting}/answers", b'{"position": 0, "real": "yes"}', 422, "real"),
        ("{sitting}/answers", b'{"position": -1, "real": true}', 422, "position"),
        ("{sitting}/answers", b'{"position": 0, "real": true, "kind": "real"}', 422, "kind"),
        ("{sitting}/answers", b"x" * 200_000, 413, "too large"),
        ("{sitting}/end", b"", 409, "after 20 answers"),
        ("/nowhere", b"", 404, "no such page"),
        ("/about", b"", 405, "not allowed"),
    ],
)
def test_nonsense_is_answered_in_a_sentence(shared: Server, route, body, status, said):
    sent = shared.client.post(route.format(sitting=begin(shared)), content=body)
    assert sent.status_code == status
    assert said in sent.json()["error"]
    assert sent.json()["error"].endswith(".") or "send {" in sent.json()["error"]


def test_with_feedback_the_answers_are_marked(run: Path):
    with Server(run, "--images", 20, "--feedback", command="judge") as server:
        told = answer(server, begin(server), 0).json()
    (sitting,) = read(run / FILE).values()
    assert told["right"] is sitting.answers[0].right
    assert sitting.feedback


def test_all_visitors_count_together(run: Path):
    written(run, visitor("a" * 32, 60, 100), visitor("b" * 32, 60, 100))
    with Server(run, "--images", 20, command="judge") as server:
        sitting = begin(server)
        for i in range(20):  # all of one answer: they count for nobody
            answer(server, sitting, i)
        found = server.client.post(f"{sitting}/end").json()
        assert (found["all"]["visitors"], found["all"]["answers"]) == (2, 200)
        assert found["all"]["value"] == pytest.approx(60)
        assert "count in no figure of all visitors" in found["said"][-1]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdout
        said = server.process.stdout.read()
    assert "200 of 2 visitors count: 60.0 % of them are right" in said


def test_bad_input_is_one_sentence(run: Path, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = {
            "not a run": cutaway("judge", tmp_path / "no"),
            "needs 1200": cutaway("judge", run, "--images", 2000),
            "choose another --port": cutaway("judge", run, "--port", port, "--images", 20),
            "greater than or equal to 20": cutaway("judge", run, "--images", 3),
        }
    (run / FILE).write_text('{"session": 3}\n')
    said["is no judgement"] = cutaway("judge", run, "--images", 20)
    (run / "weights.safetensors").unlink()
    said["has no weights yet"] = cutaway("judge", run, "--images", 20)
    for words, done in said.items():
        assert done.code in (1, 2)
        assert words in done.err
        assert done.err.count("\n") == 1
        assert done.out == ""


def test_a_run_that_is_taken_away_meanwhile(server: Server, run: Path, tmp_path: Path):
    sitting = begin(server)
    run.rename(tmp_path / "elsewhere")
    sent = answer(server, sitting, 0)
    assert sent.status_code == 500
    assert FILE in sent.json()["error"]
    assert json.loads(server.client.get(sitting).content)["answered"] == 0
