"""`--processes`: one network in several processes that may be killed at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, process
from helpers.killed_runs import contents
from helpers.limits import limit_files
from helpers.slurm import free_ports
from helpers.waiting import eventually

import cutaway as ca

TRAIN = ("train", "lenet5", "digits", "--threads", 1, "--processes", 2, "--quiet")
EPOCHS = 12
MOMENTS = range(int(os.environ.get("CUTAWAY_KILLS", "4")))
"""How often workers, and agents, are killed at a random moment."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("several") / "whole"
    done = process(*TRAIN, "--epochs", EPOCHS, "--out", out)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("test accuracy") == 1
    return out


def test_a_run_says_how_it_was_trained_and_is_like_any_other(whole, tmp_path):
    run = ca.load(whole)
    assert run.environment["processes"] == 2
    assert run.results["accuracy"] > 0.95
    alone = process(*TRAIN[:5], "--quiet", "--epochs", EPOCHS, "--out", tmp_path / "alone")
    assert alone.code == 0
    wanted = ca.load(tmp_path / "alone").metrics
    for ours, theirs in zip(run.metrics[:3], wanted[:3], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    assert "processes" in (whole / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--batch-size", 1), 2, "2 processes share each batch, and some would have no image"),
        (("--lr", 1000, "--optimizer", "sgd", "--momentum", 0.99), 1, "stopped being a finite"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_from_one_process(
    words, code, said, tmp_path, monkeypatch
):
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    done = process(*TRAIN, "--epochs", 1, "--out", tmp_path / "run", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.said
    assert done.err.count("Error") == 1
    assert not any(scratch.iterdir())


def started(out: Path, *words: object, **options) -> "subprocess.Popen[str]":
    """A training with frequent checkpoints, once it has the first."""
    command = [*CUTAWAY, *TRAIN, "--epochs", EPOCHS, "--checkpoint-every", 0.2, "--out", out]
    training = subprocess.Popen(
        [*map(str, [*command, *words])], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, **options,
    )  # fmt: skip
    eventually((out / "checkpoint" / "last.safetensors").exists)
    return training


def workers(agent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(agent)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


def all_ended(group: int) -> bool:
    return not subprocess.run(["pgrep", "-g", str(group)], capture_output=True).stdout


@pytest.mark.slow
def test_ctrl_c_ends_all_of_them_and_the_run_goes_on(whole, tmp_path):
    training = started(tmp_path / "run")
    os.killpg(training.pid, signal.SIGINT)
    _, said = training.communicate(timeout=60)
    assert training.returncode == 130
    assert said.count("Error: Stopped at step") == said.count("\n") == 1
    eventually(lambda: all_ended(training.pid))
    assert process("resume", tmp_path / "run", "--processes", 2, "--quiet").code == 0
    assert contents(tmp_path / "run") == contents(whole)


def test_a_full_disk_ends_all_of_them_with_one_sentence(tmp_path):
    done = subprocess.run(
        [*map(str, [*CUTAWAY, *TRAIN, "--epochs", 1, "--out", tmp_path / "run"])],
        capture_output=True, text=True, preexec_fn=limit_files, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Error") == 1
    assert "cannot be written" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_workers_are_started_again_and_end_as_undisturbed(whole, tmp_path, moment):
    draw = random.Random(moment)
    training = started(tmp_path / "run")
    time.sleep(2 * draw.random())
    os.kill(draw.choice(workers(training.pid)), signal.SIGKILL)
    _, said = training.communicate(timeout=120)
    assert (training.returncode, said) == (0, "")
    assert contents(tmp_path / "run") == contents(whole)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_of_a_killed_agent_and_its_run_goes_on(whole, tmp_path, moment):
    training = started(tmp_path / "run")
    time.sleep(2 * random.Random(moment).random())
    os.kill(training.pid, signal.SIGKILL)
    training.communicate(timeout=60)
    eventually(lambda: all_ended(training.pid))
    assert process("resume", tmp_path / "run", "--processes", 2, "--quiet").code == 0
    assert contents(tmp_path / "run") == contents(whole)


@pytest.mark.slow
def test_two_agents_are_two_machines(whole, tmp_path):
    """As on two nodes: each starts one of the processes, and one of them writes the run."""
    (port,) = free_ports(1)
    words = [*map(str, [*TRAIN[:5], "--quiet", "--epochs", EPOCHS, "--out", tmp_path / "run"])]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
        "--rdzv-backend", "c10d", "--rdzv-id", "both", "--rdzv-endpoint", f"localhost:{port}",
        "-m", "cutaway", *words,
    ]  # fmt: skip
    nodes = [
        subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [node.communicate(timeout=180) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    assert sorted("test accuracy" in out for out, _ in said) == [False, True]
    assert contents(tmp_path / "run") == contents(whole)
