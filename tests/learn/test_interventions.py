"""Changes by hand: what they do, that they are undone, and that a run repeats with them."""

import json
import math
from pathlib import Path

import pytest
import torch
from helpers.digits import digits
from helpers.killed_runs import contents
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cutaway.errors import UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.interventions import (
    FILE,
    Dropout,
    Hold,
    Images,
    Intervention,
    Rate,
    Weights,
    change_of,
    read_interventions,
)
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.training import Stopped

RECIPE = Recipe(
    epochs=3, batch_size=32, optimizer="adamw", lr=0.003, momentum=0.9, ema=0.9, seed=5, val=0.2
)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2),
        nn.Flatten(), nn.Linear(288, 10),
    )  # fmt: skip


class Hand(Callback):
    """Makes changes before given steps, as somebody does who looks; stops before one, if asked."""

    def __init__(self, changes, stop=None):
        self.changes, self.stop, self.seen = changes, stop, {}

    def on_step_begin(self, training):
        if training.step == self.stop:
            training.save()
            raise Stopped("stopped")
        for change in self.changes.get(training.step, ()):
            if change == "undo":
                assert training.interventions.undo(training)
            else:
                training.interventions.add(training, change)

    def on_step_end(self, training):
        model, average = training.model, training.stage.average.module
        self.seen[training.step] = {
            "rates": training.stage.player_optimizers[0].rates[0],
            "dropout": model[3].p,
            "images": training.stage.totals.images["loss"],
            "row": model[0].weight[1].detach().clone(),
            "averaged": average[0].weight[1].detach().clone(),
            "bias": model[0].bias[1].item(),
        }


KERNEL = Weights("0.weight", (2, 0), tuple(map(float, range(9))))
CHANGES = {
    0: [Rate(0.5)],
    4: [Hold("0", 1, 0.25), Dropout(0.5)],
    7: [KERNEL],
    9: ["undo", Hold("0", 1, None)],
    12: [Rate(2.0), Hold("1", 3), Images(8)],
    14: [Images(None)],
}


def learned(path: Path, **more) -> Run:
    images = digits(300)
    return fit(RECIPE, images, model=network(), out=path, **more)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    hand = Hand(CHANGES)
    return learned(tmp_path_factory.mktemp("runs") / "run", callbacks=[hand]), hand


def test_each_change_lasts_from_its_step_on(changed):
    plain = Hand({})
    run, hand = changed
    learned(run.path.parent / "plain", callbacks=[plain])
    assert hand.seen[1]["rates"] == 0.5 * plain.seen[1]["rates"]
    assert hand.seen[13]["rates"] == 2 * plain.seen[13]["rates"]
    images = [hand.seen[k]["images"] for k in (13, 14, 15)]  # of an epoch that begins at 12
    assert images[:2] == [8, 16]
    assert images[2] > 16 + 8
    assert [hand.seen[k]["dropout"] for k in (4, 5, 12)] == [0.2, 0.5, 0.5]
    for step in range(5, 10):
        assert not hand.seen[step]["row"].any()
        assert not hand.seen[step]["averaged"].any()
        assert hand.seen[step]["bias"] == 0.25
    assert hand.seen[4]["row"].any()
    assert hand.seen[10]["row"].any()


def test_a_unit_that_was_held_to_the_end_leaves_so_with_the_weights(changed):
    run, _ = changed
    assert not run.model[1].weight[3]
    assert not run.model[1].bias[3]


def test_weights_are_what_they_were_once_their_change_is_undone(changed):
    run, _ = changed
    made = read_interventions(run.path)
    there, back = (one.change for one in made if isinstance(one.change, Weights))
    assert there == KERNEL
    assert back.parameter == "0.weight"
    assert back.values != there.values
    assert [one.step for one in made] == [0, 4, 4, 7, 9, 9, 12, 12, 12, 14]


def test_what_takes_another_back_is_told_so(changed):
    run, _ = changed
    told = [str(one) for one in run.interventions if one.step == 9]
    assert told[0].startswith("Taken back: 9 weights of 0.weight were set as before.")
    assert told[1] == "Unit 1 of 0 learned again."
    for one in run.interventions:
        assert Intervention.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_a_run_with_the_same_changes_ends_with_the_same_bytes(changed, tmp_path):
    run, _ = changed
    again = learned(tmp_path / "again", interventions=run.path)
    assert contents(run.path) == contents(again.path)
    assert again.interventions == run.interventions


@pytest.mark.parametrize("stop", [4, 6, 9, 13])
def test_a_run_that_was_stopped_goes_on_with_its_changes(changed, tmp_path, stop):
    run, _ = changed
    made = {step: some for step, some in CHANGES.items() if step < stop}
    with pytest.raises(Stopped):
        learned(tmp_path / "run", callbacks=[Hand(made, stop)])
    half = Run(tmp_path / "run", network(), digits(300))
    later = {step: some for step, some in CHANGES.items() if step >= stop}
    if "undo" in later.get(9, ()) and stop > 7:  # what is undone was made before it went on
        undone = [one.change for one in run.interventions if one.step == 9]
        later[9] = undone
    half.resume(callbacks=[Hand(later)])
    changes = [[(one.step, one.change) for one in each.interventions] for each in (half, run)]
    assert changes[0] == changes[1]
    assert contents(half.path) == contents(run.path)


def test_the_result_says_that_somebody_reached_in(changed):
    run, _ = changed
    assert any(one["kind"] == "interventions" for one in run.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Rate(-1.0), "from 0"),
        (Rate(math.inf), "from 0"),
        (Dropout(1.0), "below 1"),
        (Images(1), "from 2 to 32 images"),
        (Images(33), "from 2 to 32 images"),
        (Hold("9", 0), "no layer 9"),
        (Hold("2", 0), "no units"),
        (Hold("0", 8), "units 0 to 7"),
        (Hold("0", -1), "units 0 to 7"),
        (Hold("0", 0, math.nan), "finite"),
        (Weights("9.weight", (), ()), "no parameter"),
        (Weights("0.weight", (8,), (0.0,) * 9), "no place"),
        (Weights("0.weight", (0,), (0.0,)), "9 weights"),
        (Weights("0.bias", (0,), (math.inf,)), "finite"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_nothing_is_written(tmp_path, change, said):
    with pytest.raises(UsageError, match=said):
        learned(tmp_path / "run", callbacks=[Hand({2: [change]})])
    assert not (tmp_path / "run" / FILE).exists()


def test_frozen_weights_are_not_changed(tmp_path):
    model = network()
    model[0].requires_grad_(False)
    with pytest.raises(UsageError, match="does not learn"):
        fit(
            RECIPE, digits(300), model=model, out=tmp_path / "run",
            callbacks=[Hand({2: [Hold("0", 1)]})],
        )  # fmt: skip


FLOATS = st.floats(-9, 9)
PLAIN = st.one_of(
    st.tuples(st.just(Rate), st.floats(0, 100)),
    st.tuples(st.just(Dropout), st.one_of(st.none(), st.floats(0, 0.9))),
    st.tuples(st.just(Images), st.one_of(st.none(), st.integers(2, 99))),
    st.tuples(st.just(Hold), st.text(), st.integers(0, 9), st.one_of(st.none(), FLOATS)),
    st.tuples(
        st.just(Weights), st.text(), st.lists(st.integers(-1, 9)).map(tuple),
        st.lists(FLOATS).map(tuple),
    ),
)  # fmt: skip


@given(PLAIN, st.integers(0, 1 << 40))
def test_a_line_of_the_file_says_all_of_it(plain, step):
    kind, *given = plain
    one = Intervention(step, kind(*given))
    assert Intervention.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "explode"},
        {"kind": "rate"},
        {"kind": "rate", "factor": "2"},
        {"kind": "rate", "factor": True},
        {"kind": "rate", "factor": None},
        {"kind": "hold", "layer": "a", "unit": 1.5},
        {"kind": "hold", "layer": 3, "unit": 1},
        {"kind": "weights", "parameter": "a", "index": 3, "values": []},
        {"kind": "weights", "parameter": "a", "index": [], "values": ["x"]},
        {"kind": "weights", "parameter": "a", "index": [], "values": [], "more": 1},
    ],
)
def test_what_is_no_change_is_refused_in_a_sentence(content):
    with pytest.raises(UsageError, match="change"):
        change_of(content)


@pytest.mark.parametrize(
    "text", ["{", '{"step": -1, "kind": "rate", "factor": 1}', "[1]\n", "\x00"]
)
def test_a_file_that_holds_none_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError, match="cannot be read"):
        read_interventions(tmp_path)


def test_a_run_that_nobody_reached_into_is_no_source_of_changes(tmp_path):
    with pytest.raises(UsageError, match="nobody reached"):
        read_interventions(tmp_path)


def test_a_transposed_convolution_has_its_units_along_the_second_axis(tmp_path):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose2d(1, 3, 2)
            self.out = nn.Linear(243, 10)

        def forward(self, x):
            return self.out(self.up(x).flatten(1))

    class Holding(Callback):
        def on_step_begin(self, training):
            if training.step == 1:
                training.interventions.add(training, Hold("up", 2, 0.5))

    run = fit(
        RECIPE.override(ema=0.0), digits(300), model=Twice(),
        out=tmp_path / "run", callbacks=[Holding()],
    )  # fmt: skip
    with torch.no_grad():
        y = run.model.up(torch.randn(2, 1, 8, 8))
    assert (y[:, 2] == 0.5).all()
    assert y[:, 1].std() > 0
