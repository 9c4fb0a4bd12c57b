import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import storage
from helpers.command import cutaway
from helpers.killed_runs import At, contents
from helpers.storage import KEYS, Bucket

import cutaway as ca
from cutaway.data.remote import bounded
from cutaway.errors import DataError

PACKED = "s3://bucket/packed"
SMALL = "60KB"  # of digits of 64 bytes: a cache for a window of shards, not for all
FIT = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import cutaway as ca
from helpers.killed_runs import At
ca.fit("mlp", "s3://bucket/packed", epochs=3, out=sys.argv[1], progress=False,
    checkpoint_every=0.0, callbacks=[At(31, lambda: os.kill(os.getpid(), signal.SIGKILL))])
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """One with the digits, packed by the command."""
    with storage.bucket() as one:
        done = cutaway("pack", "digits", PACKED, "--shard-size", 0.002)
        assert done.code == 0, done.said
        assert "Packed 1,797 images of digits in 58 shards" in done.out
        assert "1,259 to train on, 179 to validate and 359 to test." in done.out
        assert done.out.endswith(f"Next:   cutaway train {PACKED}\n")
        yield one


@pytest.fixture(scope="module")
def undisturbed(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "undisturbed"
    ca.fit("mlp", PACKED, epochs=3, out=path, progress=False)
    return path


@pytest.mark.slow
def test_a_killed_run_with_a_small_cache_goes_on_to_the_same_bytes(
    bucket: Bucket, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", SMALL)
    bucket.calm()
    run = tmp_path / "run"
    tests = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", FIT, str(run), tests], check=False)
    assert done.returncode == -signal.SIGKILL
    resumed = cutaway("resume", run, "--quiet")
    assert resumed.code == 0, resumed.said
    assert contents(run) == contents(undisturbed)
    held = sum(path.stat().st_size for path in bounded.root().glob("shard-*"))
    assert held <= bounded.limit()
    assert bucket.faults.gets("shard-") > 2 * 58  # the shards came again and again


@pytest.mark.slow
def test_a_storm_amid_training_is_one_sentence_and_loses_nothing(
    bucket: Bucket, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CUTAWAY_CACHE_LIMIT", SMALL)
    monkeypatch.setenv("CUTAWAY_PATIENCE", "0.5")

    def storm() -> None:
        bucket.faults.rule = lambda line: "503"

    with pytest.raises(DataError, match=r"shard-.* cannot be read: it answers 503.*cutaway resume"):
        ca.fit(
            "mlp", PACKED, epochs=3, out=tmp_path / "run", progress=False,
            checkpoint_every=0.0, callbacks=[At(25, storm)],
        )  # fmt: skip
    bucket.calm()
    resumed = cutaway("resume", tmp_path / "run", "--quiet")
    assert resumed.code == 0, resumed.said
    assert contents(tmp_path / "run") == contents(undisturbed)


def test_a_run_keeps_the_address_and_no_credentials(bucket: Bucket, undisturbed: Path) -> None:
    files = [path for path in undisturbed.rglob("*") if path.is_file()]
    assert any(PACKED.encode() in path.read_bytes() for path in files)
    secrets = [KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], bucket.endpoint]
    assert not [p for p in files for word in secrets if word.encode() in p.read_bytes()]
    run = ca.load(undisturbed)
    assert run.evaluate().summary()["accuracy"] == run.results["accuracy"]


def test_bad_requests_are_a_sentence(bucket: Bucket, tmp_path: Path) -> None:
    done = cutaway("pack", "xor", tmp_path / "packed")
    assert (done.code, done.err) == (
        2, "Error: xor is all there is, and is not packed: pictures with classes, several labels or"
        " numbers are.\n",
    )  # fmt: skip
    done = cutaway("pack", "digits", "s3://key:word@bucket/x")
    assert done.code == 2
    assert "which a run's files would keep" in done.err
    assert "word@" not in done.err
    done = cutaway("train", "mlp", "s3://bucket/nothing", "--quiet", folder=tmp_path)
    assert done.code == 1
    assert done.err.startswith("Error: There is nothing at s3://bucket/nothing: check the address.")
    done = cutaway("pack", "digits", tmp_path / "p", "--shard-size", 0)
    assert "--shard-size 0: give megabytes" in done.err
