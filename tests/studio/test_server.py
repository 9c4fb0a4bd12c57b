"""The studio's door: this computer alone, with the token, and nothing that a page could ask for
beyond what it is told."""

import json
import socket
import subprocess
import sys

import httpx
import pytest
from helpers.studio import studio
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from cutaway.studio.server import PAGE


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("studio"))
        with studio("--port", "0") as (address, token, _):
            yield address, token


def socket_of(door, **more):
    address, token = door
    given = {"origin": address, "proxy": None} | more
    token = given.pop("token", token)
    return connect(f"ws{address[4:]}/live?token={token}", **given)


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script_of_data(door):
    answer = httpx.get(door[0])
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in PAGE.iterdir():
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text()
            assert "http://" not in text.replace("http://www.w3.org", ""), path
            assert "https://" not in text, path
            assert "innerHTML" not in text, path


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1.example.com:1", ""])
def test_another_host_gets_nothing(door, host):
    assert httpx.get(door[0], headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("path", ["/api/systems", "/api/fields?model=mlp&data=xor"])
@pytest.mark.parametrize("token", ["", "x", "ü"])
def test_who_does_not_know_the_token_gets_nothing(door, path, token):
    headers = {"X-Token": token.encode()}
    assert httpx.get(door[0] + path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "name", ["../server.py", "%2e%2e/server.py", "index.html/..", "nothing.js"]
)
def test_no_other_file_is_given(door, name):
    assert httpx.get(f"{door[0]}/page/{name}").status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"token": "x"}, {"origin": "http://example.com"}, {"origin": None}]
)
def test_the_line_is_closed_to_others(door, wrong):
    with pytest.raises(InvalidStatus):
        socket_of(door, **wrong)


def test_what_is_no_message_is_told_and_the_line_stays(door):
    with socket_of(door) as line:
        assert json.loads(line.recv())["state"] == "choosing"
        for text in ("{", "[]", "3", '"x"', "{}", '{"look": 3}', '{"do": "dance"}'):
            line.send(text)
        line.send(json.dumps({"start": {"model": "nothing", "data": "digits"}}))
        said = ""
        while "no model" not in said:
            said = json.loads(line.recv(timeout=20)).get("text", "")


def test_systems_and_the_fields_of_their_recipes_are_offered(door):
    headers = {"X-Token": door[1]}
    offered = httpx.get(f"{door[0]}/api/systems", headers=headers, timeout=60).json()
    names = {path.name for path in PAGE.iterdir()}
    for card in offered["systems"]:
        assert card["picture"].removeprefix("/page/") in names
        query = {"model": card["model"], "data": card["data"]}
        found = httpx.get(f"{door[0]}/api/fields", params=query, headers=headers, timeout=60).json()
        assert found["problem"] == ""
        fields = {field["name"]: field for field in found["fields"]}
        assert int(fields["epochs"]["value"]) > 0
    wrong = httpx.get(f"{door[0]}/api/fields?model=no&data=digits", headers=headers, timeout=60)
    assert "no model 'no'" in wrong.json()["problem"]


def test_a_port_in_use_is_told_and_the_next_is_taken(monkeypatch):
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 8600))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which does as well
        with studio() as (address, _, said):
            assert said[0].startswith("Port 8600 is in use: taking ")
            assert not address.endswith(":8600")


def test_a_port_that_was_asked_for_and_is_in_use_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "cutaway", "studio", "--port", str(port), "--no-browser"]
        found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2
    assert f"Port {port} is in use" in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "not a model"),
        (("lenet5", "nowhere/"), "nowhere"),
        (("--record", "x.html"), "--record is of a run"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(words, said):
    command = [sys.executable, "-m", "cutaway", "studio", *words, "--no-browser"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_it_needs_no_more_than_its_extra_installs():
    """Of what other extras bring nothing is imported."""
    code = """
import asyncio, sys
for name in ("prometheus_client", "onnx", "onnxruntime", "pyarrow", "optuna", "huggingface_hub",
             "httptools", "uvloop", "python_multipart", "fastapi_offline"):
    sys.modules[name] = None
import cutaway.studio.run, cutaway.studio.trainer, cutaway.studio.reader
import cutaway.studio.recording, cutaway.studio.rooms.worker
from cutaway.studio.hub import Hub
from cutaway.studio.server import make_app
make_app(Hub(), "token", asyncio.sleep)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
