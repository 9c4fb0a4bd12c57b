"""The range test: what it finds on known curves and on real ones, and what it refuses."""

import math

import numpy as np
import pytest
from helpers.digits import digits
from helpers.killed_runs import contents
from hypothesis import given
from hypothesis import strategies as st

from cutaway.errors import UsageError
from cutaway.learn import fleet, search
from cutaway.learn.fit import fit, range_test
from cutaway.learn.lr_range import HIGH, LOW, STEPS, RangeTest, Sweep
from cutaway.learn.recipe import AUTO_RATE, Recipe
from cutaway.recipes import pair

RATES = tuple(np.geomspace(LOW, HIGH, STEPS).tolist())
RECIPE = pair("mlp", "digits").override(
    epochs=1, batch_size=64, seed=3, augment="none", model_options={"widths": 16}
)


def falling(best: float, fall: float = 1.5, noise: float = 0.0, seed: int = 0) -> Sweep:
    """A loss of 2.3 that falls around a rate and rises again thirty times above it."""
    rates = np.array(RATES)
    drawn = np.random.default_rng(seed).normal(size=STEPS)
    loss = 2.3 - fall / (1 + (best / rates) ** 2) + 3 * (rates > 30 * best) + noise * drawn
    return Sweep(RATES, tuple(loss.tolist()))


@given(best=st.floats(1e-4, 0.1), fall=st.floats(0.5, 2.0), seed=st.integers(0, 99))
def test_twice_the_rate_of_most_of_the_fall_is_found(best, fall, seed):
    found = falling(best, fall, fall / 50, seed).suggestion
    assert found is not None
    # 1 / (1 + (best / rate)^2) is three quarters at the square root of 3 times the best.
    assert abs(math.log10(found / (2 * 3**0.5 * best))) < 0.2


@given(noise=st.floats(0.01, 1.0), seed=st.integers(0, 999))
def test_noise_alone_suggests_nothing(noise, seed):
    drawn = np.random.default_rng(seed).normal(5.0, noise, STEPS)
    assert Sweep(RATES, tuple(drawn.tolist())).suggestion is None


def test_several_sweeps_suggest_their_geometric_mean_or_say_why_not():
    three = RangeTest(Recipe(), tuple(falling(rate) for rate in (0.004, 0.01, 0.025)))
    assert three.suggestion == pytest.approx(2 * 3**0.5 * 0.01, rel=0.2)
    assert f"{three.suggestion:g}" in three.sentence
    apart = RangeTest(Recipe(lr=0.07), (falling(0.0002), falling(0.05), falling(0.05)))
    assert apart.suggestion is None
    assert apart.rate == 0.07
    assert "do not agree" in apart.sentence
    flat = RangeTest(Recipe(), (falling(0.01), falling(0.01, 0.0, 0.1), falling(0.01, 0.0, 0.1)))
    assert "2 of 3 sweeps" in flat.problem


@pytest.fixture(scope="module")
def tested() -> RangeTest:
    return range_test(RECIPE, digits())


def test_a_real_network_has_a_rate_and_each_sweep_a_beginning_of_its_own(tested):
    assert tested.problem == ""
    assert 1e-4 < tested.rate < 0.3
    assert len({one.losses[0] for one in tested.sweeps}) == 3


def test_auto_trains_as_the_number_would(tested, tmp_path):
    auto = fit(RECIPE.override(lr="auto"), digits(), out=tmp_path / "auto")
    assert auto.recipe.lr == tested.rate
    assert [one["sentence"] for one in auto.notes if one["kind"] == "learning rate"] == [
        tested.sentence
    ]
    number = fit(RECIPE.override(lr=tested.rate), digits(), out=tmp_path / "number")
    assert contents(auto.path) == contents(number.path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": "cma-es"}, "by trial"),
        ({"stages": [{"lr": 0.1}, {"lr": 0.01}]}, "learning rates of their own"),
        ({"model": "gan", "model_options": {}, "task": "adversarial"}, "against each other"),
        ({"task": "threshold"}, "by a rule"),
    ],
)
def test_what_has_no_rate_to_test_is_refused(changes, said, tmp_path):
    recipe = RECIPE.with_options(lr="auto", **changes)
    with pytest.raises(UsageError, match=said):
        fit(recipe, digits(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_few_images_are_refused():
    with pytest.raises(UsageError, match="needs 20 training images, and there are"):
        range_test(RECIPE, digits(24))


def test_fleets_and_searches_want_a_number(tmp_path):
    recipe = RECIPE.override(lr="auto")
    with pytest.raises(UsageError, match="cutaway lr mlp digits"):
        fleet.launch(recipe.override(replicates=2), digits(), out=tmp_path / "fleet")
    with pytest.raises(UsageError, match="a search tries learning rates itself"):
        search.launch(recipe, digits(), out=tmp_path / "search")


def test_auto_is_a_word_for_a_rate_to_be_found():
    assert Recipe().override(lr="auto").lr == Recipe(lr=AUTO_RATE).lr == AUTO_RATE
    with pytest.raises(UsageError, match="--lr must be above 0"):
        Recipe(lr=-2.0)
