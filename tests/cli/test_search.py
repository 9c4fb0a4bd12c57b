"""`cutaway search` as somebody types it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.command import CUTAWAY, cutaway, words
from helpers.pictures import two_classes
from torch import nn

import cutaway as ca

QUICK = ["--epochs", "3", "--image-size", "8", "--augment", "none", "--widths", "8"]
OVER = ["--over", "lr=0.001..0.1", "--over", "batch-size=64,128", "--over", "optimizer=adamw,sgd"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A search below a folder of its own, and what it said."""
    folder = tmp_path_factory.mktemp("cli")
    said = cutaway("search", "mlp", "digits", "--trials", 3, *QUICK, *OVER, folder=folder)
    assert said.code == 0, said.err
    return folder / "runs" / "mlp-digits-search-1", said


def test_what_it_says(done):
    path, said = done
    assert "mlp on digits: 3 trials over lr, batch size, optimizer." in said.err
    assert said.err.count("\ntrial ") == 3
    assert "optuna" not in said.err.lower()
    assert "[I " not in said.err  # as its log begins
    assert "best val accuracy" in said.out
    assert "Search: runs/mlp-digits-search-1" in said.out
    assert "cutaway train --recipe runs/mlp-digits-search-1/best.toml --replicates 8" in said.said
    assert (path / "report.html").resolve().as_uri() in said.out.replace("\n", "")


def test_the_best_recipe_can_be_trained(done, tmp_path):
    path, _ = done
    result = cutaway(
        "train", "--recipe", path / "best.toml", "--out", tmp_path / "run", "--json"
    )  # fmt: skip
    assert result.code == 0, result.err
    run = ca.load(tmp_path / "run")
    assert run.metrics[-1]["val_accuracy"] == ca.load(path).results["value"]
    assert [look["on"] for look in run.looks] == ["test"]


def test_json(done, tmp_path):
    result = cutaway(
        "search", "mlp", "digits", "--trials", 2, *QUICK, "--over", "lr=0.01,0.02", "--json",
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert result.err == ""
    assert result.json["search"] == str(tmp_path / "x")
    assert result.json["objective"] == "val_accuracy"
    assert {trial["changes"]["lr"] for trial in result.json["trials"]} == {0.01, 0.02}
    again = cutaway("resume", done[0], "--json")
    assert again.json["trial"] == ca.load(done[0]).results["trial"]


def test_resume_of_a_search_that_has_ended_and_its_report(done):
    path, _ = done
    assert "best val accuracy" in cutaway("resume", path).out
    page = path / "report.html"
    page.unlink()
    assert str(page) in cutaway("report", path).out
    assert page.exists()


@pytest.mark.parametrize(
    "command", [("evaluate",), ("predict", "seven.png"), ("generate",)], ids=" ".join
)
def test_a_search_has_no_network(done, command, tmp_path):
    path, (name, *rest) = done[0], command
    said = cutaway(name, path, *rest, folder=tmp_path)
    assert said.code == 2
    assert "is a search, which has no network of its own" in said.said
    assert f"cutaway train --recipe {path}/best.toml" in said.err


def test_compare_says_what_a_search_is_not(done):
    said = cutaway("compare", done[0], done[0])
    assert said.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "0"], "at least one trial"),
        (["--over", "lr"], "--over takes a field with a range or with values"),
        (["--over", "lrr=0.1,0.2"], "Did you mean 'lr'?"),
        (["--over", "lr=0.1..0.01"], "the lower end comes first"),
        (["--over", "lr=0.1..x"], "'x' is not a number"),
        (["--over", "lr=0.1..5000"], "at most 1000"),
        (["--over", "val=0.1..0.2"], "cannot vary 'val'"),
        (["--over", "test=0.1..0.2"], "cannot vary 'test'"),
        (["--over", "seed=1,2"], "cannot vary 'seed'"),
        (["--over", "device=cpu,cuda"], "cannot vary 'device'"),
        (["--over", "optimizer=adamw,sgdd"], "There is no optimizer 'sgdd'"),
        (["--over", "optimizer=a..b"], "list its values"),
        (["--val", "0"], "needs validation images"),
        (["--replicates", "4"], "one network a trial"),
        (["--epohcs", "4"], "Did you mean '--epochs'?"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_bad_input_is_one_sentence(arguments, said, tmp_path):
    result = cutaway("search", "mlp", "digits", *QUICK, *arguments, folder=tmp_path)
    assert result.code == 2
    assert said in result.said
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(done):
    result = cutaway("search", "mlp", "digits", *QUICK, "--out", done[0])
    assert result.code == 1
    assert "is not overwritten" in result.said
    result = cutaway("search", "mlp", "digits", *QUICK, "--out", done[0], "--json")
    assert "is not overwritten" in json.loads(result.err)["error"]


def test_from_python(tmp_path):
    small = {"epochs": 2, "image_size": 8, "augment": "none", "widths": "8", "progress": False}
    over = {"lr": (0.001, 0.1), "optimizer": ["adamw", "nesterov"]}
    result = ca.search("mlp", "digits", trials=2, over=over, out=tmp_path / "x", **small)
    again = ca.load(tmp_path / "x")
    assert again.best == result.best
    assert len(result.trials) == 2
    assert ca.report(again) == tmp_path / "x" / "report.html"
    assert ca.resume(tmp_path / "x").results == result.results
    with pytest.raises(ca.CutawayError, match="builds a new network for each"):
        ca.search(nn.Flatten(), "digits")


def begun(folder: Path) -> subprocess.Popen[str]:
    """A search in a process of its own, in its second trial at least."""
    command = ["search", "mlp", "digits", "--trials", "5", *QUICK, *OVER, "--out", "x"]
    process = subprocess.Popen(
        [*CUTAWAY, *command, "--checkpoint-every", "0"], cwd=folder, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    while process.poll() is None and not (folder / "x" / "trials" / "001").exists():
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_search_that_was_stopped_ends_as_if_it_had_not_been(number, tmp_path):
    whole = cutaway(
        "search", "mlp", "digits", "--trials", 5, *QUICK, *OVER, "--out", tmp_path / "whole",
        "--json",
    )  # fmt: skip
    assert whole.code == 0, whole.err
    process = begun(tmp_path)
    os.kill(process.pid, number)
    _, said = process.communicate()
    assert "Traceback" not in said
    assert not (tmp_path / "x" / "results.json").exists()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "Go on with: cutaway resume x" in words(said)
    waiting = cutaway("evaluate", "x", folder=tmp_path)
    assert "resume it with `cutaway resume x`" in waiting.said
    assert cutaway("resume", tmp_path / "x", "--quiet").code == 0
    for name in ("trials.json", "results.json", "best.toml"):
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_of_a_folder_the_settings_are_of_the_network_that_would_be_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two_classes(tmp_path / "photos", each=30, size=40)
    told = cutaway("search", "photos", "--quality", "fast", "--trials", 1, "--over", "lr=0.01,0.02",
                   "--epochs", 1)  # fmt: skip
    assert told.code == 0, told.err
    assert "Chosen: efficientnet_lite0 with weights learned from ImageNet, its head" in told.err
    assert (tmp_path / "runs" / "efficientnet_lite0-photos-search-1" / "best.toml").exists()
