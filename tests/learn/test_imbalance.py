"""A few digits of one class and many of another, from training to the report."""

import pytest
import torch
from helpers.digits import digits
from helpers.report_page import read
from helpers.small_fleet import small

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.compare import compare
from cutaway.learn.fit import fit
from cutaway.learn.fleet import launch
from cutaway.learn.run import Run
from cutaway.learn.search.launch import launch as search
from cutaway.show import tables
from cutaway.show.progress import sentence
from cutaway.show.report import report


def unequal(common: int = 120, rare: int = 20) -> ImageSet:
    """Eights, and some threes."""
    found = digits(1500)
    parts = [(found.targets == c).nonzero().flatten()[:n] for c, n in ((8, common), (3, rare))]
    targets = torch.tensor([0] * common + [1] * rare)
    names = Numbered("digits", len(targets))
    return ImageSet(found.images[torch.cat(parts)], targets, ("8", "3"), names, name="digits")


RECIPE = small(
    data="own:digits", epochs=3, batch_size=32, patience=3, monitor="val-balanced-accuracy",
    val=0.2, precision="float32",
)  # fmt: skip
ALIKE = {"balanced_accuracy", "macro_f1", "lowest_recall"}


class Said(Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_epoch_end(self, training, row) -> None:
        self.lines.append(sentence(training, row))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Run, list[str]]:
    said = Said()
    out = tmp_path_factory.mktemp("runs") / "run"
    return fit(RECIPE, unequal(), out=out, callbacks=[said]), said.lines


def test_balanced_accuracy_leads_wherever_a_run_is_told(made):
    run, lines = made
    assert run.data.target.counts == tuple(
        int((unequal().targets[run.split.train] == c).sum()) for c in (0, 1)
    )
    assert run.headline == ("balanced_accuracy", run.results["balanced_accuracy"])
    assert all({f"val_{name}" for name in ALIKE} <= set(row) for row in run.metrics)
    assert "val balanced accuracy" in lines[0]
    assert next(iter(tables.run_rows(run))) == "test balanced accuracy"
    assert all("balanced_accuracy" in look for look in run.looks)
    page = read(report(run, unequal())).text
    assert "balanced accuracy on 28 test images" in page
    assert "The classes are unequal" in page
    assert "Macro F1" in page


def test_equal_classes_are_told_by_their_accuracy_alone(tmp_path):
    recipe = RECIPE.override(monitor="val-macro-f1", epochs=1)
    run = fit(recipe, unequal(40, 40), out=tmp_path / "run")
    assert run.headline[0] == "accuracy"
    assert set(run.results) >= ALIKE
    assert {"val_accuracy", "val_macro_f1"} <= set(run.metrics[0])  # what is monitored is kept
    assert "val_balanced_accuracy" not in run.metrics[0]
    page = read(report(run, unequal(40, 40))).text
    assert "accuracy on 16 test images" in page
    assert "Always predicting “8”, the commonest class, would get 50" in page


WAYS = {
    "weights": {"class_weights": "balanced"},
    "focal": {"focal": 1.0},
    "shift": {"logit_adjust": 1.0},
    "sampling": {"sampling": "balanced"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_member_of_a_stack_learns_from_its_own_counts(way, tmp_path):
    """Folds of 141 images, of which neither all nor the rare ones divide by three."""
    recipe = small(data="own:digits", epochs=2, folds=3, val=0.0, precision="float32", **WAYS[way])
    images = unequal(121, 20)
    alone, stacked = (
        launch(recipe, images, way=how, out=tmp_path / how) for how in ("in-turn", "batched")
    )
    for one, two in zip(alone.members, stacked.members, strict=True):
        assert one.headline[0] == "balanced_accuracy"
        for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
            assert (a - b).norm() <= 1e-3 * a.norm()
        losses = [[row["train_loss"] for row in run.metrics] for run in (one, two)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert stacked.headline[0] == "balanced_accuracy"


def test_each_way_makes_the_rare_class_more_probable(tmp_path):
    """On images of a class that has 1 in 12, of which a network soon gives it no more."""
    images = unequal(140, 12)
    recipe = small(data="own:digits", batch_size=16, epochs=3, val=0.0, precision="float32")
    tried = {"plain": {}} | {name: way for name, way in WAYS.items() if name != "focal"}
    rare = {}
    for name, changes in tried.items():
        run = fit(recipe.override(**changes), images, out=tmp_path / name)
        rare[name] = run.saved_test().answers[:, 1]
    plain = rare.pop("plain").mean()
    assert all(p.mean() > 1.2 * plain for p in rare.values())


def test_runs_are_compared_and_searched_by_what_leads(made, tmp_path):
    run, _ = made
    other = fit(RECIPE.override(sampling="balanced"), unequal(), out=tmp_path / "other")
    compared = compare([run.path, other.path])
    assert compared.metric.name == "balanced_accuracy"
    values = [one.estimate.value for one in compared.standings]
    figures = [one.results["balanced_accuracy"] for one in (run, other)]
    assert values == pytest.approx(figures)
    assert compared.differences[0].gain.value == pytest.approx(figures[1] - figures[0])
    found = search(
        RECIPE, unequal(), trials=2, over={"class_weights": ["none", "balanced"]},
        out=tmp_path / "search",
    )  # fmt: skip
    assert found.objective == "val_balanced_accuracy"


def test_stages_may_change_the_way_and_few_labels_have_counts_of_their_own(tmp_path):
    stages = [
        {"epochs": 1, "sampling": "balanced"},
        {"epochs": 1, "class_weights": "balanced", "labels": 20},
    ]
    recipe = RECIPE.override(patience=0, stages=stages)
    told = []

    class Tasks(Callback):
        def on_stage_begin(self, training) -> None:
            told.append((training.stage.feed.balanced, training.stage.task.counts))

    fit(recipe, unequal(), out=tmp_path / "run", callbacks=[Tasks()])
    assert told == [(True, ()), (False, (10, 10))]


def test_sampling_by_class_needs_classes():
    recipe = small(data="own:digits", task="regress", label_smoothing=0.0, sampling="balanced")
    images = unequal()
    numbers = images.with_values(torch.rand(len(images), 1), ["x"])
    with pytest.raises(UsageError, match="--sampling balanced shows each class"):
        fit(recipe, numbers)
