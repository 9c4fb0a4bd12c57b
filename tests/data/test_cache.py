"""The cache under killed makers, full disks and damage."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.pictures import two_classes, write

from cutaway.data import cache
from cutaway.data.sources import load
from cutaway.errors import DataError

PACK = """
import sys
from cutaway.data import pack
from cutaway.data.sources import load
pack.STARTING = 1e-9
def tell(done, total):
    print("packing", flush=True)
    if len(sys.argv) > 2:
        sys.stdin.read()
load(sys.argv[1], progress=tell)
"""


@pytest.mark.parametrize("cpus", ["one", "many"])
def test_killed_packing_leaves_no_half_entry(tmp_path: Path, own_cache: Path, cpus: str) -> None:
    root = two_classes(tmp_path, each=40)
    script = PACK if cpus == "many" else PACK.replace("1e-9", "1e9")
    command = [sys.executable, "-c", script, str(root), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"packing\n"
        left = [path.name for path in (own_cache / "packed").iterdir()]
        assert [name for name in left if name.endswith(".tmp")]
        process.send_signal(signal.SIGKILL)
    assert not [path for path in (own_cache / "packed").iterdir() if path.name[0] != "."]
    assert len(load(root)) == 80
    names = [path.name for path in (own_cache / "packed").iterdir()]
    assert len(names) == 2
    assert ".lock" in names


def test_a_running_maker_is_not_swept(own_cache: Path) -> None:
    with cache._temporary(own_cache) as first, cache._temporary(own_cache) as second:
        assert first.is_dir()
        assert second.is_dir()
    assert [path.name for path in own_cache.iterdir()] == [".lock"]


def test_a_damaged_entry_is_made_again(tmp_path: Path, own_cache: Path) -> None:
    root = two_classes(tmp_path)
    first = load(root).fingerprint
    (pixels,) = own_cache.glob("packed/*/images.raw")
    pixels.write_bytes(pixels.read_bytes()[:-1])
    assert load(root).fingerprint == first
    (note,) = own_cache.glob("packed/*/meta.json")
    note.write_text("{")
    assert load(root).fingerprint == first


def test_of_two_makers_at_once_either_will_do(own_cache: Path) -> None:
    def quick(folder: Path) -> dict:
        (folder / "x").write_text("quick")
        return {}

    def slow(folder: Path) -> dict:
        cache.entry("key", quick, lambda place, note: True)
        return quick(folder)

    place, _ = cache.entry("key", slow, lambda place, note: True)
    assert (place / "x").read_text() == "quick"
    assert sorted(path.name for path in place.parent.iterdir()) == [".lock", "key"]


def test_an_entry_that_another_process_was_told_of_is_not_removed(own_cache: Path) -> None:
    """Two find a damaged entry; one makes it anew, and uses it while the other still builds."""

    def whole(place: Path, note: dict) -> bool:
        return (place / "x").exists()

    def write_x(folder: Path) -> dict:
        (folder / "x").write_text("whole")
        return {}

    def whole_soon(place: Path, note: dict) -> bool:
        if whole(place, note):
            return True
        cache.entry("key", write_x, whole)
        return False

    def while_used(folder: Path) -> dict:
        assert (used / "x").exists()
        return write_x(folder)

    used, _ = cache.entry("key", lambda folder: {}, whole)
    inode = (used / "meta.json").stat().st_ino
    place, _ = cache.entry("key", while_used, whole_soon)
    assert (place / "x").read_text() == "whole"
    assert inode != (place / "meta.json").stat().st_ino


def test_a_full_disk_is_one_sentence(tmp_path: Path, own_cache: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match=r"disk .* is full\. Free some space"):
        load(two_classes(tmp_path))
    assert [path.name for path in (own_cache / "packed").iterdir()] == [".lock"]


@pytest.mark.parametrize("setting", ["1e-9", "1e9"])
def test_a_disk_that_fills_while_packing_is_one_sentence(
    tmp_path: Path, own_cache: Path, setting: str
) -> None:
    """A limit on the size of files stands for the disk; reserving is left out."""
    script = PACK.replace("1e-9", setting).replace(
        "pack.STARTING", "import os\ndel os.posix_fallocate\npack.STARTING"
    )
    script = script.replace(
        "load(sys", "from pathlib import Path\npack._reserve = _touch\nload(sys"
    )
    script = "def _touch(path, size):\n    path.touch()\n" + script
    root = two_classes(tmp_path, each=40)
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert "is full. Free some space" in done.stderr
    assert [path.name for path in (own_cache / "packed").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    root = two_classes(tmp_path / "data")
    monkeypatch.setenv("CUTAWAY_CACHE", str(write(tmp_path, "file", b"x")))
    with pytest.raises(DataError, match=r"cannot be written. Name another folder"):
        load(root)


def test_nothing_in_the_cache_is_pickled(tmp_path: Path, own_cache: Path) -> None:
    load(two_classes(tmp_path))
    names = sorted(path.name for path in own_cache.glob("packed/*/*"))
    assert names == ["images.raw", "meta.json"]


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """Workers do not import the user's script, and torch's threads do not hang them."""
    root = two_classes(tmp_path, each=40)
    script = "import torch\ntorch.ones(500, 500) @ torch.ones(500, 500)\nprint('once')\n" + PACK
    path = write(tmp_path, "script.py", script.encode())
    done = subprocess.run([sys.executable, path, root], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("once") == 1
