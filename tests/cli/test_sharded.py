"""`--shard`: each process keeps a part of the weights, and of the checkpoints."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, process
from helpers.killed_runs import contents
from helpers.limits import limit_files
from helpers.waiting import eventually

import cutaway as ca
from cutaway.learn.sharded_checkpoint import LAST, SEAL

TRAIN = (
    "train", "mlp", "digits", "--image-size", 8, "--widths", "60-30", "--augment", "none",
    "--batch-size", 64, "--epochs", 6, "--threads", 1, "--device", "cpu", "--processes", 2,
    "--quiet",
)  # fmt: skip


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> Path:
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("sharded") / "apart"
    done = process(*TRAIN, "--shard", "--out", out)
    assert (done.code, done.err) == (0, "")
    return out


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """A run whose processes were killed between two checkpoints."""
    out = tmp_path_factory.mktemp("sharded") / "killed"
    command = [*CUTAWAY, *TRAIN, "--shard", "--checkpoint-every", 0.1, "--out", out]
    training = subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL)
    eventually((out / "checkpoint" / "previous" / SEAL).exists)
    os.kill(training.pid, signal.SIGKILL)
    training.wait(60)
    time.sleep(2)  # the processes notice
    assert not (out / "results.json").exists()
    return out


def copied(run: Path, place: Path) -> Path:
    return Path(shutil.copytree(run, place / "run"))


def test_it_is_the_run_of_whole_weights(apart, tmp_path):
    assert process(*TRAIN, "--shard", "no", "--out", tmp_path / "whole").code == 0
    ours, theirs = ca.load(apart), ca.load(tmp_path / "whole")
    assert (ours.environment["sharded"], theirs.environment["sharded"]) == (True, False)
    for a, b in zip(ours.metrics, theirs.metrics, strict=True):
        assert a == pytest.approx(b, rel=1e-3)
    ours, theirs = (run.model.state_dict() for run in (ours, theirs))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value.numpy() == pytest.approx(theirs[name].numpy(), abs=1e-3)


def test_killed_it_goes_on_to_the_same_bytes(apart, killed, tmp_path):
    run = copied(killed, tmp_path)
    assert process("resume", run, "--processes", 2, "--quiet").code == 0
    assert contents(run) == contents(apart)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 4])
def test_any_number_of_processes_goes_on(apart, killed, tmp_path, processes):
    run = copied(killed, tmp_path)
    done = process("resume", run, "--processes", processes, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert ca.load(run).metrics[-1] == pytest.approx(ca.load(apart).metrics[-1], rel=1e-3)
    assert (run / "checkpoint" / LAST).exists() == (processes > 1)


@pytest.mark.slow
def test_of_a_damaged_checkpoint_the_one_before_is_taken(killed, tmp_path):
    run = copied(killed, tmp_path)
    shard = next((run / "checkpoint" / LAST).glob("*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-5] ^= 1
    shard.write_bytes(content)
    done = process("resume", run, "--processes", 2)
    assert done.code == 0
    assert "last is damaged" in done.said
    assert "Resuming from the checkpoint before it." in done.said


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_from_one_process(tmp_path):
    command = [*CUTAWAY, *TRAIN, "--shard", "--widths", "1000-300", "--out", tmp_path / "run"]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, preexec_fn=limit_files, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Error") == 1
    assert "cannot be written" in done.stderr
