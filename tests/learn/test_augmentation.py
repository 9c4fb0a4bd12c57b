"""A run that learns with an augmentation of the user's own."""

import os
import signal
from pathlib import Path

import pytest
import torch
from helpers.command import cutaway
from helpers.digits import digits
from helpers.killed_runs import At, contents
from torch import Tensor

import cutaway as ca
from cutaway.data.augment import OwnAugment, parse
from cutaway.errors import UsageError
from cutaway.learn.fleet.choice import choose
from cutaway.learn.recipe import Recipe
from cutaway.learn.training import Stopped

QUICK = {"epochs": 2, "image_size": 0, "batch_size": 32, "progress": False}


def shifted(image: Tensor) -> Tensor:
    return image.roll(int(torch.randint(-1, 2, ())), -1)


def mirrored(image: Tensor) -> Tensor:
    return image.flip(-1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ca.Run:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("own") / "whole"
    run = ca.fit("mlp", "digits", augment=shifted, out=out, **QUICK | {"image_size": 8})
    assert isinstance(run, ca.Run)
    return run


def stop() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_recipe_says_whose_it_was_and_the_report_shows_what_it_did(whole: ca.Run):
    assert whole.recipe.augment == "own:shifted"
    page = (whole.path / "report.html").read_text()
    assert "Augmentation" in page
    assert "shifted" in page


def test_it_goes_on_to_the_same_bytes_with_it_and_not_without(whole: ca.Run, tmp_path: Path):
    part = tmp_path / "part"
    changes = QUICK | {"image_size": 8, "callbacks": [At(31, stop)]}
    with pytest.raises(Stopped):
        ca.fit("mlp", "digits", augment=shifted, out=part, **changes)
    done = cutaway("resume", part)
    assert done.code == 2
    assert "cutaway.resume(path, augment=...)" in done.said
    with pytest.raises(UsageError, match="hand in shifted, not mirrored"):
        ca.resume(part, augment=mirrored, progress=False)
    run = ca.resume(part, augment=shifted, progress=False)
    assert contents(run.path) == contents(whole.path)
    assert ca.load(part).report().exists()  # without it, and so without its picture


def test_a_recipe_alone_does_not_hold_it(whole: ca.Run, tmp_path: Path):
    with pytest.raises(UsageError, match="which no file keeps"):
        ca.fit(recipe=whole.recipe, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_text_and_transforms_of_cutaway_stay_what_they_were(tmp_path: Path):
    changes = QUICK | {"epochs": 1, "augment": parse("shift:1")}
    run = ca.fit("mlp", digits(60), out=tmp_path / "run", **changes)
    assert run.recipe.augment == "shift:1"


def test_fleets_and_searches_take_it_as_far_as_it_reaches(tmp_path: Path):
    images, small = digits(60), {"widths": "4", "epochs": 1, "image_size": 0, "progress": False}
    fleet = ca.fit(
        "mlp",
        images,
        augment=shifted,
        replicates=2,
        way="batched",
        patience=0,
        out=tmp_path / "fleet",
        **small,
    )
    assert len(fleet.members) == 2
    found = ca.search("mlp", images, augment=shifted, trials=1, out=tmp_path / "search", **small)
    assert found.best.augment == "own:shifted"
    with pytest.raises(UsageError, match="way='in-turn'"):
        ca.fit("mlp", images, augment=shifted, replicates=2, way="side-by-side", **small)


def test_members_with_such_get_no_processes_of_their_own():
    members = [Recipe(model="lenet5", data="digits", augment="own:shifted", seed=s) for s in (0, 1)]
    found = choose(members, digits(60, 32), "auto", OwnAugment(shifted))
    assert found.way != "side-by-side"


def test_one_that_can_be_imported_goes_on_from_the_command_line(
    whole: ca.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    code = "import torch\n\ndef shifted(image):\n"
    code += "    return image.roll(int(torch.randint(-1, 2, ())), -1)\n"
    (tmp_path / "shifting_module.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    changes = QUICK | {"image_size": 8, "callbacks": [At(31, stop)]}
    with pytest.raises(Stopped):
        ca.fit("mlp", "digits", augment="shifting_module:shifted", out="part", **changes)
    assert cutaway("resume", tmp_path / "part").code == 0
    assert contents(tmp_path / "part") == contents(whole.path)
    page = tmp_path / "audit.html"
    assert "add --out" in cutaway("audit", "digits", "--augment", "shifting_module:shifted").err
    shown = cutaway("audit", "digits", "-o", page, "--augment", "shifting_module:shifted")
    assert shown.code == 0
    assert "--augment shifting_module:shifted" in page.read_text()
    for text in ("shifting_module:lost", "no_such_module:shifted"):
        with pytest.raises(UsageError, match=f"The augmentation '{text}' cannot be imported"):
            ca.fit("mlp", "digits", augment=text, out="lost", **QUICK)
    with pytest.raises(UsageError, match="flip"):
        ca.fit("mlp", "digits", augment="flip:x", out="lost", **QUICK)
    assert not Path("lost").exists()
