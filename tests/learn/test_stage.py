"""Stages, few labels, frozen parts and slower layers."""

import pytest
import torch
from helpers.digits import digits

import cutaway as ca
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.checkpoint import load_checkpoint
from cutaway.learn.fit import fit
from cutaway.learn.network import initial_network
from cutaway.learn.recipe import Recipe

STAGES = [
    {"task": "reconstruct", "epochs": 2, "lr": 0.01},
    {"task": "classify", "epochs": 3, "freeze": "encoder", "labels": 40, "lr": 0.02, "repeat": 10},
]
RECIPE = Recipe(
    model="autoencoder_softmax", model_options={"widths": "16", "bottleneck": 4}, batch_size=32,
    optimizer="adam", weight_decay=0, stages=STAGES,
)  # fmt: skip


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return digits(400)


class Watch(Callback):
    """Keeps the encoder's weights at each epoch, and what each step learned from."""

    def __init__(self):
        self.encoder, self.seen = {}, {}

    def on_step_end(self, training):
        stage = training.stage
        batch = stage.feed.batch(stage.step - 1)
        self.seen.setdefault(stage.number, set()).update(batch.index.tolist())

    def on_epoch_end(self, training, row):
        state = training.model.encoder.state_dict()
        self.encoder[row["epoch"]] = {k: v.clone() for k, v in state.items()}


@pytest.fixture(scope="module")
def watched(images, tmp_path_factory):
    watch = Watch()
    run = fit(RECIPE, images, out=tmp_path_factory.mktemp("runs") / "run", callbacks=[watch])
    return run, watch


def test_each_stage_has_its_task_and_its_rows(watched):
    run, _ = watched
    assert [row["stage"] for row in run.metrics] == [1, 1, 2, 2, 2]
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3, 4, 5]
    assert "val_psnr" in run.metrics[0]
    assert "val_accuracy" in run.metrics[-1]
    assert run.metrics[-1]["train_loss"] < run.metrics[2]["train_loss"]


def test_the_frozen_encoder_stays_as_the_first_stage_left_it(watched):
    _, watch = watched
    for name, value in watch.encoder[2].items():
        assert torch.equal(watch.encoder[5][name], value)
        assert not torch.equal(watch.encoder[1][name], value)


def test_only_the_labelled_images_are_learned_from_in_the_second_stage(watched, images):
    run, watch = watched
    assert len(watch.seen[0]) > 200
    assert len(watch.seen[1]) <= 40
    assert watch.seen[1] <= set(run.split.train.tolist())


def test_a_stage_cannot_change_the_run():
    with pytest.raises(UsageError, match="A stage cannot change 'model'"):
        Recipe(stages=[{"model": "mlp"}])


def test_unknown_parts_to_freeze_are_refused_before_anything_is_written(images, tmp_path):
    with pytest.raises(UsageError, match="no part 'encode' to freeze"):
        fit(RECIPE.override(stages=[], freeze="encode"), images, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_stages_survive_the_file(watched):
    run, _ = watched
    assert ca.load(run.path).recipe.in_stages()[1].freeze == "encoder"


def test_the_backbone_learns_more_slowly(images, tmp_path):
    """With plain gradient descent a step is the rate times the gradient."""
    recipe = Recipe(
        model="mlp", model_options={"widths": "8"}, epochs=1, batch_size=1000, optimizer="sgd",
        momentum=0, weight_decay=0, schedule="constant", warmup=0, lr=0.1, augment="none",
    )  # fmt: skip
    moved = {}
    for rate in (1.0, 0.25):
        run = fit(recipe.override(backbone_rate=rate), images, out=tmp_path / str(rate))
        begun = initial_network(recipe, 1, 10, (8, 8)).state_dict()
        ended = run.model.state_dict()
        moved[rate] = {k: ended[k] - begun[k] for k in begun}
    slow, fast = moved[0.25], moved[1.0]
    torch.testing.assert_close(slow["hidden.0.U.weight"], 0.25 * fast["hidden.0.U.weight"],
                               atol=1e-7, rtol=1e-4)  # fmt: skip
    torch.testing.assert_close(slow["output.weight"], fast["output.weight"], atol=1e-7, rtol=1e-4)


def test_a_run_begins_from_anothers_weights(watched, images, tmp_path):
    run, _ = watched
    recipe = RECIPE.override(stages=[], epochs=1, lr=1e-9, pretrained=str(run.path))
    again = fit(recipe, images, out=tmp_path / "again")
    for name, value in run.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, atol=1e-6, rtol=1e-5)
    first, _, _ = load_checkpoint(again.path / "checkpoint")
    assert first


@pytest.mark.parametrize("name", ["normal", "xavier", "he", "orthogonal", "lsuv"])
def test_every_initialiser_trains(name, images, tmp_path):
    recipe = Recipe(model="mlp", model_options={"widths": "16"}, epochs=1, init=name)
    run = fit(recipe, images, out=tmp_path / name)
    assert run.finished
    assert run.recipe.init == name
