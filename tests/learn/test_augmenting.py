"""Augmentations that make classes alike are found before anything is learned, and said."""

import os
from pathlib import Path

import pytest
import torch
from helpers.drawn_classes import SIDE, arrows, shapes
from PIL import Image

import cutaway as ca
from cutaway.data.augment import Flip, Rotate, augment_for, parse
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.augmenting import Trial, choose_augmentation, try_copies
from cutaway.learn.execution import Execution
from cutaway.learn.fit import audit, begin_training, split_for
from cutaway.learn.recipe import Recipe
from cutaway.recipes import pair, starting_point
from cutaway.show.progress import introduction

RECIPE = pair("mlp", "own").override(model_options={"widths": "8"}, patience=0, epochs=1)


def everyone(images: ImageSet) -> torch.Tensor:
    return torch.arange(len(images))


@pytest.mark.parametrize("count", [46, 200])
@pytest.mark.parametrize("seed", range(3))
def test_mirrored_arrows_are_found_and_mirrored_shapes_are_not(count, seed):
    found = try_copies(arrows(count, seed), torch.arange(count), Flip())
    assert found.harmful
    assert found.pair == ("left", "right")
    assert found.right[0] > 0.9 * count > 0.75 * count > found.right[1]
    assert not try_copies(shapes(count, seed), torch.arange(count), Flip()).harmful


def test_noise_gives_no_alarm():
    """40 sets of 60 images: at p < 0.002 in either direction one alarm is a rare event."""
    alarms = sum(
        try_copies(shapes(60, seed), torch.arange(60), Flip()).harmful for seed in range(40)
    )
    assert alarms == 0


def test_labels_without_a_pattern_give_no_alarm():
    draw = torch.Generator().manual_seed(0)
    for seed in range(10):
        images = shapes(100, seed)
        images.targets[:] = torch.randint(0, 2, (100,), generator=draw)
        assert not try_copies(images, torch.arange(100), Flip()).harmful


@pytest.mark.parametrize(
    ("lost", "won", "harmful"), [(10, 0, True), (9, 0, False), (30, 20, False), (0, 30, False)]
)
def test_the_rule(lost, won, harmful):
    assert Trial(100, (60, 60 - lost + won), lost, won).harmful is harmful


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_too_few_images_say_nothing(count):
    assert not try_copies(arrows(12), torch.arange(count), Flip()).harmful


@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (2, 40), (80, 5)])
def test_images_of_any_size_can_be_tried(shape):
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (30, *shape, 3), generator=draw, dtype=torch.uint8)
    images = ImageSet(pixels, torch.arange(30) % 3, tuple("abc"), arrows(30).names)
    assert not try_copies(images, torch.arange(30), Flip()).harmful


@pytest.mark.slow
@pytest.mark.skipif("CUTAWAY_DATA" not in os.environ, reason="needs CUTAWAY_DATA")
def test_real_digits_read_from_left_to_right_and_real_photographs_from_either_side():
    root = Path(os.environ["CUTAWAY_DATA"])
    digits = ca.load("mnist")
    assert try_copies(digits, torch.arange(2000), Flip()).harmful
    assert try_copies(digits, torch.arange(2000), Rotate(180.0)).harmful
    assert not try_copies(digits, torch.arange(2000), Rotate(10.0)).harmful
    for photographs in (
        ca.load("rocks", image_size=64),
        ca.load("cifar10"),
        ca.load(root / "leaves", image_size=64),
    ):
        assert not try_copies(photographs, everyone(photographs), Flip()).harmful


def test_auto_is_what_suits_the_size():
    sizes = [(32, 32), (64, 200), (8, 8), (7, 20), (16,), (4, 8, 8)]
    found = [str(augment_for("auto", size)) for size in sizes]
    assert found == ["crop:4+flip", "crop:4+flip", "crop:1+flip", "flip", "none", "none"]


def parts(images: ImageSet, recipe: Recipe = RECIPE):
    return split_for(recipe, images, audit(images))


def test_auto_leaves_out_what_makes_classes_alike():
    images = arrows(80)
    recipe, notes = choose_augmentation(RECIPE.override(augment="auto"), images, parts(images))
    assert recipe.augment == "crop:3"
    assert [one["kind"] for one in notes] == ["augmentation"]
    assert "'flip' is left out: it makes classes alike" in notes[0]["sentence"]
    assert "('left' and 'right' are confused)" in notes[0]["sentence"]
    assert notes[0]["sentence"].endswith("To use it all the same: --augment crop:3+flip")


def test_auto_keeps_what_suits():
    images = shapes(80)
    recipe, notes = choose_augmentation(RECIPE.override(augment="auto"), images, parts(images))
    assert (recipe.augment, notes) == ("crop:3+flip", [])


def test_what_was_asked_for_stays_and_is_said():
    images = arrows(80)
    asked = RECIPE.override(augment="shift:1+flip:0.3")
    recipe, notes = choose_augmentation(asked, images, parts(images))
    assert recipe == asked
    assert "'flip:0.3' does not suit these images" in notes[0]["sentence"]
    assert notes[0]["sentence"].endswith("To leave it out: --augment shift:1")


def test_each_stage_has_its_own():
    images = arrows(80)
    stages = [{"epochs": 1, "augment": "none"}, {"epochs": 1}, {"task": "reconstruct"}]
    recipe = RECIPE.override(augment="auto", stages=stages)
    recipe, notes = choose_augmentation(recipe, images, parts(images))
    found = [stage.augment for stage in recipe.in_stages()]
    assert found == ["none", "crop:3", "crop:3+flip"]  # what is reconstructed has no classes
    assert "auto" not in recipe.to_toml().replace("--augment", "").split('augment = "')[1]
    assert len(notes) == 1


def test_stages_that_have_the_runs_own_stay_as_they_were_written():
    images, stages = arrows(80), [{"epochs": 1}, {"epochs": 2, "augment": "none"}]
    for augment, whole in (("none", "none"), ("shift:1", "shift:1"), ("auto", "crop:3")):
        recipe = RECIPE.override(augment=augment, stages=stages)
        found, _ = choose_augmentation(recipe, images, parts(images))
        assert (found.augment, found.stages) == (whole, stages)


def test_with_few_labels_only_those_are_looked_at():
    images = arrows(200)
    recipe = RECIPE.override(augment="auto", labels=8)
    assert choose_augmentation(recipe, images, parts(images))[0].augment == "crop:3+flip"
    recipe = RECIPE.override(augment="auto", labels=60)
    assert choose_augmentation(recipe, images, parts(images))[0].augment == "crop:3"


def test_the_test_set_chooses_nothing():
    """Only the test images are arrows: training images that are shapes keep the flip."""
    images, others = shapes(100), arrows(100)
    division = parts(images)
    images.images[division.test] = others.images[division.test]
    images.images[division.val] = others.images[division.val]
    assert (
        choose_augmentation(RECIPE.override(augment="auto"), images, division)[0].augment
        == "crop:3+flip"
    )


def test_a_run_says_it_first_and_keeps_what_was_chosen(tmp_path):
    training = begin_training(
        RECIPE.override(augment="auto"), arrows(80), Execution(out=tmp_path / "x")
    )
    lines = introduction(training)
    assert lines[1].endswith("; augmentation crop:3")
    assert any("'flip' is left out" in line for line in lines)
    assert training.run.recipe.augment == "crop:3"
    assert training.run.notes[-1]["kind"] == "augmentation"


def test_members_of_a_fleet_choose_by_their_own_training_images(tmp_path):
    recipe = RECIPE.override(augment="auto", folds=2)
    fleet = ca.fit(recipe=recipe, data=arrows(90), way="batched", out=tmp_path / "x")
    assert [run.recipe.augment for run in fleet.members] == ["crop:3"] * 2
    assert fleet.recipe.augment == "auto"


def test_a_folder_of_ones_own_begins_with_auto(tmp_path):
    (tmp_path / "a").mkdir()
    assert starting_point(str(tmp_path)).augment == "auto"


@pytest.mark.parametrize(
    ("text", "size"), [("crop:8", (8, 20)), ("shift:40", (32, 32)), ("erase:70", (32, 32))]
)
def test_what_leaves_nothing_of_an_image_is_refused_at_once(text, size):
    with pytest.raises(UsageError, match=r"needs images of more than .* pixels a side, not"):
        augment_for(text, size)
    with pytest.raises(UsageError, match="needs images of more than"):
        parse(text)(torch.zeros(2, 1, *size), torch.Generator())


def folder(images: ImageSet, root: Path) -> Path:
    for i, (pixels, t) in enumerate(zip(images.images, images.targets, strict=True)):
        place = root / images.classes[t]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0].numpy()).resize((2 * SIDE, 2 * SIDE)).save(
            place / f"{i}.png"
        )
    return root


@pytest.mark.slow
def test_a_folder_of_arrows_is_learned(tmp_path):
    """With mirrored images a network tells half of them."""
    place = folder(arrows(160), tmp_path / "arrows")
    options = {"epochs": 12, "image_size": 24, "progress": False}
    run = ca.fit("lenet_norm", str(place), out=tmp_path / "x", **options)
    assert run.recipe.augment == "crop:3"
    assert run.results["accuracy"] > 0.9
    flipped = ca.fit("lenet_norm", str(place), augment="flip", out=tmp_path / "y", **options)
    assert flipped.results["accuracy"] < 0.8
    assert any("does not suit these images" in one["sentence"] for one in flipped.notes)
