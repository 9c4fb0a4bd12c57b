"""A run that learns from a stream: steps instead of epochs, and it goes on to the same bytes."""

import os
import signal
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from helpers.digits import digits
from helpers.killed_runs import At, contents

import cutaway as ca
from cutaway.errors import RunError, UsageError
from cutaway.learn.training import Stopped

DIGITS = digits(240)
QUICK = {
    "widths": "8", "steps": 24, "epochs": 4, "batch_size": 8, "image_size": 0, "augment": "none",
    "progress": False,
}  # fmt: skip


def endless() -> Iterator[Any]:
    for i in count():
        yield DIGITS.images[i % 240], int(DIGITS.targets[i % 240])


def another() -> Iterator[Any]:
    for i, (image, target) in enumerate(endless()):
        yield (255 - image if i > 150 else image), target


def stop() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ca.Run:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("streams") / "whole"
    run = ca.fit("mlp", ca.Stream(endless, first=120), out=out, **QUICK)
    assert isinstance(run, ca.Run)
    return run


def test_steps_are_counted_and_epochs_divide_them(whole: ca.Run):
    assert [row["step"] for row in whole.metrics] == [6, 12, 18, 24]
    assert whole.data.counts == {"train": 84, "val": 12, "test": 24}
    assert whole.data.name == "endless"
    assert any("The data are a stream" in one["sentence"] for one in whole.notes)
    assert whole.results["accuracy"] > 0.15


def test_it_goes_on_to_the_same_bytes_and_not_with_another_stream(whole: ca.Run, tmp_path: Path):
    part, changes = tmp_path / "part", QUICK | {"callbacks": [At(21, stop)]}
    with pytest.raises(Stopped):
        ca.fit("mlp", ca.Stream(endless, first=120), out=part, **changes)
    with pytest.raises(RunError, match="does not give the 168 images again"):
        ca.resume(part, data=ca.Stream(another, first=120), progress=False)
    with pytest.raises(RunError, match="have changed since"):
        ca.resume(part, data=ca.Stream(endless, first=100), progress=False)
    ca.resume(part, data=ca.Stream(endless, first=120), progress=False)
    assert contents(part) == contents(whole.path)


def test_epochs_are_as_many_as_divide_the_steps(tmp_path: Path):
    changes = QUICK | {"steps": 9, "epochs": 4}
    run = ca.fit("mlp", ca.Stream(endless, first=60), out=tmp_path / "run", **changes)
    assert (run.recipe.epochs, [row["step"] for row in run.metrics]) == (3, [3, 6, 9])


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (endless, {"steps": 0}, "A stream has no epochs: give steps=1000"),
    (DIGITS, {}, "--steps is for a stream"),
    (endless, {"repeat": 2}, "--repeat is for images that can be counted"),
    (endless, {"folds": 3}, "--folds is for images that can be counted"),
    (endless, {"time": "1m"}, "--time counts epochs, and a stream has none"),
    (lambda: islice(endless(), 100), {}, "ends after 100 images, and 24 steps of 8 need 192"),
]


@pytest.mark.parametrize(("data", "changes", "sentence"), REFUSED)
def test_what_does_not_go_together_is_told_before_anything_is_written(
    data: Any, changes: dict[str, Any], sentence: str, tmp_path: Path
):
    with pytest.raises(UsageError, match=sentence):
        ca.fit("mlp", data, out=tmp_path / "run", **QUICK | changes)
    assert not (tmp_path / "run").exists()
