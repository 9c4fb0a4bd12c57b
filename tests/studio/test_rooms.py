"""The rooms: what they say, what their pieces give at all ends of their settings, and the page."""

import base64
import io
import json
import math
import socket
import threading
from contextlib import contextmanager
from itertools import islice
from time import monotonic

import httpx
import pytest
import torch
from fastapi.testclient import TestClient
from helpers.axe import violations
from helpers.browser import opened
from helpers.web_pages import browsing
from PIL import Image, ImageDraw

from cutaway.errors import UsageError
from cutaway.figures.serialization import pack
from cutaway.lab import registry
from cutaway.settings import settings_of
from cutaway.studio.hub import Hub
from cutaway.studio.rooms import ROOMS, piece_of, room_of
from cutaway.studio.rooms.base import DRAWING
from cutaway.studio.rooms.pool import LONGEST, Pool
from cutaway.studio.server import make_app

PIECES = [(number, name) for number, room in ROOMS.items() for name in room.pieces]
HOST = {"base_url": "http://127.0.0.1:8600"}
HEADERS = {"X-Token": "word"}


@pytest.fixture(autouse=True)
def one_thread():
    """As in the process that computes pieces."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


async def nothing():
    pass


def app():
    return make_app(Hub(), "word", nothing)


def settings(piece):
    return settings_of(piece.settings).values()


def ends(piece):
    """Settings at their least and at their greatest."""
    for k in (0, -1):
        yield {
            one.name: one.choices[k] if one.choices
            else k == -1 if one.kind is bool
            else (one.low, one.high)[k]
            for one in settings(piece)
            if one.kind is not str or one.choices
            if not one.many
        }  # fmt: skip


def drawn():
    """A seven, as the page draws one."""
    image = Image.new("L", (280, 280))
    ImageDraw.Draw(image).line([(80, 60), (200, 60), (120, 220)], fill=255, width=24)
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def is_whole(figures):
    """Whether a page can draw them: plain JSON, at least one, with a title."""
    written = json.loads(json.dumps(pack(list(figures)), allow_nan=False))
    return bool(written) and all(one["kind"] and one["title"] for one in written)


def test_there_is_a_room_for_each_chapter():
    assert list(ROOMS) == list(range(1, 9))
    for room in ROOMS.values():
        assert room.pieces
        assert json.loads(json.dumps(room.described()))["sections"]


def test_claims_beside_them_are_the_labs():
    for room in ROOMS.values():
        assert room.claims
        for number in room.claims:
            assert registry.claim(number).says


@pytest.mark.parametrize(("room", "name"), PIECES)
def test_a_question_has_one_right_answer(room, name):
    question = piece_of(room, name).question
    assert len(set(question.choices)) == len(question.choices) >= 2
    assert question.answer in range(len(question.choices))
    assert question.asks.endswith("?")
    assert question.because.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(("room", "name"), PIECES)
def test_figures_come_at_once_at_all_ends(room, name):
    piece = piece_of(room, name)
    for asked in ({}, *ends(piece)):
        updates = [*islice(piece.draw(piece.settled(asked)), 2)]
        assert updates
        assert all(map(is_whole, updates)), asked


@pytest.mark.parametrize(("room", "name"), PIECES)
def test_figures_come_for_each_choice(room, name):
    piece = piece_of(room, name)
    for one in settings(piece):
        for choice in one.choices:
            assert is_whole(next(piece.draw(piece.settled({one.name: choice}))))


@pytest.mark.slow
@pytest.mark.parametrize(("room", "name"), PIECES)
def test_even_the_greatest_settings_end_in_time(room, name):
    piece, start = piece_of(room, name), monotonic()
    *_, most = ends(piece)
    assert all(map(is_whole, piece.draw(piece.settled(most))))
    assert monotonic() - start < LONGEST


@pytest.mark.parametrize(("room", "name"), PIECES)
def test_settings_out_of_range_are_refused_in_a_sentence(room, name):
    piece = piece_of(room, name)
    with pytest.raises(UsageError, match="has no setting 'colour'"):
        piece.settled({"colour": 1})
    for one in settings(piece):
        if one.kind in (int, float):
            assert math.isfinite(one.low)
            assert math.isfinite(one.high)
            for wrong in (one.low - 1, one.high + 1, "much", float("nan")):
                with pytest.raises(UsageError, match=one.name):
                    piece.settled({one.name: wrong})
        elif one.choices:
            with pytest.raises(UsageError, match=one.name):
                piece.settled({one.name: "another"})


@pytest.mark.parametrize(("room", "name"), PIECES)
def test_a_drawing_is_taken_or_refused(room, name):
    piece = piece_of(room, name)
    for one in settings(piece):
        if one.panel == DRAWING:
            assert is_whole(next(piece.draw(piece.settled({one.name: drawn()}))))
            for wrong in ("no picture", base64.b64encode(b"nor this").decode(), "A" * 2_000_000):
                with pytest.raises(UsageError, match=r"\.$"):
                    next(piece.draw(piece.settled({one.name: wrong})))


def test_there_is_no_other_room():
    with pytest.raises(UsageError, match="no room 9"):
        room_of(9)
    with pytest.raises(UsageError, match="no piece"):
        piece_of(1, "other")


def test_a_process_answers_again_after_who_asked_has_gone():
    pool = Pool()
    asked = {"room": 1, "piece": "learned", "settings": {"steps": 2000}}
    answer = pool.answers(asked)
    assert next(answer)["figures"]
    answer.close()
    again = list(pool.answers({"room": 1, "piece": "unit", "settings": {}}))
    assert [[one["kind"] for one in message["figures"]] for message in again] == [["Plane", "Bars"]]
    assert len(pool._free) == 1
    pool.close()


def test_what_a_piece_refuses_while_it_computes_is_a_sentence():
    pool = Pool()
    asked = {"room": 8, "piece": "one", "settings": {"drawing": "no picture"}}
    assert [message["error"] for message in pool.answers(asked)] == ["What came is no picture."]
    pool.close()


def test_a_page_gets_rooms_pieces_and_claims():
    with TestClient(app(), **HOST) as client:
        assert client.get("/api/rooms").status_code == 403
        rooms = client.get("/api/rooms", headers=HEADERS).json()["rooms"]
        assert [one["number"] for one in rooms] == list(ROOMS)
        room = client.get("/api/rooms/3", headers=HEADERS).json()
        assert room["sections"][0]["piece"]["name"] == "way"
        assert client.get("/api/rooms/9", headers=HEADERS).status_code == 404
        claims = client.get("/api/rooms/1/claims", headers=HEADERS).json()["claims"]
        assert set(claims) == set(room_of(1).claims)
        assert all(one["verdict"] or one["command"] for one in claims.values())
        asked = {"room": 1, "piece": "learned", "settings": {"steps": 50}}
        answer = client.post("/api/piece", headers=HEADERS, json=asked)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert len(lines) > 2
        assert all(line["figures"] for line in lines)


def test_a_claim_is_tested_where_it_was_not(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    with TestClient(app(), **HOST) as client:

        def claims(answer):
            return json.loads(answer.text)["claims"]

        before = claims(client.get("/api/rooms/1/claims", headers=HEADERS))["1.2"]
        assert before["verdict"] == ""
        assert before["command"] == "cutaway prove 1.2"
        tested = claims(client.post("/api/rooms/1/claims/1.2", headers=HEADERS))["1.2"]
        assert tested["verdict"] == "holds"
        assert tested["because"]
        after = claims(client.get("/api/rooms/1/claims", headers=HEADERS))["1.2"]
        assert after == tested
        assert client.post("/api/rooms/1/claims/8.1", headers=HEADERS).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("no question", "no question"),
        ({"room": 1}, "no question"),
        ({"room": 1, "piece": "unit", "settings": {"w1": 99}}, "must be at least -3"),
        ({"room": 1, "piece": "other"}, "no piece 'other'"),
        ({"room": [], "piece": "unit"}, "no room"),
        ({"room": 8, "piece": "one", "settings": {"drawing": "A" * 2_000_001}}, "2 MB"),
    ],
)
def test_what_is_no_question_gets_a_sentence(body, said):
    with TestClient(app(), **HOST) as client:
        answer = client.post("/api/piece", headers=HEADERS, content=json.dumps(body))
        assert answer.status_code == 400
        assert said in answer.json()["error"]


@contextmanager
def served():
    from uvicorn import Config, Server

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = Server(Config(app(), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/?token=word"
        server.should_exit = True
        thread.join(20)


def test_a_page_that_goes_away_leaves_nothing_at_work():
    """Twice as many begin as may compute at once, and each goes after its first figures."""
    with served() as address:
        base = address.partition("/?")[0]
        asked = {"room": 4, "piece": "trained", "settings": {"steps": 1000}}
        for _ in range(4):
            with httpx.stream(
                "POST", f"{base}/api/piece", json=asked, headers=HEADERS, timeout=60
            ) as answer:
                assert json.loads(next(answer.iter_lines()))["figures"]
        quick = {"room": 1, "piece": "unit", "settings": {}}
        start = monotonic()
        found = httpx.post(f"{base}/api/piece", json=quick, headers=HEADERS, timeout=60)
        assert json.loads(found.text)["figures"]
        assert monotonic() - start < 15


FIRST = "document.querySelector('.piece')"


@browsing
def test_a_question_is_answered_before_a_figure_is_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    with served() as address, opened(tmp_path) as page:
        page.open(address)
        page.wait("document.querySelectorAll('.room-cards a').length === 8")
        page.run("document.querySelector('.room-cards a').click()")
        page.wait(f"location.hash === '#room-1' && !!{FIRST}")
        assert page.run(f"{FIRST}.querySelector('.question button').disabled")
        assert page.run(f"{FIRST}.querySelector('.bench').getClientRects().length") == 0
        page.run(f"{FIRST}.querySelectorAll('input[type=radio]')[1].click()")
        page.run(f"{FIRST}.querySelector('.question button').click()")
        page.wait(f"{FIRST}.querySelectorAll('canvas').length === 2")
        page.wait(f"!{FIRST}.querySelector('.told-answer').hidden")
        assert "AND and OR" in page.run(f"{FIRST}.querySelector('.told-answer').textContent")
        assert page.run(
            f"{FIRST}.querySelector('canvas').getContext('2d').getImageData(150, 150, 1, 1).data[3]"
        )
        caption = page.run(f"{FIRST}.querySelector('figcaption').textContent")
        page.run(
            f"{{const one = {FIRST}.querySelector('input[type=range]'); one.value = 0;"
            "one.dispatchEvent(new Event('input'))}"
        )
        page.wait(f"{FIRST}.querySelector('figcaption').textContent !== {json.dumps(caption)}")
        page.wait("document.querySelectorAll('.claims button').length > 1")
        page.run("document.querySelectorAll('.claims button')[1].click()")
        page.wait("document.querySelectorAll('.claims .verdict').length === 1", 60)
        assert "1.2" in page.run("document.querySelector('.claims li:has(.verdict)').textContent")
        page.run("history.back()")
        page.wait("document.getElementById('room').hidden")
        assert page.run("document.getElementById('choosing').getClientRects().length")
        assert not page.problems


ANSWERED = """[...document.querySelectorAll('.piece')].every((one) =>
!one.querySelector('.told-answer').hidden && one.querySelector('figure canvas'))"""


@browsing
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_whole_in_every_look(room, tmp_path):
    """All questions answered: nothing sticks out, and nothing is hard to use."""
    with served() as address, opened(tmp_path) as page:
        page.open(f"{address}#room-{room}")
        page.wait("document.querySelectorAll('.piece').length")
        page.run(
            "for (const one of document.querySelectorAll('.piece')) {"
            "one.querySelector('input[type=radio]').click();"
            "one.querySelector('.question button').click()}"
        )
        page.wait(ANSWERED, 120)
        page.wait("[...document.querySelectorAll('.claims li')].every((one) => one.children[1])")
        for dark in (False, True):
            for width in (1920, 1280, 390):
                page.look(width, dark)
                assert page.run("document.documentElement.scrollWidth - innerWidth") <= 0
            assert violations(page) == []
        assert page.problems == []
