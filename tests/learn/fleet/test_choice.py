"""The way that a fleet is trained: decided by counts, written down, kept."""

import json
import shutil

import pytest
import torch
from helpers.killed_runs import digest
from helpers.small_fleet import IMAGES, small

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.sources import load
from cutaway.learn import memory
from cutaway.learn.fleet import Fleet, launch
from cutaway.learn.fleet import choice as choosing
from cutaway.learn.fleet.choice import FEW, choose
from cutaway.learn.runtime import computing
from cutaway.recipes import pair


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(choosing, "cpus", lambda: 2)
    with computing(2):
        yield


def of_size(count: int, *grid: int) -> ImageSet:
    """Images of which only the number and the size count."""
    pixels = torch.zeros(count, *grid, 1, dtype=torch.uint8)
    names, classes = Numbered("x", count), tuple("0123456789")
    return ImageSet(pixels, torch.arange(count) % 10, classes, names, name="x")


PLAIN = pair("mlp", "mnist").override(epochs=1, augment="none", precision="float32", device="cpu")
KNOWN = {
    "mlp": (PLAIN.override(model_options={"widths": "128"}), 32, "batched"),
    "small batches": (
        PLAIN.override(model_options={"widths": "128"}, batch_size=32), 32, "batched",
    ),
    "two": (PLAIN.override(model_options={"widths": "128"}), 2, "in-turn"),
    "wide": (PLAIN.override(model_options={"widths": "1000-1000"}), 8, "side-by-side"),
    "convolutions": (pair("lenet5", "mnist").override(epochs=1), 8, "side-by-side"),
    "short": (pair("lenet5", "mnist").override(epochs=1, val=0.9, test=0.9), 8, "in-turn"),
    "early stopping": (
        PLAIN.override(model_options={"widths": "128"}, patience=3, epochs=20), 8, "side-by-side",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_works_go_the_way_that_was_measured_to_be_fastest(name, two_cores):
    """On two cores, as in docs/learning.md."""
    recipe, count, way = KNOWN[name]
    members = [recipe.override(seed=seed, split_seed=0) for seed in range(count)]
    found = choose(members, of_size(70_000, 28, 28), "auto")
    assert found.way == way, found.why
    assert found.why.startswith(f"{count} members, {way}: ")
    assert found.at_once == (count if way == "batched" else 1)
    assert found.threads == (1 if way == "side-by-side" else 2)


def test_why_no_stack_is_said(two_cores):
    found = choose([small(seed=s, patience=1) for s in range(FEW)], IMAGES, "auto")
    assert "patience 1 is for each network by itself" in found.why
    found = choose([small(seed=s) for s in range(FEW - 1)], IMAGES, "auto")
    assert f"a stack pays from {FEW} members on" in found.why


def test_threads_that_were_asked_for_are_kept(two_cores):
    recipe = pair("lenet5", "mnist").override(epochs=1)
    for threads, way in ((1, "side-by-side"), (2, "in-turn")):
        members = [recipe.override(seed=s, threads=threads) for s in range(8)]
        found = choose(members, of_size(70_000, 28, 28), "auto")
        assert (found.way, found.threads) == (way, threads)


def test_free_memory_decides_nothing(monkeypatch):
    """A stack is as large where half of the memory is in use."""
    members = [small(seed=seed) for seed in range(5)]
    before = choose(members, IMAGES, "batched").at_once
    taken = torch.ones(1 << 26)  # 256 MiB
    assert choose(members, IMAGES, "batched").at_once == before == 5
    del taken
    monkeypatch.setattr(memory, "total", lambda device: 1_400_000)
    assert 2 <= choose(members, IMAGES, "batched").at_once < 5


def test_a_container_has_the_memory_that_it_was_given(tmp_path, monkeypatch):
    installed = memory.total("cpu")
    for text, found in (("max\n", installed), ("1048576\n", 1 << 20), (f"{1 << 62}\n", installed)):
        (tmp_path / "limit").write_text(text)
        monkeypatch.setattr(memory, "LIMITS", (str(tmp_path / "none"), str(tmp_path / "limit")))
        assert memory.total("cpu") == found


def test_the_rule_for_tiny_steps_holds_for_each_member(tmp_path):
    with computing(2):
        fleet = launch(
            small(vary={"batch_size": [16, 1000]}), IMAGES, way="in-turn", out=tmp_path / "x"
        )
    assert [run.recipe.threads for run in fleet.members] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["in-turn", "side-by-side", "batched"])
def test_what_is_left_takes_the_threads_that_the_fleet_began_with(way, tmp_path):
    recipe = small(replicates=3, batch_size=1000)
    with computing(2):
        fleet = launch(recipe, load("digits", image_size=8), way=way, out=tmp_path / "x")
    facts = json.loads((tmp_path / "x" / "fleet.json").read_text())
    whole = [digest(run.path / "weights.safetensors") for run in fleet.members]
    left = range(3) if way == "batched" else [2]
    for k in left:
        shutil.rmtree(fleet.place(k))
    (fleet.path / "results.json").unlink()
    with computing(1):
        again = Fleet(fleet.path).resume()
    assert {run.recipe.threads for run in again.members} == {facts["threads"]}
    assert [digest(run.path / "weights.safetensors") for run in again.members] == whole
