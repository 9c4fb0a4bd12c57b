"""Intervals and tests against SciPy, worked values, and how often they hold in simulations."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from cutaway.learn.stats import (
    Estimate,
    bootstrap,
    holm,
    mcnemar,
    mean_of,
    paired,
    power,
    replicates_needed,
    share,
    smallest_visible,
    student,
    t_interval,
    welch,
    wilson,
)


def samples(*sizes: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(k / 2, 1 + k, size=n) for k, n in enumerate(sizes)]


def holds(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


def test_student_is_scipys():
    (x,) = samples(9)
    oracle = stats.ttest_1samp(x, 0)
    found = student(x)
    assert (found.low, found.high) == pytest.approx(oracle.confidence_interval(0.95))
    assert (found.value, found.p) == pytest.approx((x.mean(), oracle.pvalue))
    assert found.error == pytest.approx(stats.sem(x))
    assert t_interval(x) == (found.value, found.low, found.high)


def test_paired_is_scipys():
    a, b = samples(12, 12)
    oracle = stats.ttest_rel(b, a)
    found = paired(a, b)
    assert (found.low, found.high) == pytest.approx(oracle.confidence_interval(0.95))
    assert found.p == pytest.approx(oracle.pvalue)


def test_welch_is_scipys():
    a, b = samples(5, 14)
    oracle = stats.ttest_ind(b, a, equal_var=False)
    found = welch(a, b)
    assert (found.low, found.high) == pytest.approx(oracle.confidence_interval(0.95))
    assert found.p == pytest.approx(oracle.pvalue)


def test_replicates_that_are_all_alike():
    assert student([0.9, 0.9]) == Estimate(0.9, 0.9, 0.9, 0.0, 0.0)
    assert paired([0.5, 0.6], [0.5, 0.6]).p == 1
    assert welch([1, 1], [2, 2]).p == 0


def test_another_unit_and_the_other_side():
    found = Estimate(0.02, 0.01, 0.05, 0.01, 0.03).times(-100)
    assert (found.value, found.low, found.high, found.error) == pytest.approx((-2, -5, -1, 1))
    assert found.p == 0.03


def test_overlap_widens_as_nadeau_and_bengio_have_it():
    (x,) = samples(10)
    plain, corrected = student(x), student(x, overlap=1 / 9)
    widths = [found.high - found.low for found in (corrected, plain)]
    assert widths[0] / widths[1] == pytest.approx(((1 / 10 + 1 / 9) / (1 / 10)) ** 0.5)


def folds_of_groups(rng: np.random.Generator, repeats: int) -> tuple[np.ndarray, float]:
    """What a learner (the mean of the training values) gains over answering 0, a fold each.

    20 groups of 4 values with something in common, in 5 folds of whole groups, divided anew
    `repeats` times; and the truth.
    """
    mean, groups, each, between = 0.5, 20, 4, 0.5
    x = mean + between * rng.normal(size=(groups, 1)) + rng.normal(size=(groups, each))
    gains = []
    for _ in range(repeats):
        parts = rng.permutation(groups) % 5
        for k in range(5):
            test, answer = x[parts == k], x[parts != k].mean()
            gains.append((test**2).mean() - ((test - answer) ** 2).mean())
    learnt = groups * 4 / 5
    return np.array(gains), mean**2 - between**2 / learnt - 1 / (learnt * each)


@pytest.mark.parametrize(("repeats", "at_most"), [(1, 0.93), (5, 0.7)])
def test_an_interval_over_folds_holds_as_often_as_it_says(repeats, at_most):
    rng, trials = np.random.default_rng(0), 1000
    plain, corrected = 0, 0
    for _ in range(trials):
        gains, truth = folds_of_groups(rng, repeats)
        plain += holds(student(gains), truth)
        corrected += holds(student(gains, overlap=1 / 4), truth)
    assert plain / trials < at_most
    assert 0.9 < corrected / trials < 0.985


def test_wilson_is_scipys():
    for k, n in ((0, 12), (7, 9), (981, 1000)):
        oracle = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k, n) == pytest.approx((oracle.low, oracle.high))
    assert wilson(0, 0) == (0, 1)


def test_mcnemar_is_the_binomial_test_of_the_images_that_differ():
    for b, c in ((12, 25), (3, 3), (0, 7), (40, 21)):
        assert mcnemar(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue)
    assert mcnemar(0, 0) == 1
    assert mcnemar(12, 25) == pytest.approx(0.047031, abs=1e-6)  # statsmodels 0.15


def test_bootstrap_is_scipys():
    x = np.random.default_rng(1).exponential(size=50)
    for method, name in (("bca", "BCa"), ("percentile", "percentile")):
        oracle = stats.bootstrap((x,), np.mean, n_resamples=30_000, method=name, rng=2)
        found = bootstrap(mean_of(x), 50, method=method, draws=30_000)
        expected = oracle.confidence_interval
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.01)
        assert found.error == pytest.approx(oracle.standard_error, rel=0.02)
        assert found.value == pytest.approx(x.mean())


def test_bootstrap_of_a_statistic_that_is_no_mean():
    x = np.random.default_rng(3).normal(size=80)

    def spread(w: np.ndarray) -> np.ndarray:
        m = (w @ x) / w.sum(1)
        return np.sqrt((w @ x**2) / w.sum(1) - m**2)

    oracle = stats.bootstrap((x,), np.std, n_resamples=30_000, rng=4).confidence_interval
    found = bootstrap(spread, 80, draws=30_000)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), rel=0.01)


def test_p_of_the_bootstrap_agrees_with_its_interval():
    x = np.random.default_rng(5).normal(0.25, 1, size=60)
    for shift in np.linspace(-0.4, 0.4, 17):
        found = bootstrap(mean_of(x + shift), 60, draws=4000)
        assert (found.p < 0.05) == (not holds(found, 0)), shift
    close = bootstrap(mean_of(x), 60, draws=30_000)
    assert close.p == pytest.approx(student(x).p, abs=0.02)


def test_the_seed_decides_and_memory_does_not(monkeypatch):
    (x,) = samples(30)
    first = bootstrap(mean_of(x), 30, draws=500)
    assert bootstrap(mean_of(x), 30, draws=500) == first
    assert bootstrap(mean_of(x), 30, draws=500, seed=1) != first
    monkeypatch.setattr("cutaway.learn.stats.resampling.MEMORY", 100)
    again = bootstrap(mean_of(x), 30, draws=500)
    assert (again.low, again.high) == pytest.approx((first.low, first.high))


def test_nothing_varies():
    same = bootstrap(mean_of(np.zeros(10)), 10, draws=200)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert bootstrap(mean_of(np.ones(10)), 10, draws=200).p < 0.02


def test_whole_groups_are_drawn():
    """Groups of equal size: as the bootstrap of the groups' means."""
    rng = np.random.default_rng(6)
    x = np.repeat(rng.normal(size=15), 4)
    groups = np.repeat(np.arange(15) * 7, 4)
    found = bootstrap(mean_of(x), 60, groups, draws=20_000)
    means = bootstrap(mean_of(x[::4]), 15, draws=20_000)
    assert (found.low, found.high) == pytest.approx((means.low, means.high), abs=0.02)


def test_an_interval_with_groups_holds_as_often_as_it_says():
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(50), 5)
    counts = {"alone": 0, "grouped": 0}
    for trial in range(300):
        x = np.repeat(rng.normal(size=50), 5) + rng.normal(size=250)
        for name, clusters in (("alone", None), ("grouped", groups)):
            found = bootstrap(mean_of(x), 250, clusters, draws=400, seed=trial)
            counts[name] += holds(found, 0.0)
    assert counts["alone"] / 300 < 0.8
    assert 0.9 < counts["grouped"] / 300 < 0.98


def test_power_is_that_of_simulated_experiments():
    rng = np.random.default_rng(8)
    for n, difference in ((4, 1.6), (12, 0.7)):
        x = rng.normal(difference, 1, size=(20_000, n))
        seen = (stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05).mean()
        assert power(difference, 1, n) == pytest.approx(seen, abs=0.01)
    y, z = rng.normal(0, 1, size=(20_000, 10)), rng.normal(1.2, 1, size=(20_000, 10))
    seen = (stats.ttest_ind(y, z, axis=1).pvalue < 0.05).mean()
    assert power(1.2, 1, 10, sides=2) == pytest.approx(seen, abs=0.01)


def test_replicates_needed_are_those_of_other_programs():
    assert replicates_needed(0.5, 1) == 34  # statsmodels 0.15: 33.37
    assert replicates_needed(-0.5, 1) == 34
    assert replicates_needed(0.5, 1, sides=2) == 64  # Cohen 1988, table 2.4.1: 64
    assert replicates_needed(0.003, 1) == 872_098  # statsmodels 0.15: 872,097.5
    assert replicates_needed(100, 1) == replicates_needed(1, 0) == 2


def test_no_number_of_replicates_is_enough():
    assert replicates_needed(0, 1) is None
    assert replicates_needed(1e-5, 1) is None
    assert replicates_needed(1, 1, overlap=0.25) is None  # at best 1 / 0.5 standard errors


def test_the_smallest_difference_that_can_be_seen():
    assert smallest_visible(1, 9) == pytest.approx(1.066973, abs=1e-6)  # statsmodels 0.15
    assert smallest_visible(1, 9, sides=2) == pytest.approx(1.406925, abs=1e-5)
    assert smallest_visible(0, 9) == 0
    for overlap in (0.0, 0.3):
        visible = smallest_visible(2, 6, overlap=overlap)
        assert power(visible, 2, 6, overlap=overlap) == pytest.approx(0.8)


def test_power_at_the_ends():
    assert power(0, 1, 5) == pytest.approx(0.05)
    assert power(0, 0, 5) == pytest.approx(0.05)
    assert power(1, 0, 5) == power(1e9, 1, 2) == 1
    rising = [power(d, 1, 4) for d in np.linspace(0, 45, 200)]
    assert all(b >= a - 1e-9 for a, b in pairwise(rising))


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_a_share_of_independent_images_has_wilsons_interval():
    right = np.arange(40) < 31
    for found in (share(right), share(right, np.arange(40) * 7)):
        assert found.value == 31 / 40
        assert (found.low, found.high) == pytest.approx(wilson(31, 40), abs=0.02)
    assert (share(right).low, share(right).high) == wilson(31, 40)


def test_groups_that_answer_as_one_count_as_one():
    right = np.repeat(np.arange(40) < 31, 5)
    found, alone = share(right, np.repeat(np.arange(40), 5)), wilson(31, 40)
    assert found.low < alone[0] + 0.01
    assert found.high > alone[1] - 0.01
    assert found.error == pytest.approx(stats.sem(np.arange(40) < 31), rel=0.05)


@pytest.mark.parametrize(("right", "low", "high"), [(np.ones(12), 0, 1), (np.zeros(12), 0, 1)])
def test_where_all_are_right_or_wrong_there_still_is_an_interval(right, low, high):
    found = share(right, np.arange(12) // 4)
    assert low <= found.low < found.high <= high
    assert found.high - found.low > wilson(12, 12)[1] - wilson(12, 12)[0]


def test_groups_with_the_same_share_are_as_good_as_their_images():
    """No jump where the last difference between the groups goes."""
    of = np.repeat(np.arange(10), 4)
    right = np.tile([True, True, False, True], 10)
    other = right.copy()
    other[[0, 2]] = False, True  # the same share in another order
    for one in (right, other):
        assert share(one, of) == share(one)


def test_one_group_tells_next_to_nothing():
    found = share(np.arange(8) < 5, np.zeros(8, int))
    assert found.high - found.low > 0.7


@pytest.mark.parametrize(("groups", "size", "truth"), [(12, 8, 0.8), (60, 4, 0.9), (200, 3, 0.95)])
def test_the_interval_of_related_images_holds(groups, size, truth):
    """Groups share a chance of their own (beta-binomial); Wilson's alone would hold far less."""
    rng, of = np.random.default_rng(0), np.repeat(np.arange(groups), size)
    kept, plain, times = 0, 0, 1000
    for _ in range(times):
        chance = rng.beta(truth, 1 - truth, groups)  # within-group correlation 1/2
        right = rng.random(groups * size) < chance[of]
        kept += holds(share(right, of), truth)
        low, high = wilson(int(right.sum()), len(right))
        plain += low <= truth <= high
    assert kept / times >= 0.92
    assert plain < kept
