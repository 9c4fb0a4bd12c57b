"""Planted wrong labels are found, the likeliest first, and copies do not confirm each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.drawn_classes import shapes
from hypothesis import given
from hypothesis import strategies as st

from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.errors import CutawayError
from cutaway.learn.fleet import launch
from cutaway.learn.image_features import Features
from cutaway.learn.recipe import Recipe
from cutaway.learn.suspects import (
    Suspects,
    by_folds,
    find_suspects,
    of_label,
    out_of_fold,
    suspected,
)


def with_wrong_labels(images: ImageSet, count: int, seed: int = 0) -> tuple[ImageSet, np.ndarray]:
    draw = np.random.default_rng(seed)
    wrong = draw.permutation(len(images))[:count]
    targets = images.targets.clone()
    shift = torch.from_numpy(draw.integers(1, len(images.classes), count))
    targets[wrong] = (targets[wrong] + shift) % len(images.classes)
    return replace(images, targets=targets), wrong


def test_planted_labels_are_found_among_digits():
    images, wrong = with_wrong_labels(load("digits").subset(torch.arange(600)), 30)
    found = find_suspects(images)
    hits = len(set(found.order) & set(wrong))
    assert hits >= 22
    assert hits / len(found.order) > 0.5
    assert len(set(found.order[:15]) & set(wrong)) >= 12
    right = load("digits").targets[:600].numpy()
    assert (found.suggested[wrong] == right[wrong]).mean() > 0.85


def test_a_label_less_probable_than_by_chance_is_suspected_the_least_probable_first():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7], [0.5, 0.5], [0.8, 0.2]])
    found = Suspects(p, np.array([0, 0, 0, 1, 1, 1]), "hand")
    assert suspected(p, found.targets).tolist() == [False, True, True, False, False, True]
    assert found.order.tolist() == [2, 5, 1]
    assert found.suggested[found.order].tolist() == [1, 0, 1]
    assert found.confidence[found.order].tolist() == [0.9, 0.8, 0.6]


@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 10_000))
def test_something_else_is_suggested_for_every_suspect(classes, count, seed):
    draw = np.random.default_rng(seed)
    p, t = draw.dirichlet(np.ones(classes), count), draw.integers(0, classes, count)
    found = Suspects(p, t, "chance")
    assert (found.suggested[found.order] != t[found.order]).all()
    assert (found.confidence[found.order] > 1 / classes).all()


def test_folds_never_part_a_group():
    """Images of one group look alike whatever they are called, so they would confirm themselves."""
    draw = np.random.default_rng(0)
    groups = torch.arange(10).repeat_interleave(8)
    marks = draw.integers(0, 256, (10, 12, 12, 1))[
        groups
    ]  # of the group; says nothing of the class
    noise = draw.integers(-60, 61, (80, 12, 12, 1))  # no near copies
    pixels = torch.from_numpy((marks + noise).clip(0, 255)).byte()
    targets = torch.from_numpy(draw.permutation(np.arange(10) % 2)[groups])
    images = ImageSet(pixels, targets, ("a", "b"), [f"{i}" for i in range(80)])
    parted, whole = find_suspects(images), find_suspects(replace(images, groups=groups))
    assert of_label(parted.probabilities, targets.numpy()).mean() > 0.7  # the others tell the class
    assert of_label(whole.probabilities, targets.numpy()).mean() < 0.6
    assert "part no group" in whole.made_by


def test_copies_do_not_confirm_each_other():
    images = shapes(80)
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    x[1] = x[0]
    t = images.targets.numpy()
    unit = np.arange(80)
    unit[1] = 0
    p = out_of_fold(Features(x, "noise"), t, unit, 2)
    assert p[0] == pytest.approx(p[1])  # one classifier answered for both
    assert p.sum(1) == pytest.approx(np.ones(80))


def test_a_class_of_one_image_is_no_failure():
    images = shapes(60)
    targets = images.targets.clone()
    targets[5] = 2
    found = find_suspects(replace(images, targets=targets, classes=("disc", "square", "odd")))
    assert found.probabilities[5, 2] == 0


def test_too_few_images_and_no_pictures_are_sentences():
    with pytest.raises(CutawayError, match="it takes 10 different images and two classes"):
        find_suspects(shapes(6))
    draw = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (40, 9, 1), generator=draw, dtype=torch.uint8)
    signals = ImageSet(values, torch.arange(40) % 2, ("a", "b"), [str(i) for i in range(40)])
    with pytest.raises(CutawayError, match="Only pictures"):
        find_suspects(signals)
    with pytest.raises(CutawayError, match="have numbers"):
        find_suspects(shapes(40).with_values(torch.rand(40, 1), ["size"]))


def test_a_fleet_of_folds_answers_for_itself(tmp_path):
    images, wrong = with_wrong_labels(load("digits").subset(torch.arange(400)), 20)
    recipe = Recipe(
        model="mlp", model_options={"widths": "32"}, data="own:digits", epochs=20, lr=0.1, folds=3,
        val=0.0,
    )  # fmt: skip
    fleet = launch(recipe, images, out=tmp_path / "fleet")
    found = by_folds(fleet, images)
    assert found.probabilities.sum(1) == pytest.approx(np.ones(400), abs=1e-5)
    assert len(set(found.order) & set(wrong)) >= 10
