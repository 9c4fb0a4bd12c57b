"""Numbers of images: losses, measures, and the whole way from data to use."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.discs import discs, discs_table
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import linregress
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn

import cutaway as ca
from cutaway.data.audit import audit
from cutaway.data.batch import Batch
from cutaway.data.sources import load
from cutaway.data.target import Values
from cutaway.errors import UsageError
from cutaway.learn.compare import compare
from cutaway.learn.prediction import ValuePrediction
from cutaway.learn.regression import Regression
from cutaway.learn.run import Run
from cutaway.learn.tasks.regress import Regress
from cutaway.recipes import starting_point
from cutaway.show.pages.regress import residuals

QUICK: dict[str, Any] = {
    "task": "regress", "model_options": {"widths": "32"}, "epochs": 30, "lr": 0.01,
    "batch_size": 32, "device": "cpu", "compile": "no", "precision": "float32", "progress": False,
}  # fmt: skip
NAMES = ("radius", "across")


def regression(targets: torch.Tensor, values: torch.Tensor, **more: Any) -> Regression:
    std = tuple(targets.double().std(0, correction=0).clamp(min=1e-6).tolist())
    names = tuple(f"n{k}" for k in range(targets.shape[1]))
    return Regression(names, std, torch.arange(len(targets)), targets, values, 0.0, **more)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network that has learned both numbers of 300 discs."""
    place = tmp_path_factory.mktemp("regress")
    result = ca.fit("mlp", discs(300), label="radius,across", out=place / "run", **QUICK)
    assert isinstance(result, Run)
    return result


def test_each_loss_is_its_formula() -> None:
    y, t = torch.tensor([[0.5], [3.0]]), torch.tensor([[0.0], [0.0]])
    wanted = {"mse": (0.25 + 9) / 2, "mae": (0.5 + 3) / 2, "huber": (0.125 + 2.5) / 2}
    for name, value in wanted.items():
        (player,) = Regress(loss=name).players(nn.Identity())
        loss, _ = player.loss(Batch(y, t, torch.arange(2)))
        assert loss.item() == pytest.approx(value)


def test_gradients_are_clipped_unless_the_method_takes_none() -> None:
    """Errors of many standard deviations made ResNet-20 diverge within its first steps."""
    recipe = starting_point("resnet20", "own:x").with_options(task="regress")
    assert recipe.clip == 1
    assert starting_point("resnet20", "x.csv").with_options(task="regress", clip=0.5).clip == 0.5
    both = starting_point("mlp", "x.csv").with_options(task="regress", optimizer="cma-es")
    assert both.clip == 0  # which takes no gradients


def test_a_prediction_has_no_more_digits_than_it_has() -> None:
    one = ValuePrediction.of("a", np.array([42.138103, 0.1], np.float32), ("x", "y"))
    assert one.values == {"x": 42.138103, "y": 0.1}


def test_predictions_have_intervals_where_a_coverage_is_asked_for(run: Run) -> None:
    images = run.images()
    pixels = list(images.images[run.split.test].numpy())
    plain, told = run.predict(pixels), run.predict(pixels, coverage=0.9)
    assert {one.intervals for one in plain} == {None}
    assert [one.values for one in told] == [one.values for one in plain]
    truth = images.values[run.split.test]
    result = run.saved_test()
    for k, name in enumerate(NAMES):
        (row,) = [one for one in result.intervals[k] if one["asked"] == 0.9]
        pairs = [one.intervals[name] for one in told]
        among = [a <= t <= b for (a, b), t in zip(pairs, truth[:, k].tolist(), strict=True)]
        assert row["covered"] == pytest.approx(sum(among) / len(among))
        low, high = pairs[0]
        assert high - low == pytest.approx(2 * row["margin"], rel=1e-5)
        assert told[0].row()[f"{name}_low"] == low
    assert told[0].to_dict()["intervals"]["radius"] == list(told[0].intervals["radius"])
    assert "interval" not in str(plain[0].to_dict())


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UsageError, match="--loss takes mse, mae, huber, not 'l3'"):
        Regress(loss="l3")


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=3, max_size=40))
def test_r_squared_is_that_of_another_library(pairs: list[tuple[float, float]]) -> None:
    t, y = torch.tensor(pairs).double().T[:, :, None]
    if t.var() < 1e-6:
        return
    result = regression(t.float(), y.float())
    assert result.r2 == pytest.approx(
        r2_score(t.float()[:, 0], y.float()[:, 0]), abs=1e-6, rel=1e-6
    )
    (row,) = result.per_value()
    assert row["mae"] == pytest.approx(mean_absolute_error(t.float(), y.float()), rel=1e-6)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=30))
def test_values_come_back_from_what_is_learned(numbers: list[float]) -> None:
    t = torch.tensor(numbers).double()[:, None]
    target = Values(("x",)).fitted(t, torch.arange(len(t)))
    learned = target.learned(t)
    assert target.undo(learned).sub(t).abs().max() <= 1e-5 * t.abs().max()
    if t.std() > 0:
        assert learned.mean().abs() < 1e-2
        assert learned.std(correction=0) == pytest.approx(1, abs=1e-2)


def test_the_interval_holds_what_more_images_give() -> None:
    draw = torch.Generator().manual_seed(0)
    t = torch.randn(20_000, 1, generator=draw)
    y = t + 0.5 * torch.randn(20_000, 1, generator=draw)
    whole = regression(t, y).r2
    held = 0
    for k in range(40):
        some = regression(t[k * 100 : k * 100 + 100], y[k * 100 : k * 100 + 100]).interval
        assert some is not None
        held += some[0] <= whole <= some[1]
    assert held >= 34  # 95 % of 40 are 38; fewer than 34 come with a chance below 1 in 100


def test_related_images_widen_the_interval() -> None:
    draw = torch.Generator().manual_seed(1)
    t = torch.randn(30, 1, generator=draw).repeat_interleave(10, 0)
    y = t + 0.5 * torch.randn(30, 1, generator=draw).repeat_interleave(10, 0)
    alone, grouped = regression(t, y), regression(t, y, groups=torch.arange(300) // 10)
    assert alone.interval is not None
    assert grouped.interval is not None
    assert grouped.related == 30
    assert np.ptp(grouped.interval) > 2 * np.ptp(alone.interval)


def test_a_network_that_tells_nothing_is_doubted() -> None:
    draw = torch.Generator().manual_seed(0)
    t = torch.randn(50, 1, generator=draw)
    ((kind, sentence),) = regression(t, torch.zeros(50, 1)).doubts()
    assert kind == "baseline"
    assert "always predicting the mean" in sentence
    assert regression(t, t + 0.01).doubts() == ()


def test_it_learns_the_discs(run: Run) -> None:
    assert run.data.target.names == NAMES
    assert run.results["r2"] > 0.9
    assert [row["name"] for row in run.results["by_value"]] == list(NAMES)
    assert {"val_loss", "val_r2"} <= run.metrics[-1].keys()
    assert run.metrics[-1]["val_r2"] > run.metrics[0]["val_r2"]


def test_a_prediction_is_in_the_units_of_the_targets(run: Run) -> None:
    images, values = discs(40, seed=5)
    predicted = np.array([[p.values[n] for n in NAMES] for p in run.predict([*images])])  # type: ignore[attr-defined]
    for k in range(2):
        line = linregress(values[:, k], predicted[:, k])
        assert line.slope == pytest.approx(1, abs=0.2)
        assert np.abs(predicted[:, k] - values[:, k]).mean() < 0.5
    assert np.ptp(predicted[:, 0]) > 2


def test_what_was_kept_is_what_is_evaluated(run: Run) -> None:
    run._data = discs(300)
    again, saved = run.evaluate(), run.saved_test()
    assert again.summary()["r2"] == pytest.approx(saved.summary()["r2"])
    assert saved.summary()["loss"] == run.results["loss"]


def test_the_split_is_stratified_by_the_values(run: Run) -> None:
    _, values = discs(300)
    parts = [values[getattr(run.split, part).numpy(), 0] for part in ("train", "val", "test")]
    middle = np.median(values[:, 0])
    assert all(0.3 < (part < middle).mean() < 0.7 for part in parts)


def test_residuals_are_drawn_with_their_mean() -> None:
    true = torch.arange(5.0)[:, None]
    figure = residuals(
        regression(true, true + torch.tensor([[2.0], [0], [0], [0], [1]])), 0, "image"
    )
    zero, points = figure.series
    assert (zero.y, points.x, points.y) == ((0, 0), (2, 1, 2, 3, 5), (2, 0, 0, 0, 1))
    assert "off by +0.6" in figure.caption


def test_the_report_says_it(run: Run) -> None:
    text = ca.report(run, run.images()).read_text()
    for words in ("Predicted radius against the true one", "The worst errors", "9 of 10 below"):
        assert words in text


def test_from_a_table(tmp_path: Path) -> None:
    table = discs_table(tmp_path, 120)
    run = ca.fit("mlp", table, label="radius", out=tmp_path / "run", **QUICK | {"epochs": 3})
    assert isinstance(run, Run)
    assert run.data.target.names == ("radius",)
    assert sum(run.data.counts.values()) == 119
    findings = {finding.kind: finding.where for finding in run.images().findings}
    assert findings["unlabelled"] == ("119.png",)
    (prediction,) = run.predict(tmp_path / "000.png")
    assert prediction.to_dict()["values"].keys() == {"radius"}
    assert run.evaluate(table).summary()["images"] == 119


def test_words_are_no_numbers(tmp_path: Path) -> None:
    table = discs_table(tmp_path, 10)
    said = r"Column 'colour' of .*discs\.csv holds 'white', which is not a number, in line 2"
    with pytest.raises(ca.CutawayError, match=said):
        ca.fit("mlp", table, label="colour", out=tmp_path / "run", **QUICK)
    with pytest.raises(ca.CutawayError, match="--task regress"):
        ca.fit("mlp", table, label="across", out=tmp_path / "run", **QUICK | {"task": "classify"})
    with pytest.raises(ca.CutawayError, match="have classes, and numbers are to be predicted"):
        ca.fit("mlp", "digits", out=tmp_path / "run", **QUICK)


def test_an_audit_says_the_range_of_the_numbers(tmp_path: Path) -> None:
    report = audit(load(discs_table(tmp_path, 60), label="radius", numbers=True))
    assert "59 images of 16 x 16 pixels, 1 channel, radius 1." in report.summary()[0]
    assert report.to_json()["images"] == 59
    assert report.counts == {}


def test_a_fleet_has_an_interval_and_answers_together(tmp_path: Path) -> None:
    fleet = ca.fit("mlp", discs(200), out=tmp_path / "f", replicates=3, **QUICK | {"epochs": 3})
    assert fleet.results["measures"]["r2"]["low"] < fleet.results["measures"]["r2"]["high"]
    images, _ = discs(4, seed=3)
    each = [[p.values["value 1"] for p in one.predict([*images])] for one in fleet.members]  # type: ignore[union-attr]
    together = [p.values["value 1"] for p in fleet.predict([*images])]  # type: ignore[attr-defined]
    np.testing.assert_allclose(together, np.mean(each, 0), rtol=1e-5)
    assert "Ensemble" in ca.report(fleet).read_text()


def test_runs_are_compared_by_their_squared_errors(run: Run, tmp_path: Path) -> None:
    brief = QUICK | {"epochs": 1, "label": "radius,across"}
    other = ca.fit("mlp", discs(300), out=tmp_path / "other", **brief)
    comparison = compare([run.path, other.path])
    assert comparison.metric.name == "mse"
    assert comparison.differences[0].gain.value < 0
    assert comparison.differences[0].seen


def test_a_search_goes_by_r_squared(tmp_path: Path) -> None:
    search = ca.search(
        "mlp", discs(120), trials=2, over={"lr": (0.001, 0.1)}, out=tmp_path / "s",
        **QUICK | {"epochs": 2},
    )  # fmt: skip
    assert search.objective == "val_r2"
    assert search.higher


@pytest.mark.parametrize("target", ["onnx", "pt2", "safetensors"])
def test_an_export_answers_in_the_same_units(target: str, run: Run, tmp_path: Path) -> None:
    run._data = discs(300)
    from cutaway.ship.export import export
    from cutaway.ship.formats import open_exported

    (shipped,) = export(run, target, out=tmp_path / f"it.{target}")
    assert shipped.check.export["r2"] == pytest.approx(run.results["r2"], abs=1e-4)
    image = tmp_path / "one.png"
    Image.fromarray(discs(1, seed=9)[0][0]).save(image)
    exported = open_exported(shipped.path)
    ours, theirs = (one.predict(image, coverage=0.8)[0] for one in (run, exported))
    for name in NAMES:
        assert theirs.values[name] == pytest.approx(ours.values[name], rel=1e-4)
        assert theirs.intervals[name] == pytest.approx(ours.intervals[name], rel=1e-3)
