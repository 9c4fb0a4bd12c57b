"""Conformal sets: the true class is among them as often as asked."""

from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.digits import digits
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.data.target import Classes
from cutaway.errors import UsageError
from cutaway.learn.calibration import Calibrated
from cutaway.learn.conformal import (
    KEPT,
    conformity,
    covering,
    interval_metrics,
    limit_for,
    margins,
    set_metrics,
)
from cutaway.learn.fit import fit
from cutaway.learn.fleet.fleet import Fleet
from cutaway.learn.fleet.launch import launch
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.tasks import TASKS

RECIPE = Recipe(
    model="mlp", model_options={"widths": "32"}, image_size=8, epochs=3, lr=0.01, batch_size=32,
    optimizer="adam", val=0.4, test=0.3, seed=1,
)  # fmt: skip


@given(st.integers(1, 60), st.integers(1, 999))
def test_the_rank_is_that_of_the_papers(n: int, thousandths: int) -> None:
    kept = conformity(torch.linspace(0.9, 0.1, n))
    rank = ceil((n + 1) * Fraction(thousandths, 1000))  # Sadinle et al. 2019, equation 4
    if rank > n:
        with pytest.raises(UsageError, match=f"this network had {n}"):
            limit_for(kept, thousandths / 1000)
    else:
        assert limit_for(kept, thousandths / 1000) == kept[rank - 1]


@given(st.integers(KEPT, 5000), st.integers(1, 999))
@settings(deadline=None, max_examples=30)
def test_what_is_kept_of_many_promises_no_less(n: int, thousandths: int) -> None:
    """Of n + 1 images in any order the new one has each rank alike: exactly rank / (n + 1)."""
    p = torch.arange(n, 0, -1).float() / n
    kept = conformity(p)
    assert len(kept) == KEPT
    least = limit_for(kept, thousandths / 1000)
    covered = Fraction(int((p.double() >= least).sum()), n + 1)
    asked = Fraction(thousandths, 1000)
    assert asked <= covered < asked + Fraction(2, 1000)


def test_sets_hold_the_true_class_as_often_as_asked() -> None:
    draw = torch.Generator().manual_seed(3)
    found = []
    for _ in range(200):  # the scores are wrong on purpose: the promise is not theirs
        s = torch.randn(150, 5, generator=draw)
        p, t = (3 * s).softmax(1), s.softmax(1).multinomial(1, generator=draw)[:, 0]
        kept = conformity(p[:99].gather(1, t[:99, None])[:, 0])
        found.append([row["covered"] for row in set_metrics(kept, p[99:], t[99:])])
    assert torch.tensor(found).mean(0).tolist() == pytest.approx([0.9, 0.95, 0.99], abs=0.01)


def test_the_set_is_told_best_first_and_may_be_empty() -> None:
    task = covering(Calibrated(conformity=(0.9, 0.6, 0.3, 0.2)), 0.5)  # rank 3 of 4
    names = Classes(("a", "b", "c"))
    assert task.prediction_set(torch.tensor([0.3, 0.1, 0.6]), names) == ("c", "a")
    assert covering(task, 0.2).prediction_set(torch.tensor([0.3, 0.1, 0.6]), names) == ()
    assert Calibrated().prediction_set(torch.tensor([0.3, 0.1, 0.6]), names) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("conformal") / "run"
    return Run(fit(RECIPE, digits(), out=place).path, data=digits())


def test_a_run_tells_sets(run: Run) -> None:
    pixels = run.images().images[run.split.test].numpy()
    told = run.predict(list(pixels), coverage=0.9)
    plain = run.predict(list(pixels))
    assert [one.top for one in told] == [one.top for one in plain]
    assert {one.prediction_set for one in plain} == {None}
    result = run.saved_test()
    (row,) = [one for one in result.sets if one["asked"] == 0.9]
    among = [
        result.classes[t] in one.prediction_set for t, one in zip(result.targets, told, strict=True)
    ]
    assert row["covered"] == pytest.approx(sum(among) / len(among))
    sizes = [len(one.prediction_set) for one in told]
    assert row["classes"] == pytest.approx(sum(sizes) / len(sizes))
    assert told[0].to_dict()["set"] == list(told[0].prediction_set)
    assert "set" in told[0].cells()
    assert "set" not in plain[0].to_dict()


@pytest.mark.parametrize(
    ("coverage", "why"),
    [
        (0.0, "is a share between 0 and 1, such as 0.95, not 0"),
        (95, "is a share between 0 and 1"),
        (0.999, r"takes 999 validation images, and this network had \d+: ask for 0\.9\d+ or less"),
    ],
)
def test_a_coverage_that_cannot_be_promised_is_refused(run: Run, coverage, why) -> None:
    with pytest.raises(UsageError, match=why):
        run.predict("nothing.png", coverage=coverage)


def test_nor_without_validation_images_nor_of_other_tasks(tmp_path: Path) -> None:
    run = fit(RECIPE.override(val=0.0, epochs=1), digits(100), out=tmp_path / "run")
    assert run.saved_test().sets == []
    with pytest.raises(UsageError, match="train it again with --val"):
        run.predict("nothing.png", coverage=0.9)
    with pytest.raises(UsageError, match="'reconstruct' tells neither the class of an image nor a"):
        covering(TASKS["reconstruct"](), 0.9)


def test_intervals_hold_the_true_number_as_often_as_asked() -> None:
    """Over many divisions of errors from a heavy tail; the more so with few validation images."""
    draw, found = np.random.default_rng(0), []
    for _ in range(300):
        errors = torch.from_numpy(draw.standard_t(3, 1100))
        rows = interval_metrics(margins(errors[:99]), errors[99:])
        found.append([row["covered"] for row in rows])
        assert [row["asked"] for row in rows] == [0.9, 0.95, 0.99]
    assert np.mean(found, 0) == pytest.approx([0.9, 0.95, 0.99], abs=0.004)


def test_a_margin_is_an_error_of_the_validation_images() -> None:
    kept = margins(torch.tensor([-4.0, 1.0, 2.0, -3.0]))
    assert kept == (1.0, 2.0, 3.0, 4.0)
    assert limit_for(kept, 0.8) == 4  # rank 4 of 4 + 1
    assert limit_for(kept, 0.5) == 3
    with pytest.raises(UsageError, match=r"ask for 0\.8 or less"):
        limit_for(kept, 0.81)


def test_of_a_fleet_a_member_is_asked(tmp_path: Path) -> None:
    fleet = launch(RECIPE.override(replicates=2, epochs=1), digits(100), out=tmp_path / "fleet")
    assert isinstance(fleet, Fleet)
    assert fleet.ensemble().sets == []
    with pytest.raises(UsageError, match="ask a member"):
        fleet.predict("nothing.png", coverage=0.5)
