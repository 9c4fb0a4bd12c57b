"""Finding a cluster: each way in which there is none is said in a sentence, at once."""

import signal
import socket
import sys
import time

import pytest

from cutaway.errors import UsageError
from cutaway.workplaces import HERE
from cutaway.workplaces.opening import opened, written


def refused(*asked) -> str:
    with pytest.raises(UsageError) as caught:
        opened(*asked).__enter__()
    return str(caught.value)


def test_by_default_it_is_here_and_needs_no_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with opened() as place:
        assert place is HERE


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'cutaway[ray]'" in refused("ray")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("slurm",), "--on takes ray, or ray://host:port, not 'slurm'."),
        (("ray", 0), "at least one CPU: --cpus 1, not 0."),
        (("ray", 1, -1.0), "no GPU or some: --gpus 1, not -1."),
        (("", 2), "give --on ray with them"),
        (("ray://127.0.0.1",), "lacks a port"),
        (("ray://127.0.0.1:99999",), "No Ray cluster answers at ray://127.0.0.1:99999"),
        (("ray://no.such.host.invalid:10001",), "No Ray cluster answers at ray://no.such.host"),
    ],
)
def test_what_cannot_be_is_said(asked, said):
    assert said in refused(*asked)


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_cluster_that_is_no_more_is_not_waited_for(monkeypatch, tmp_path):
    """Ray leaves its address in a file when it is killed."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    address = f"127.0.0.1:{closed_port()}"
    (tmp_path / "ray" / "ray_current_cluster").write_text(address)
    assert written() == address
    before, began = signal.getsignal(signal.SIGTERM), time.monotonic()
    assert f"No Ray cluster answers at {address}" in refused("ray")
    assert time.monotonic() - began < 30
    assert signal.getsignal(signal.SIGTERM) == before


def test_where_none_was_ever_it_says_how_to_start_one(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("cutaway.workplaces.opening.written", str)
    assert "start one with `ray start --head`" in refused("ray")


def test_the_address_in_the_environment_comes_first(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed_port()}")
    assert "No Ray cluster answers at 127.0.0.1:" in refused("ray")
