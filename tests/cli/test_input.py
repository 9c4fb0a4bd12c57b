"""Whatever is typed: help, a version, or one sentence; never a fault of Cutaway's own."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, cutaway, process

from cutaway import __version__, cli

COMMANDS = [command.callback.__name__ for command in cli.app.registered_commands]
ODD = [" ", "☃", "-", "nothing-here", "a" * 300, "http://x.org/a.png", "[bold]x[/]", "text.txt"]
AT_ONCE = {"models", "data", "doctor", "train", "lr", "search", "prove", "studio"}
"""Commands that need no argument."""
ON_THE_PAGE = {"http://x.org/a.png", "text.txt"}
"""Data that the studio opens with, and then says on its page what is wrong with them."""


def test_alone_it_shows_the_help():
    done = process()
    assert done.code == 0
    assert "Usage: cutaway" in done.out
    assert done.err == ""


def test_version():
    done = cutaway("--version")
    assert done.code == 0
    assert done.out.startswith(f"cutaway {__version__} (Python 3")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell):
    asked = {
        "_CUTAWAY_COMPLETE": f"complete_{shell}", "COMP_WORDS": "cutaway pred", "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "cutaway pred", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = subprocess.run(
        CUTAWAY, env=os.environ | asked, capture_output=True, encoding="utf-8", check=False
    )
    assert "predict" in done.stdout
    assert "train" not in done.stdout


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in AT_ONCE])
def test_a_command_without_its_arguments_says_which_one_it_needs(name):
    done = cutaway(name)
    assert done.code == 2
    assert done.err.startswith("Error: ")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("data", "prove")])
def test_an_odd_argument_is_one_sentence(name, tmp_path):
    (tmp_path / "text.txt").write_text("no picture")
    for word in ODD if name != "studio" else [one for one in ODD if one not in ON_THE_PAGE]:
        done = cutaway(name, word, folder=tmp_path)
        assert done.code in (1, 2), word
        assert done.err.startswith("Error: "), word
        assert "fault in Cutaway" not in done.err, word


def test_what_the_parser_refuses_is_json_where_json_was_asked_for():
    done = cutaway("generate", "runs/none", "--n", "0", "--json")
    assert done.code == 2
    assert "--n" in json.loads(done.err)["error"]
    assert "See `cutaway predict --help`." in cutaway("predict").err


def raw(*arguments: str, stdout: int = subprocess.PIPE, **settings: str) -> tuple[int, str]:
    """The exit code of a process, and all that it said, however its terminal is set."""
    done = subprocess.run(
        [*CUTAWAY, *arguments], env=os.environ | settings, stdout=stdout, stderr=subprocess.PIPE,
        check=False,
    )  # fmt: skip
    return done.returncode, ((done.stdout or b"") + done.stderr).decode(errors="replace")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_stops_reading_ends_it_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["--help"], ["train", "--help"], ["--version"]):
        assert raw(*arguments, stdout=writer) == (1, "")
    os.close(writer)


@pytest.mark.parametrize("language", ["C", "C.UTF-8"])
def test_any_terminal_will_do(language):
    for arguments, code in ((["--help"], 0), (["train", "--help"], 0), (["tarin"], 2)):
        output, said = raw(
            *arguments, COLUMNS="20", NO_COLOR="1", TERM="dumb", LANG=language, LC_ALL=language,
            PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
        )  # fmt: skip
        assert output == code, said
        assert "Traceback" not in said
        assert "fault" not in said


def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path):
    target = tmp_path / "file"
    target.write_text("")
    done = cutaway("train", "mlp", "digits", "--widths", 8, "--epochs", 1, "--out", target / "x")
    assert done.code == 1
    assert str(target) in done.err
    assert "fault in" not in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["data", "--json"]])
def test_a_full_disk_is_one_sentence(arguments):
    with open("/dev/full", "wb") as full:
        code, said = raw(*arguments, stdout=full.fileno())
    assert code == 1
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert "fault" not in said
