"""Names of runs, and directories that several processes make at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import CUTAWAY

from cutaway.errors import RunError
from cutaway.files import locked
from cutaway.learn.directory import LONGEST, Place, create_whole, destination, plain, training_lock

RESERVED = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("deep/er/photos", "photos"),
        ("/path/to/photos/", "photos"),
        ("../kd", "kd"),
        (r"C:\Users\me\photos", "photos"),
        ("my photos (2024)", "my-photos-2024"),
        ("own:scans", "scans"),
        ("own:a/b", "b"),
        ("v1.5_small", "v1.5_small"),
        ("Straßenbilder", "Straßenbilder"),
        ("हिन्दी", "हिन्दी"),
        ("e\u0301te\u0301", "été"),
        ("photos...", "photos"),
        (".hidden", "hidden"),
        ("--out", "out"),
        ('a<b>:"c|d?e*f', "a-b-c-d-e-f"),
        ("tab\there\nand\x00there", "tab-here-and-there"),
        ("", "data"),
        ("/", "data"),
        ("***", "data"),
    ],
)
def test_a_name_is_one_part_of_a_path_on_any_system(data, name):
    assert plain(data) == name
    place = destination("", "lenet5", data)
    assert next(place.names()) == Path("runs") / f"lenet5-{name}-1"
    assert not RESERVED & set(next(place.names()).name)


def test_the_folder_that_one_stands_in_has_a_name(tmp_path, monkeypatch):
    inside = tmp_path / "stones" / "new"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert [plain(word) for word in (".", "./", "..", "../..")] == [
        "new", "new", "stones", tmp_path.name.strip("-._"),
    ]  # fmt: skip


@pytest.mark.parametrize("letter", ["x", "ß", "字"])
def test_long_names_are_cut_between_letters(letter):
    name = plain(letter * 400)
    assert set(name) == {letter}
    assert LONGEST - 3 < len(name.encode()) <= LONGEST


def test_what_is_there_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs/mlp-x-1").write_text("a file")
    Path("runs/mlp-x-2").mkdir()
    Path("runs/mlp-x-3").symlink_to("nowhere")
    made = create_whole(destination("", "mlp", "x"), lambda folder: None)
    assert made == Path("runs/mlp-x-4")
    for path in Path("runs").iterdir():
        with pytest.raises(RunError, match="exists already and is not overwritten"):
            destination(path, "mlp", "x")


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyError

    with pytest.raises(KeyError):
        create_whole(Place(tmp_path / "x"), fill)
    assert not list(tmp_path.iterdir())


MAKING = """
import multiprocessing, sys
from pathlib import Path
from cutaway.errors import RunError
from cutaway.learn.directory import Place, create_whole

def make(start, numbered, times):
    start.wait()
    for _ in range(times):
        try:
            path = Place(Path("runs/x"), numbered)
            line = create_whole(path, lambda folder: (folder / "a").write_text("whole"))
        except RunError as error:
            line = error
        sys.stdout.write(f"{line}\\n")
        sys.stdout.flush()

forks = multiprocessing.get_context("fork")
start = forks.Barrier(4)
given = start, sys.argv[1] == "numbered", int(sys.argv[2])
crew = [forks.Process(target=make, args=given) for _ in range(4)]
for one in crew:
    one.start()
for one in crew:
    one.join()
sys.exit(any(one.exitcode for one in crew))
"""


def at_once(folder: Path, kind: str, times: int) -> list[str]:
    """What four processes that all begin at the same moment have to say."""
    command = [sys.executable, "-c", MAKING, kind, str(times)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def test_processes_at_once_have_names_of_their_own(tmp_path):
    said = at_once(tmp_path, "numbered", times=25)
    assert sorted(said) == sorted(f"runs/x-{k}" for k in range(1, 101))
    made = list((tmp_path / "runs").iterdir())
    assert len(made) == 100  # and nothing temporary
    assert all((path / "a").read_text() == "whole" for path in made)


def test_of_processes_that_want_one_place_one_has_it(tmp_path):
    said = at_once(tmp_path, "asked", times=1)
    assert said.count("runs/x") == 1
    others = [line for line in said if line != "runs/x"]
    assert len(others) == 3
    assert all("runs/x exists already and is not overwritten" in line for line in others)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["x"]


KILLED = """
import os, signal
from pathlib import Path
from cutaway.learn.directory import Place, create_whole

def fill(folder):
    (folder / "half").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)

create_whole(Place(Path("x")), fill)
"""


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".cutaway-*.tmp"))) == 1
    (tmp_path / ".mine.tmp").mkdir()
    (tmp_path / ".cutaway-at-work.tmp").mkdir()
    with locked(tmp_path / ".cutaway-at-work.tmp"):
        create_whole(Place(tmp_path / "x"), lambda folder: None)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"x", ".mine.tmp", ".cutaway-at-work.tmp"}


def test_one_process_trains_a_run(tmp_path):
    refused = pytest.raises(RunError, match="is being trained by another process")
    with training_lock(tmp_path), refused, training_lock(tmp_path):
        pass
    with training_lock(tmp_path):
        pass


TRAIN = [
    *CUTAWAY, "train", "mlp", "deep/er/photos", "--image-size", "8", "--widths", "4", "--epochs",
    "1", "--quiet",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "ending"),
    [
        ([], ""),
        (["--replicates", "2", "--way", "in-turn"], "-fleet"),
        (["--replicates", "2", "--way", "side-by-side"], "-fleet"),
    ],
)
def test_three_commands_at_once_all_end(more, ending, tmp_path):
    pictures(tmp_path / "deep" / "er" / "photos")
    crew = [
        subprocess.Popen(
            TRAIN + more, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [one.communicate() for one in crew]
    assert [one.returncode for one in crew] == [0, 0, 0], said
    found = sorted(os.listdir(tmp_path / "runs"))
    assert found == [f"mlp-photos{ending}-{k}" for k in (1, 2, 3)]
    assert all((tmp_path / "runs" / name / "results.json").exists() for name in found)


def pictures(folder: Path) -> None:
    """Two classes of ten squares."""
    from PIL import Image

    for shade, name in ((40, "dark"), (200, "light")):
        (folder / name).mkdir(parents=True)
        for k in range(10):
            Image.new("L", (8, 8), shade + 3 * k).save(folder / name / f"{k}.png")
