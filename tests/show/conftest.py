"""Small real runs, made once, that the tests of reports look at."""

from pathlib import Path
from shutil import copytree

import pytest
import torch
from helpers.report_runs import HOSTILE, Made, digits
from helpers.task_runs import Runs

from cutaway.data.imageset import ImageSet
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An ordinary run with validation and early stopping."""
    images = digits()
    recipe = Recipe(model="mlp", data="digits", epochs=6, lr=0.1, patience=3)
    return fit(recipe, images, out=tmp_path_factory.mktemp("show") / "a run"), images


@pytest.fixture(scope="session")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two classes, one epoch, no validation, data of one's own, and no audit."""
    whole = digits()
    images = whole.subset(((whole.targets == 3) | (whole.targets == 8)).nonzero().flatten())
    images = ImageSet(images.images, images.targets // 8, ("three", "eight"), images.names)
    recipe = Recipe(model="mlp", data="own:pairs", epochs=1, val=0.0)
    run = fit(recipe, images, out=tmp_path_factory.mktemp("show") / "bare")
    (run.path / "audit.json").unlink()
    return run, images


@pytest.fixture(scope="session")
def many_run(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A hundred classes with long and hostile names, in colour, hardly learned."""
    draw = torch.Generator().manual_seed(0)
    targets = torch.arange(1500) % 100
    centres = torch.rand(100, 12, 12, 3, generator=draw) * 255
    noise = torch.randn(1500, 12, 12, 3, generator=draw) * 200
    pixels = (centres[targets] + noise).clamp(0, 255).byte()
    classes = tuple(f"{HOSTILE} of a rather long name, number {k}" for k in range(100))
    names = [f'folder/"><img src=x onerror=alert({i})>.png' for i in range(1500)]
    images = ImageSet(pixels, targets, classes, names, name="birds & <beasts>")
    recipe = Recipe(model="mlp", data="own:birds", epochs=3, lr=0.02)
    return fit(recipe, images, out=tmp_path_factory.mktemp("show") / "many"), images


@pytest.fixture
def copied(digits_run: Made, tmp_path: Path) -> Made:
    """The ordinary run again, for a test that changes its files."""
    run, images = digits_run
    return Run(copytree(run.path, tmp_path / "copy")), images


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Small runs of every task."""
    return Runs(tmp_path_factory.mktemp("tasks"))
