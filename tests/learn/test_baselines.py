"""Simple baselines stand beside a classifier, and a network that does not beat them is told so."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.drawn_classes import shapes
from helpers.report_page import read
from sklearn.linear_model import RidgeClassifierCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn import baselines
from cutaway.learn.baselines import PULLS, baseline_answers
from cutaway.learn.fit import audit, fit, split_for
from cutaway.learn.recipe import Recipe
from cutaway.show.report import report

QUICK = Recipe(model="mlp", data="digits", epochs=1, lr=0.1, model_options={"widths": "8"})


def test_answers_are_those_of_scikit_learn_on_the_pixels():
    images = load("digits")
    train, test = torch.arange(300), torch.arange(300, 500)
    answers = baseline_answers(images, train, test)
    x, t = images.images.flatten(1).numpy() / 255, images.targets.numpy()
    oracle = make_pipeline(StandardScaler(), RidgeClassifierCV(PULLS)).fit(x[:300], t[:300])
    assert (answers["linear"] == oracle.predict(x[300:500])).mean() > 0.98
    assert set(answers["commonest"]) == {np.bincount(t[:300]).argmax()}
    assert (answers["nearest"] == t[300:500]).mean() > 0.8


def test_the_nearest_neighbour_of_a_training_image_is_itself():
    images = shapes(60)
    index = torch.arange(60)
    answers = baseline_answers(images, index, index)
    assert (answers["nearest"] == images.targets.numpy()).all()


def test_a_network_that_has_learned_nothing_is_told_so(tmp_path):
    run = fit(QUICK.override(lr=1e-6), load("digits"), out=tmp_path / "run")
    found = run.baselines
    assert found is not None
    assert found["test_images"] == len(run.split.test)
    assert found["training_images"] == len(run.split.train)
    assert found["accuracy"]["network"] == pytest.approx(run.results["accuracy"])
    assert found["accuracy"]["linear"] > 0.85 > found["accuracy"]["network"]
    notes = {one["kind"]: one["sentence"] for one in run.notes}
    assert "images is right on 9" in notes["outdone"]
    page = read(report(run, load("digits")))
    assert f"Beside simple classifiers, on {len(run.split.test)} test images" in page.text
    assert "nearest neighbour on patch features" in page.text


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, "Train longer, at another --lr, or take a pre-trained network."),
        ({"freeze": "backbone"}, "Let all layers learn (--quality good, or without --freeze), or"),
        (
            {"stages": [{"freeze": "backbone"}, {"freeze": ""}]},
            "Train longer, at another --lr, or on more images.",
        ),
    ],
)
def test_the_advice_is_not_what_the_run_has_done_already(tmp_path, changes, advice):
    run = fit(QUICK.override(lr=1e-6, **changes), load("digits"), out=tmp_path / "run")
    notes = {one["kind"]: one["sentence"] for one in run.notes}
    assert advice in notes["outdone"]


def test_no_more_images_are_used_than_said(tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "TRAINED_ON", 100)
    monkeypatch.setattr(baselines, "TESTED_ON", 50)
    run = fit(QUICK, load("digits"), out=tmp_path / "run")
    kept = json.loads((run.path / "baselines.json").read_text())
    assert (kept["training_images"], kept["test_images"]) == (100, 50)


def test_a_network_better_than_all_is_not_told():
    def outdone(network: float, linear: float, nearest: float, measure: str = "accuracy") -> str:
        found = {"network": network, "linear": linear, "nearest": nearest}
        return baselines._outdone({"training_images": 100, "test_images": 50, measure: found})

    assert not outdone(0.96, 0.9, 0.95)
    assert "nearest neighbour" in outdone(0.95, 0.9, 0.95)
    assert not outdone(1.0, 1.0, 1.0)
    assert not outdone(0.5, 0.4, -0.2, "r2")
    assert "A linear regression of the pixels of 100 training images has an R squared of 0.40" in (
        outdone(0.3, 0.4, -0.2, "r2")
    )


def test_numbers_have_baselines_too(tmp_path):
    images = shapes(200)
    brightness = images.images.float().mean((1, 2))  # which a linear method can tell
    images = replace(images.with_values(brightness, ["brightness"]), name="shapes")
    run = fit(QUICK.override(task="regress", lr=1e-6), images, out=tmp_path / "run")
    found = run.baselines
    assert found is not None
    assert found["r2"]["network"] == pytest.approx(run.results["r2"])
    assert found["r2"]["linear"] > 0.95
    assert found["r2"]["mean"] == pytest.approx(0, abs=0.2)
    truth = brightness[run.split.test].double().numpy()
    nearest = baselines.baseline_values(images, run.split.train, run.split.test)["nearest"]
    assert found["r2"]["nearest"] == pytest.approx(r2_score(truth, nearest))
    notes = {one["kind"]: one["sentence"] for one in run.notes}
    assert "A linear regression of the pixels" in notes["outdone"]
    text = read(report(run, images)).text
    assert "Beside simple predictors" in text
    assert "mean of the training images" in text


def test_only_pictures_of_several_classes_have_baselines():
    draw = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (40, 9, 1), generator=draw, dtype=torch.uint8)
    signals = ImageSet(values, torch.arange(40) % 2, ("a", "b"), [str(i) for i in range(40)])
    every = torch.arange(40)
    assert not baselines._fits(signals, every)
    assert not baselines._fits(shapes(40).with_values(torch.rand(40, 1), ["size"]), every)
    assert not baselines._fits(shapes(40), every[::2])  # of one class only
    assert baselines._fits(shapes(40), every)


def test_unlabelled_images_are_not_learned_from():
    images, recipe = load("digits"), QUICK.override(labels=20)
    parts = split_for(recipe, images, audit(images))
    known = baselines._known(SimpleNamespace(recipe=recipe, split=parts), images)
    assert images.targets[known].bincount().tolist() == [2] * 10
    assert set(known.tolist()) <= set(parts.train.tolist())
