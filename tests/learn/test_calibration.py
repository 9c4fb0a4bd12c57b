"""Temperatures: probabilities that are as sure as they are right."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.digits import digits
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cutaway.data.target import Classes
from cutaway.errors import RunError
from cutaway.learn.calibration import Calibrated, fit_temperature
from cutaway.learn.fit import fit
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks import TASKS, options
from cutaway.ship.about import About

NAMES = Classes(tuple("abcde"))


def drawn(n: int, temperature: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Probabilities of scores s, and classes that are drawn from softmax(s / temperature)."""
    draw = torch.Generator().manual_seed(seed)
    s = 3 * torch.randn(n, 5, generator=draw)
    return s.softmax(1), (s / temperature).softmax(1).multinomial(1, generator=draw)[:, 0]


@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_the_temperature_that_classes_were_drawn_at_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(20_000, temperature)) == pytest.approx(temperature, rel=0.03)


def test_no_temperature_of_many_is_better() -> None:
    p, t = drawn(500, 1.7)
    s = np.log(p.double().numpy())
    each = np.geomspace(0.05, 20, 4001)
    q = [s / one - np.logaddexp.reduce(s / one, axis=1, keepdims=True) for one in each]
    losses = [
        -one[range(500), t].sum() - one.mean() / 2 for one in q
    ]  # half an image more, of any class
    assert fit_temperature(p, t) == pytest.approx(each[np.argmin(losses)], rel=2e-3)


def test_what_is_calibrated_stays_as_it_is() -> None:
    assert [fit_temperature(*drawn(200, 1.0, seed)) for seed in range(8)].count(1.0) >= 5


@given(st.integers(1, 40), st.floats(1, 30))
@settings(deadline=None, max_examples=15)
def test_being_right_each_time_makes_nobody_certain(n: int, scale: float) -> None:
    s = scale * torch.nn.functional.one_hot(torch.arange(n) % 5, 5).float()
    found = fit_temperature(s.softmax(1), torch.arange(n) % 5)
    stated = Calibrated(temperature=found).answer(s, NAMES).max(1).values.mean().item()
    if found != 1:
        assert stated == pytest.approx((n + 0.1) / (n + 0.5), abs=0.01)


@given(st.floats(0.05, 20), st.integers(0, 100))
@settings(deadline=None, max_examples=15)
def test_the_answer_stays_the_same_and_has_an_output(temperature: float, seed: int) -> None:
    s = torch.randn(8, 5, generator=torch.Generator().manual_seed(seed)).mul(2)
    task = Calibrated(temperature=temperature)
    p = task.answer(s, NAMES)
    assert torch.equal(p.argmax(1), s.argmax(1))
    torch.testing.assert_close(task.answer(task.output_of(p, NAMES), NAMES), p)


RECIPE = Recipe(
    model="mlp", model_options={"widths": "64"}, image_size=8, epochs=6, lr=0.01, batch_size=32,
    optimizer="adam", label_smoothing=0.2, val=0.25, seed=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network that smooths its labels, and so says less than it knows."""
    place = tmp_path_factory.mktemp("tuned") / "run"
    return Run(fit(RECIPE, digits(600), out=place).path, data=digits(600))


def test_smoothed_labels_are_undone(run: Run) -> None:
    assert 0.1 < run.tuned["temperature"] < 0.9
    found = run.evaluate()
    assert found.loss == pytest.approx(run.results["loss"], rel=1e-5)
    assert found.accuracy == run.results["accuracy"]
    assert run.saved_test().summary() == run.results
    (run.path / "tuned.json").rename(run.path / "aside.json")  # as an older run has none
    before = run.evaluate()
    (run.path / "aside.json").rename(run.path / "tuned.json")
    assert torch.equal(before.predicted, found.predicted)
    assert found.loss < before.loss
    assert found.calibration_error < before.calibration_error / 2


def test_a_run_without_validation_images_keeps_its_scores(tmp_path: Path) -> None:
    run = fit(RECIPE.override(val=0.0, epochs=1), digits(200), out=tmp_path / "run")
    assert not (run.path / "tuned.json").exists()
    assert (run.tuned, run.task.temperature) == ({}, 1.0)


def test_what_was_tuned_travels_and_is_no_option(run: Run) -> None:
    about = About.from_json(About.of(run, "answer", resizes=False).to_json())
    assert about.task_kind() == TASKS["classify"]().with_tuned(run.tuned)
    assert not any(set(TASKS[name].tuned) & set(options(name)) for name in TASKS)


def test_a_value_that_the_task_does_not_know_is_refused(run: Run, tmp_path: Path) -> None:
    for name in ("recipe.toml", "data.json"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    (tmp_path / "tuned.json").write_text(json.dumps({"pressure": 2.0}))
    with pytest.raises(RunError, match="'pressure' was tuned, which the task 'classify' does not"):
        Run(tmp_path).task  # noqa: B018
