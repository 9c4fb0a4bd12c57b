"""Every image of an epoch is learned from, every step learns, and a run ends as it began."""

import json
from dataclasses import replace

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import At
from torch import nn

from cutaway.data.imageset import ImageSet
from cutaway.errors import RunError, UsageError
from cutaway.learn import fleet, search
from cutaway.learn.callbacks import Callback
from cutaway.learn.execution import Execution
from cutaway.learn.fit import begin_training, fit
from cutaway.learn.recipe import FORMAT, Recipe, from_dict
from cutaway.learn.run import Run
from cutaway.learn.stage import Stage, moving_average
from cutaway.recipes import pair
from cutaway.show.progress import introduction

RECIPE = pair("mlp", "digits").override(
    model_options={"widths": "8"}, image_size=8, augment="none", epochs=2, batch_size=32, test=0.2
)


class Steps(Callback):
    """How many images each step took, and which."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.seen: list[int] = []

    def on_step_end(self, training) -> None:
        stage: Stage = training.stage
        self.sizes.append(stage.images_before(stage.step) - stage.images_before(stage.step - 1))
        self.seen += stage.feed.batch(stage.step - 1).index.tolist()


def some(count: int) -> ImageSet:
    return replace(digits(count), parts=None)


def test_an_epoch_of_a_run_learns_from_every_image(tmp_path):
    heard = Steps()
    run = fit(RECIPE.override(val=0.0), some(57), out=tmp_path / "x", callbacks=[heard])
    assert heard.sizes == [23] * 4
    assert sorted(heard.seen) == sorted(run.split.train.tolist() * 2)
    assert [row["step"] for row in run.metrics] == [2, 4]


def test_told_so_it_leaves_out_what_does_not_fill_a_batch_and_says_so(tmp_path):
    recipe = RECIPE.override(val=0.0, drop_last=True)
    training = begin_training(recipe, some(57), Execution(out=tmp_path / "x"))
    assert "2 steps of 32 images (each epoch leaves out 14: drop_last)" in introduction(training)[1]
    training.go()
    assert training.images_seen == 64


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_game_shows_its_discriminator_every_image(k, tmp_path):
    recipe = pair("gan", "digits").override(
        model_options={"width": 2}, task_options={"k": k}, batch_size=32, epochs=1, image_size=8,
        val=0.0,
    )  # fmt: skip
    training = begin_training(recipe, some(57), Execution(out=tmp_path / "x"))
    stage = training.stage
    batches = [stage.feed.batch(n) for n in range(stage.steps * k)]
    assert sorted(torch.cat([b.index for b in batches]).tolist()) == sorted(
        training.run.split.train.tolist()
    )
    training.go()
    assert training.images_seen == 46


def test_the_first_lines_say_batches_of_two_sizes(tmp_path):
    training = begin_training(RECIPE.override(val=0.0), some(58), Execution(out=tmp_path / "x"))
    assert "4 steps of 23 or 24 images" in introduction(training)[1]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "step", "constant", "one-cycle"])
def test_a_run_of_one_step_learns(schedule, tmp_path):
    recipe = RECIPE.override(epochs=1, batch_size=500, schedule=schedule, warmup=0.2)
    before = begin_training(recipe, some(120), Execution(out=tmp_path / "x"))
    start = {k: v.clone() for k, v in before.model.state_dict().items()}
    before.go()
    assert before.step == 1
    after = before.model.state_dict()
    assert all(not torch.equal(v, after[k]) for k, v in start.items())
    assert before.run.metrics[0]["lr"] == recipe.lr


def test_the_average_of_a_short_run_has_learned(tmp_path):
    """An average that keeps 0.9999 at each step would be the network after its first step."""
    recipe = RECIPE.override(epochs=15, lr=0.02, ema=0.9999)
    run = fit(recipe, some(400), out=tmp_path / "x")
    plain = fit(recipe.override(ema=0.0), some(400), out=tmp_path / "y")
    assert run.metrics[-1]["step"] < 200
    assert run.results["accuracy"] > plain.results["accuracy"] - 0.1 > 0.6


def test_an_average_keeps_no_more_than_it_is_told():
    network, weight = nn.Linear(1, 1), 0.0
    average = moving_average(network, 0.5)
    for n, value in enumerate((1.0, 3.0, -2.0, 5.0, 4.0, 0.0, 1.0, 9.0, 2.0, 7.0)):
        network.weight.data.fill_(value)
        average.update_parameters(network)
        kept = min(0.5, (1 + n) / (10 + n)) if n else 0.0
        weight = kept * weight + (1 - kept) * value
        assert average.module.weight.item() == pytest.approx(weight, rel=1e-5)


def test_recipes_of_format_1_leave_out_as_they_did():
    values = {k: v for k, v in Recipe().to_dict().items() if k != "drop_last"}
    assert from_dict(values | {"format": 1}).drop_last
    assert not from_dict(values | {"format": FORMAT}).drop_last
    assert not Recipe().drop_last


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("False", False), (True, True)])
def test_truth_is_read(text, value):
    assert Recipe().override(drop_last=text).drop_last is value


@pytest.mark.parametrize("text", ["perhaps", 2, ""])
def test_what_is_neither_yes_nor_no_is_refused(text):
    with pytest.raises(UsageError, match="--drop-last takes yes or no, not"):
        Recipe().override(drop_last=text)


class Enough(Exception):
    pass


def stop() -> None:
    raise Enough


def test_a_run_that_an_older_version_began_is_not_ended_otherwise(tmp_path):
    path = tmp_path / "x"
    with pytest.raises(Enough):
        fit(RECIPE, some(120), out=path, callbacks=[At(2, stop)])
    recipe = (path / "recipe.toml").read_text()
    older = recipe.replace(f"format = {FORMAT}", "format = 1").replace("drop_last = false\n", "")
    (path / "recipe.toml").write_text(older)
    with pytest.raises(RunError, match=r"begun by an earlier version of Cutaway .* train it again"):
        Run(path).resume(some(120))
    (path / "recipe.toml").write_text(recipe)
    assert Run(path).resume(some(120)).finished


def older(path) -> None:
    """Make a fleet or a search look as if it had been begun in format 1."""
    facts = json.loads(path.read_text())
    facts["recipe"]["format"] = 1
    path.write_text(json.dumps(facts))


def test_nor_is_the_rest_of_a_fleet(tmp_path):
    place = tmp_path / "x"
    fleet.launch(RECIPE.override(epochs=1, replicates=2), some(120), way="in-turn", out=place)
    older(place / "fleet.json")
    assert fleet.Fleet(place).resume(some(120)).finished  # nothing is left to do
    (place / "results.json").unlink()
    with pytest.raises(RunError, match="begun by an earlier version of Cutaway"):
        fleet.Fleet(place).resume(some(120))


def test_nor_is_the_rest_of_a_search(tmp_path):
    place, over = tmp_path / "x", {"lr": [0.1, 0.01]}
    search.launch(RECIPE.override(epochs=1), some(120), trials=2, over=over, out=place)
    older(place / "search.json")
    (place / "results.json").unlink()
    with pytest.raises(RunError, match="begun by an earlier version of Cutaway"):
        search.Search(place).resume(some(120))
