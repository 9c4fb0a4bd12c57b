"""Features of a frozen backbone: computed once where they never change, and only there."""

from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At, contents
from torch import nn

from cutaway.data.feed import Feed, Normalise
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.frozen_features import FeatureFeed, frozen_backbone
from cutaway.learn.penultimate import inputs_of
from cutaway.learn.pretrained import frozen, rest
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.task import at_rest
from cutaway.learn.tasks import make_task
from cutaway.learn.unlike import Familiar
from cutaway.models import build

RECIPE = Recipe(
    freeze="backbone", epochs=3, batch_size=16, optimizer="adamw", lr=0.01, precision="float32",
    ema=0.9, patience=2, accumulate=2,
)  # fmt: skip
IMAGES = digits(100)


def small() -> nn.Sequential:
    """A backbone with statistics, and a head with dropout."""
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(
        stem=nn.Conv2d(1, 8, 3), norm=nn.BatchNorm2d(8), bend=nn.ReLU(inplace=True),
        flatten=nn.Flatten(), dropout=nn.Dropout(0.2), output=nn.Linear(288, 10),
    ))  # fmt: skip


class Seen(Callback):
    """How often the first layer computed, and what the steps learned from."""

    def on_run_begin(self, training):
        self.calls, self.shapes = 0, set()
        training.model.stem.register_forward_hook(self.count)

    def count(self, *_):
        self.calls += 1

    def on_step_end(self, training):
        self.shapes.add(tuple(training.stage.feed.batch(0).x.shape[1:]))


def parts(network: nn.Module, recipe: Recipe = RECIPE, images=IMAGES, head: str = "output"):
    """What is found of a network that is about to learn with the recipe."""
    rest(frozen(network.train(), recipe.freeze, head))
    feed = Feed(images, torch.arange(len(images)), batch_size=16, normalise=Normalise((0.5,), (1,)))
    return frozen_backbone(recipe, make_task(recipe), network, feed)


def test_what_is_learned_is_what_is_learned_from_the_images(tmp_path):
    """Watching the layers needs them to compute at every step, which is the plain way."""
    runs, seen = {}, {0: Seen(), 100: Seen()}
    for watch in seen:
        recipe = RECIPE.override(watch=watch)
        runs[watch] = fit(
            recipe, IMAGES, model=small(), out=tmp_path / str(watch), callbacks=[seen[watch]]
        )
    once, plain = runs.values()
    assert (seen[0].shapes, seen[100].shapes) == ({(288,)}, {(1, 8, 8)})
    assert seen[0].calls < seen[100].calls / 2
    for a, b in zip(once.metrics, plain.metrics, strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(once.model.state_dict()[name], value, atol=1e-5, rtol=1e-4)
    assert once.results["loss"] == pytest.approx(plain.results["loss"], rel=1e-4)


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path):
    whole = fit(RECIPE, IMAGES, model=small(), out=tmp_path / "whole")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(RECIPE, IMAGES, model=small(), out=tmp_path / "run", callbacks=[At(7, stop)],
            checkpoint_every=0.0)  # fmt: skip
    again = Run(tmp_path / "run", small()).resume(IMAGES)
    assert contents(again.path) == contents(whole.path)


def test_a_batch_holds_the_features_of_its_images():
    network = build("efficientnet_lite0", 1, 10, 32)
    still = parts(network, images=digits(12, 32))
    assert [name for name, _ in still.tail.named_children()] == ["dropout", "output"]
    normalise = Normalise((0.5,), (1,))
    images = Feed(digits(12, 32), torch.arange(3, 12), batch_size=4, normalise=normalise)
    batch = FeatureFeed(images, still).batch(1)
    assert torch.equal(batch.index, images.batch(1).index)
    assert torch.equal(batch.t, images.batch(1).t)
    network.eval()
    with torch.no_grad():
        expected = network(images.of(batch.index).x)
        torch.testing.assert_close(still.tail(batch.x), expected, atol=1e-4, rtol=1e-4)


def test_dropout_among_frozen_layers_belongs_to_what_is_computed_at_each_step():
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 8),
        nn.Dropout(0.1), nn.Linear(8, 10),
    )  # fmt: skip
    still = parts(network, images=digits(60), head="6")
    assert [name for name, _ in still.tail.named_children()] == ["3", "4", "5", "6"]


@pytest.mark.parametrize("dropout", [-1.0, 0.0, 0.3])
def test_dropout_that_leaves_nothing_out_changes_nothing(dropout):
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.0), nn.Linear(8, 8), nn.Linear(8, 10)
    )
    still = parts(network, RECIPE.override(dropout=dropout), digits(60), head="4")
    expected = ["2", "3", "4"] if dropout > 0 else ["4"]
    assert [name for name, _ in still.tail.named_children()] == expected


class Added(nn.Module):
    """Between its frozen layer and its head it does something that no module does."""

    def __init__(self, noise: bool):
        super().__init__()
        self.body, self.output, self.noise = nn.Linear(64, 8), nn.Linear(8, 10), noise

    def forward(self, x):
        z = self.body(x.flatten(1))
        if self.noise and self.training:
            z = z + torch.randn_like(z)
        return self.output(z) if self.noise else self.output(z) * 2


@pytest.mark.parametrize("noise", [True, False])
def test_features_that_change_or_do_not_lead_to_the_answer_are_not_kept(noise):
    assert parts(Added(noise), images=digits(60)) is None


def test_statistics_of_a_batch_are_not_features_of_an_image():
    norm = nn.BatchNorm1d(8, affine=False)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), norm, nn.Linear(8, 10))
    assert parts(network, Recipe(freeze="1"), digits(60), "3") is None
    assert norm.num_batches_tracked == 0
    assert parts(network, Recipe(freeze="1,2"), digits(60), "3") is not None


@pytest.mark.parametrize(
    "changes",
    [{"augment": "flip"}, {"mixup": 0.2}, {"freeze": ""}, {"watch": 5}, {"task": "reconstruct"}],
    ids=str,
)
def test_what_changes_the_images_at_each_step_is_computed_at_each_step(changes):
    assert parts(small(), RECIPE.override(**changes)) is None


class Finished(Callback):
    """Batches that the first layer computed, up to the end of the run and since."""

    def on_run_begin(self, training):
        self.training, self.calls, self.images = training, [], []
        training.model.stem.register_forward_hook(self.count)

    def count(self, module, inputs, _):
        self.calls.append(len(inputs[0]))


def test_after_the_end_only_test_images_pass_through_the_backbone(tmp_path):
    images, told = digits(300), Finished()
    recipe = replace(RECIPE, val=0.25, test=0.25)
    run = fit(recipe, images, model=small(), out=tmp_path / "run", callbacks=(told,))
    learned, val, test = (len(getattr(run.split, part)) for part in ("train", "val", "test"))
    others = sum(told.calls) - learned - val
    assert test * 2 <= others < test * 3 + 20  # evaluated, and how unlike they are; and trials
    again = Run(run.path, small())
    familiar = Familiar.of(run.path)
    with torch.no_grad(), at_rest(again.model, again.runtime):
        x = next(again.feed(images, run.split.val).first(val)).x
        with inputs_of(again.model, familiar.layer) as inputs:
            again.model(x)
    expected = Familiar.fitted(familiar.known.astype(np.float32), inputs[0].numpy(), "output")
    assert expected.limit == pytest.approx(familiar.limit, rel=1e-4)
