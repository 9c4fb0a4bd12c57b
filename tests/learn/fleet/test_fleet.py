"""Fleets: each member is the run that it would be alone; together they have a mean and a voice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.digits import digits
from helpers.small_fleet import small
from torch.nn.utils import parameters_to_vector

import cutaway as ca
from cutaway.data.sources import load
from cutaway.errors import CutawayError, DataError, RunError, UsageError
from cutaway.learn.fit import fit
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.fleet.ensemble import curve, member_evaluations
from cutaway.learn.kinds import open_job
from cutaway.learn.run import Run


@pytest.fixture(scope="module")
def images():
    return load("digits", image_size=8)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, images):
    place = tmp_path_factory.mktemp("fleets") / "three"
    return launch(small(replicates=3), images, way="in-turn", out=place)


def weights(run: Run) -> torch.Tensor:
    return parameters_to_vector(run.model.parameters()).detach()


def test_a_member_is_the_run_that_it_would_be_alone(fleet, images, tmp_path):
    alone = fit(small(seed=1, split_seed=0), images, out=tmp_path / "alone")
    member = fleet.members[1]
    assert (alone.path / "weights.safetensors").read_bytes() == (
        member.path / "weights.safetensors"
    ).read_bytes()
    assert alone.results == member.results


@pytest.mark.slow
def test_side_by_side_gives_the_same_to_rounding(fleet, images, tmp_path):
    other = launch(small(replicates=3), images, way="side-by-side", out=tmp_path / "beside")
    for one, two in zip(fleet.members, other.members, strict=True):
        torch.testing.assert_close(weights(one), weights(two), rtol=1e-3, atol=1e-5)
    found = other.results["measures"]["accuracy"]["mean"]
    assert found == pytest.approx(fleet.results["measures"]["accuracy"]["mean"], abs=0.01)


def test_results_are_the_members_with_an_interval(fleet):
    found = fleet.results["measures"]["accuracy"]
    values = [run.results["accuracy"] for run in fleet.members]
    assert found["values"] == values
    assert found["mean"] == pytest.approx(sum(values) / 3)
    assert 0 <= found["low"] <= found["mean"] <= found["high"] <= 1
    assert len({run.recipe.seed for run in fleet.members}) == 3
    assert all(torch.equal(run.split.test, fleet.members[0].split.test) for run in fleet.members)


def test_all_as_one(fleet):
    each = torch.stack([run.saved_test().probabilities for run in fleet.members])
    found = fleet.ensemble()
    torch.testing.assert_close(found.probabilities, each.mean(0))
    assert fleet.results["ensemble"]["accuracy"] == found.accuracy
    rows = curve(member_evaluations(fleet.members))
    assert [row["members"] for row in rows] == [1, 2, 3]
    assert rows[-1]["error"] == pytest.approx(1 - found.accuracy)
    alone = [1 - run.results["accuracy"] for run in fleet.members]
    assert rows[0]["error"] == pytest.approx(sum(alone) / 3)
    assert rows[0]["least"] == pytest.approx(min(alone))


def test_the_committee_answers_with_the_mean(fleet, images):
    run = fleet.members[0]
    x = run.feed(images, run.split.test).batch(0).x
    with torch.no_grad():
        o = run.task.answer(fleet.model(x), run.data.target)
        each = [one.task.answer(one.model(x), one.data.target) for one in fleet.members]
    mean = torch.stack(each).mean(0)
    assert len({one.tuned["temperature"] for one in fleet.members}) == 3  # each has its own
    torch.testing.assert_close(o, mean)


def test_a_cross_validation_tests_every_image_once(images, tmp_path):
    fleet = launch(small(folds=3), images, way="in-turn", out=tmp_path / "folds")
    tested = torch.cat([run.split.test for run in fleet.members])
    assert len(tested) == len(images) == len(tested.unique())
    assert "ensemble" not in fleet.results
    with pytest.raises(UsageError, match="tested on different images"):
        fleet.ensemble()
    values = fleet.results["measures"]["accuracy"]
    spread = torch.tensor(values["values"]).std().item()
    plain = 4.302652729911275 * spread / 3**0.5  # t of 2 degrees of freedom
    assert values["mean"] - values["low"] > 1.2 * plain  # training images are shared


def test_fewer_groups_than_folds_are_refused_before_anything_is_written(tmp_path):
    images = digits(40)
    grouped = replace(images, groups=torch.arange(40) % 3, parts=None)
    with pytest.raises(DataError, match="3 groups of different images, too few for 4 folds"):
        launch(small(folds=4), grouped, way="in-turn", out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_settings_have_figures_of_their_own(images, tmp_path):
    fleet = launch(
        small(replicates=2, vary={"lr": [0.01, 0.001]}), images, way="in-turn", out=tmp_path / "x"
    )
    found = fleet.results["settings"]
    assert [one["changes"] for one in found] == [{"lr": 0.01}, {"lr": 0.001}]
    assert [one["members"] for one in found] == [[0, 1], [2, 3]]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_fleet_that_was_stopped_goes_on(number, images, fleet, tmp_path):
    command = [
        sys.executable, "-m", "cutaway", "train", "mlp", "digits", "--image-size", "8",
        "--widths", "16", "--augment", "none", "--epochs", "20", "--replicates", "2", "--way",
        "side-by-side", "--out", "stopped", "--checkpoint-every", "0.5", "--quiet",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun = tmp_path / "stopped" / "members" / "000" / "checkpoint"
    while process.poll() is None and not (begun.is_dir() and any(begun.iterdir())):
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, said = process.communicate()
    assert "Traceback" not in said
    if number != signal.SIGKILL and process.returncode == 130:
        assert "cutaway resume stopped" in said
    place = tmp_path / "stopped"
    wait_for_workers(place)
    finished = Fleet(place).resume()
    assert [run.finished for run in finished.members] == [True, True]
    alone = fit(small(seed=1, split_seed=0).override(epochs=20), images, out=tmp_path / "alone")
    torch.testing.assert_close(weights(finished.members[1]), weights(alone), rtol=1e-2, atol=1e-4)


def wait_for_workers(place: Path) -> None:
    """Until no process trains this fleet: orphans notice within a step."""
    while any(
        "cutaway.learn.fleet.worker" in path.read_text(errors="ignore")
        and str(place.name) in path.read_text(errors="ignore")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if readable(path)
    ):
        time.sleep(0.05)


def readable(path: Path) -> bool:
    try:
        path.read_text(errors="ignore")
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_a_member_that_fails_is_named_and_the_others_are_kept(images, tmp_path):
    with pytest.raises(CutawayError, match="finite"):
        launch(small(vary={"lr": [0.01, 900.0]}), images, way="side-by-side", out=tmp_path / "x")
    facts = json.loads((tmp_path / "x" / "fleet.json").read_text())
    assert len(facts["members"]) == 2
    assert Fleet(tmp_path / "x").begun(0)
    assert (tmp_path / "x" / "members" / "000" / "results.json").exists()
    with pytest.raises(RunError, match="has not finished"):
        Fleet(tmp_path / "x").results  # noqa: B018


def test_what_is_open_job(fleet, tmp_path):
    assert isinstance(open_job(fleet.path), Fleet)
    assert isinstance(open_job(fleet.place(0)), Run)
    with pytest.raises(UsageError, match="is not a run"):
        open_job(tmp_path)
    with pytest.raises(UsageError, match="is not a fleet"):
        Fleet(tmp_path)


def test_a_member_goes_on_with_its_fleet_only(fleet, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(fleet.path, place)
    member = Fleet(place).place(1)
    (member / "results.json").unlink()
    with pytest.raises(UsageError, match=rf"go on with all of it, `cutaway resume {place}`"):
        ca.resume(member)
    assert ca.resume(Fleet(place).place(0)).finished
