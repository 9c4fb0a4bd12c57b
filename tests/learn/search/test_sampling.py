"""What optuna is asked for, and that it keeps quiet and leaves nothing behind."""

import random
import sys

import optuna
import pytest

from cutaway.errors import UsageError
from cutaway.learn.search import sampling
from cutaway.learn.search.axes import Choice, Range
from cutaway.learn.search.trial import Trial, from_dict

SPACE = {"lr": Range(0.001, 1.0, log=True), "optimizer": Choice(("adamw", "sgd"))}


def trials(count: int, seed: int = 0) -> list[Trial]:
    """Good where lr is high; the optimizer does not matter."""
    draw, found = random.Random(seed), []
    for number in range(count):
        power = draw.uniform(-3, 0)
        drawn = {"lr": 10**power, "optimizer": draw.choice(["adamw", "sgd"])}
        value = 1 + power / 3
        curve = ((1, value / 2), (2, value))
        found.append(Trial(number, drawn, drawn, "ended", curve, value))
    return found


def test_a_draw_depends_on_the_trials_and_the_seed_alone():
    before = trials(15)
    first = sampling.draw(SPACE, before, True, 0, "trial", 15)
    assert sampling.draw(SPACE, before, True, 0, "trial", 15) == first
    assert sampling.draw(SPACE, before, True, 0, "trial", 16) != first
    assert sampling.draw(SPACE, before, True, 1, "trial", 15) != first


def test_it_learns_where_to_look():
    drawn = [sampling.draw(SPACE, trials(30), True, seed)["lr"] for seed in range(8)]
    other = [sampling.draw(SPACE, trials(30), False, seed)["lr"] for seed in range(8)]
    assert sorted(drawn)[2] > 0.1 > 0.01 > sorted(other)[5]


def test_what_failed_is_not_tried_again():
    failed = [
        Trial(k, {"lr": 0.2 + k / 50, "optimizer": "sgd"}, {}, "failed", why="The loss.")
        for k in range(15)
    ]
    fine = [Trial(15 + k, {"lr": 0.01 + k / 500, "optimizer": "sgd"}, {}, "ended", ((1, 0.5),), 0.5)
            for k in range(5)]  # fmt: skip
    drawn = [sampling.draw(SPACE, failed + fine, True, seed)["lr"] for seed in range(8)]
    assert sorted(drawn)[5] < 0.1


def test_what_falls_behind_the_median_is_given_up():
    before = trials(9)
    median = sorted(trial.values[1][1] for trial in before)[4]
    behind = sampling.pruner(SPACE, before, True, warmup=1)
    assert not behind(1, -1.0)  # too early
    assert behind(2, median - 0.01)
    assert not sampling.pruner(SPACE, before, True, 1)(2, median + 0.01)
    assert sampling.pruner(SPACE, before, False, 1)(2, median + 0.01)


def test_among_few_nothing_is_given_up():
    assert not sampling.pruner(SPACE, trials(4), True, 1)(2, -1.0)
    assert sampling.pruner(SPACE, trials(5), True, 1)(2, -1.0)


def test_importance():
    found = sampling.importance(SPACE, trials(20), True)
    assert list(found) == ["lr", "optimizer"]
    assert found["lr"] > 0.9
    assert sum(found.values()) == pytest.approx(1)
    assert sampling.importance(SPACE, trials(4), True) == {}
    same = [Trial(k, t.drawn, {}, "ended", (), 0.5) for k, t in enumerate(trials(9))]
    assert sampling.importance(SPACE, same, True) == {}


def test_optuna_says_nothing_and_its_settings_stay(capfd):
    before = optuna.logging.get_verbosity()
    sampling.draw(SPACE, trials(12), True, 0)
    sampling.importance(SPACE, trials(12), True)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_without_optuna(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'cutaway\[search\]'"):
        sampling.require_optuna()


def test_a_trial_is_plain_values():
    trial = trials(1)[0]
    assert from_dict(trial.to_dict()) == trial
    assert trial.epochs == 2
