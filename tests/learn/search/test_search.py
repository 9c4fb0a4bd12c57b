"""Searches: ordinary runs that never see the test images; killed ones go on as if never killed."""

import json
import signal
from pathlib import Path

import pytest
from helpers.digits import digits
from helpers.killed_runs import digest
from helpers.small_search import OVER, search, small

from cutaway.errors import RunError, TrainingError, UsageError
from cutaway.learn.callbacks import Callback
from cutaway.learn.fit import fit
from cutaway.learn.history import selected
from cutaway.learn.run import Run
from cutaway.learn.search import Search
from cutaway.learn.search.pruning import Pruning
from cutaway.learn.tasks import metric
from cutaway.learn.training import Stopped

WILD = small(optimizer="sgd", weight_decay=10.0)
"""At a high rate each step makes the weights some thousand times larger."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Search:
    """A search that nothing interrupted, of which some trials were pruned."""
    found = search(tmp_path_factory.mktemp("search") / "whole", 8)
    assert {trial.state for trial in found.trials} == {"ended", "pruned"}
    return found


def contents(path: Path) -> dict[str, str]:
    """Digests of all that a search found."""
    names = ["trials.json", "results.json", "best.toml"]
    places = [path / name for name in names] + sorted(path.glob("trials/*/metrics.jsonl"))
    return {str(place.relative_to(path)): digest(place) for place in places}


def test_no_trial_looks_at_the_test_images(whole):
    for trial in whole.trials:
        run = Run(whole.place(trial.number))
        assert run.looks == []
        assert not run.finished
        assert not (run.path / "weights.safetensors").exists()
        assert not (run.path / "predictions.safetensors").exists()


def test_all_trials_have_the_same_split(whole):
    splits = {(whole.place(k) / "split.json").read_bytes() for k in range(len(whole))}
    assert len(splits) == 1
    assert whole.best.split_seed == 0


def test_a_trial_is_the_run_that_its_recipe_gives(whole, tmp_path):
    best = whole.results["trial"]
    run = fit(whole.best, digits(200), out=tmp_path / "again")
    assert run.metrics == Run(whole.place(best)).metrics
    assert whole.results["value"] == run.metrics[-1]["val_accuracy"]


def test_the_first_trial_is_the_recipe_as_it_is(whole):
    first = whole.trials[0].changes
    assert first == {"lr": small().lr, "batch_size": 32, "widths": "8"}


def test_the_best_is_the_best(whole):
    ended = [trial for trial in whole.trials if trial.state == "ended"]
    best = max(ended, key=lambda one: (one.value, -one.loss))
    assert whole.results["trial"] == best.number
    assert whole.results["changes"] == best.changes
    assert whole.best.lr == best.changes["lr"]
    assert whole.best.model_options["widths"] == best.changes["widths"]
    assert set(whole.results["importance"]) == set(OVER)


def test_pruned_trials_keep_their_rows(whole):
    for trial in whole.trials:
        rows = Run(whole.place(trial.number)).metrics
        assert [row["epoch"] for row in rows] == [epoch for epoch, _ in trial.values]
        assert (len(rows) < 3) == (trial.state == "pruned")
        assert not (whole.place(trial.number) / "checkpoint").exists()


def test_the_same_search_gives_the_same_trials_and_another_seed_others(whole, tmp_path):
    assert contents(search(tmp_path / "again", 8).path) == contents(whole.path)
    other = search(tmp_path / "other", 3, recipe=small(seed=1))
    assert [t.drawn for t in other.trials[1:]] != [t.drawn for t in whole.trials[1:3]]


@pytest.mark.parametrize(("number", "step"), [(0, 3), (7, 12)])
def test_killed_within_a_trial_it_goes_on_to_the_same_end(
    number, step, whole, tmp_path, monkeypatch
):
    class PowerCut(BaseException):
        pass

    def die(self, training):
        if training.run.path.name == f"{number:03}" and training.step == step:
            raise PowerCut

    path = tmp_path / "cut"
    monkeypatch.setattr(Pruning, "on_step_end", die)
    with pytest.raises(PowerCut):
        search(path, 8, checkpoint_every=0.0)
    monkeypatch.undo()
    state = json.loads((path / "trials.json").read_text())[-1]["state"]
    assert state == "running"
    assert contents(Search(path).resume(digits(200)).path) == contents(whole.path)


@pytest.mark.parametrize("count", [2, 9])
def test_killed_before_it_writes_it_goes_on_to_the_same_end(count, whole, tmp_path, monkeypatch):
    path, original, calls = tmp_path / "cut", Search.write, []

    def write(self, trials):
        calls.append(trials)
        if len(calls) == count:
            raise SystemExit
        original(self, trials)

    monkeypatch.setattr(Search, "write", write)
    with pytest.raises(SystemExit):
        search(path, 8)
    monkeypatch.undo()
    assert contents(Search(path).resume(digits(200)).path) == contents(whole.path)


def test_ctrl_c_says_how_to_go_on(whole, tmp_path, monkeypatch):
    path = tmp_path / "stopped"

    def ask(self, training):
        if training.run.path.name == "002" and training.step == 5:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Pruning, "on_step_end", ask)
    with pytest.raises(Stopped, match=f"2 of 8 trials done.*cutaway resume {path}$") as caught:
        search(path, 8)
    monkeypatch.undo()
    assert caught.value.exit_code == 130
    found = Search(path)
    with pytest.raises(RunError, match="has not finished"):
        found.results  # noqa: B018
    with pytest.raises(RunError, match="has not finished"):
        found.best  # noqa: B018
    assert contents(Search(path).resume(digits(200)).path) == contents(whole.path)


def test_ctrl_c_between_trials(tmp_path):
    class Impatient(Callback):
        def on_trial_end(self, search, trial):
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="1 of 8 trials done"):
        search(tmp_path / "x", callbacks=[Impatient()])


def test_a_search_that_has_ended_stays(whole):
    before = contents(whole.path)
    assert Search(whole.path).resume().results == whole.results
    assert contents(whole.path) == before


def test_a_trial_that_diverges_is_a_failed_trial(tmp_path):
    found = search(tmp_path / "x", 2, {"lr": [0.01, 1000.0]}, recipe=WILD)
    states = {trial.changes["lr"]: trial for trial in found.trials}
    assert states[0.01].state == "ended"
    assert states[1000.0].state == "failed"
    assert states[1000.0].why.startswith("The loss stopped being a finite number at step")
    assert found.best.lr == 0.01


def test_where_all_diverge_it_says_why(tmp_path):
    with pytest.raises(TrainingError, match=r"None of the 2 trials .* finite number"):
        search(tmp_path / "x", 2, {"lr": [900.0, 1000.0]}, recipe=WILD)


def test_under_early_stopping_the_kept_epoch_counts(tmp_path):
    recipe = small(epochs=6, patience=2, lr=0.1)
    found = search(tmp_path / "x", 2, {"lr": [0.1, 0.2]}, recipe=recipe)
    for trial in found.trials:
        rows = Run(found.place(trial.number)).metrics
        assert trial.value == selected(rows, "val-loss", 2)["val_accuracy"]


def test_less_is_better_where_it_is(tmp_path):
    changes = {"model": "autoencoder", "task": "reconstruct", "label_smoothing": 0.0}
    recipe = (
        small().with_options(**changes).override(model_options={"widths": "8", "bottleneck": 2})
    )
    found = search(tmp_path / "x", 3, {"lr": (0.0001, 0.01)}, recipe=recipe)
    assert found.higher == metric(found.objective).higher
    values = [trial.value for trial in found.trials]
    assert found.results["value"] == (max if found.higher else min)(values)


def test_settings_that_can_be_counted_are_all_tried_once(tmp_path):
    over = {"batch_size": [16, 32], "widths": ["4", "6", "8"]}
    found = search(tmp_path / "x", 20, over, recipe=small(epochs=1))
    assert len(found) == len(found.trials) == 6
    assert len({tuple(trial.drawn.values()) for trial in found.trials}) == 6


def test_stages_are_judged_by_the_last(tmp_path):
    recipe = small(
        model="autoencoder_softmax", model_options={"widths": "8", "bottleneck": 4},
        label_smoothing=0.0,
        stages=[{"task": "reconstruct", "epochs": 1}, {"task": "classify", "epochs": 2}],
    )  # fmt: skip
    found = search(tmp_path / "x", 2, {"lr": [0.01, 0.02]}, recipe=recipe)
    assert found.objective == "val_accuracy"
    assert [epoch for epoch, _ in found.trials[0].values] == [2, 3]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"trials": 0}, "at least one trial"),
        ({"recipe": small(val=0.0)}, "needs validation images"),
        ({"recipe": small(replicates=3)}, "one network a trial"),
        ({"recipe": small(folds=3)}, "one network a trial"),
        ({"over": {"optimizer": ["adamw", "sgdd"]}}, "no optimizer 'sgdd'"),
        ({"over": {"widths": ["8", "x"]}}, "not 'x'"),
        ({"over": {"lr": (0.1, 5000)}}, "at most 1000"),
        ({"recipe": small(), "over": {"val": (0.1, 0.2)}}, "cannot vary 'val'"),
    ],
    ids=str,
)
def test_refusals_leave_nothing_behind(how, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        search(tmp_path / "x", **how)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(whole, tmp_path):
    with pytest.raises(RunError, match="is not overwritten"):
        search(whole.path)
    with pytest.raises(UsageError, match="is not a search"):
        Search(tmp_path)


def test_data_of_ones_own_have_to_be_handed_in_again(tmp_path):
    class Impatient(Callback):
        def on_trial_end(self, search, trial):
            raise KeyboardInterrupt

    with pytest.raises(Stopped):
        search(tmp_path / "x", callbacks=[Impatient()])
    with pytest.raises(UsageError, match="hand them in again"):
        Search(tmp_path / "x").resume()
    with pytest.raises(RunError, match="have changed since"):
        Search(tmp_path / "x").resume(digits(199))
