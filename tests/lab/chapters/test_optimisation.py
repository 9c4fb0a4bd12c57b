"""Chapter 3: rules on planted effects, quick runs, and worked values."""

import math

import numpy as np
import pytest
import torch
from helpers.effects import planted

from cutaway import lab
from cutaway.errors import UsageError
from cutaway.lab.chapters.optimisation.edge import later
from cutaway.lab.chapters.optimisation.methods import TOLD, Regression, exponent
from cutaway.lab.chapters.optimisation.minima import Imitation, counts
from cutaway.lab.chapters.optimisation.quadratics import by_momentum, crossings, settled
from cutaway.lab.chapters.optimisation.steepness import from_wall, staircase, unit_from
from cutaway.lab.evidence import Verdict

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


@pytest.mark.parametrize(
    ("number", "effects", "expected"),
    [
        ("3.1", planted(blind=(9, 12), grows=(0.3, 0.6), bent=(4, 6), cost=(0.8, 1)), HOLDS),
        ("3.1", planted(blind=(9, 12), grows=(0.3, 0.6), bent=(0.5, 2), cost=(0.8, 1)), LIMITED),
        ("3.1", planted(blind=(9, 12), grows=(-0.3, 0.6), bent=(4, 6), cost=(0.8, 1)), LIMITED),
        ("3.1", planted(blind=(9, 12), grows=(0.3, 0.6), bent=(4, 6), cost=(0, 0)), LIMITED),
        ("3.1", planted(blind=(0.2, 0.4), grows=(0.3, 0.6), bent=(4, 6), cost=(0.8, 1)), FAILS),
        ("3.1", planted(blind=(0.9, 2), grows=(0.3, 0.6), bent=(4, 6), cost=(0.8, 1)), UNDECIDED),
        ("3.10", planted(steps=(1.4, 1.7), rival=(1.1, 1.3)), HOLDS),
        ("3.10", planted(steps=(1.4, 1.7), rival=(0.8, 1.1)), LIMITED),
        ("3.10", planted(steps=(0.9, 1.7), rival=(1.1, 1.3)), UNDECIDED),
        ("3.10", planted(steps=(0.6, 0.9), rival=(1.1, 1.3)), FAILS),
        ("3.2", planted(left=1e-12, cost=2.9), HOLDS),
        ("3.2", planted(left=1e-12, cost=1), LIMITED),
        ("3.2", planted(left=0.1, cost=2.9), FAILS),
        ("3.3", planted(slope=(-1.02, -0.99), whole=(9, 12), single=(0.5, 0.8)), HOLDS),
        ("3.3", planted(slope=(-1.02, -0.99), whole=(9, 12), single=(4, 5)), LIMITED),
        ("3.3", planted(slope=(-1.02, -0.99), whole=(9, 12), single=(0.9, 5)), UNDECIDED),
        ("3.3", planted(slope=(-1.02, -0.99), whole=(0.9, 5), single=(4, 5)), UNDECIDED),
        ("3.3", planted(slope=(-1.02, -0.99), whole=(0.5, 0.8), single=(4, 5)), FAILS),
        ("3.3", planted(slope=(-0.1, 0.1), whole=(9, 12), single=(4, 5)), FAILS),
        ("3.3", planted(slope=(-1.1, -0.9), whole=(9, 12), single=(4, 5)), UNDECIDED),
        ("3.4", planted(clean=(1.5, 3), noisy=(2, 5)), HOLDS),
        ("3.4", planted(clean=(-0.5, 0.5), noisy=(2, 5)), LIMITED),
        ("3.4", planted(clean=(-0.5, 0.5), noisy=(-0.5, 0.5)), FAILS),
        ("3.4", planted(clean=(-3, 3), noisy=(-0.5, 0.5)), UNDECIDED),
        ("3.7", planted(convex=0, narrow=(99.2, 100), wide=(99.5, 100)), HOLDS),
        ("3.7", planted(convex=0, narrow=(20, 50), wide=(0, 10)), LIMITED),
        ("3.7", planted(convex=0, narrow=(20, 50), wide=(20, 60)), UNDECIDED),
        ("3.7", planted(convex=0, narrow=(0, 5), wide=(0, 5)), FAILS),
        ("3.7", planted(convex=0.5, narrow=(20, 50), wide=(0, 10)), FAILS),
        ("3.5", planted(along=5, across=2, slower=0, own=60, bare=0), HOLDS),
        ("3.5", planted(along=5, across=2, slower=40, own=60, bare=0), LIMITED),
        ("3.5", planted(along=5, across=1, slower=0, own=60, bare=0), FAILS),
        ("3.5", planted(along=5, across=2, slower=0, own=0, bare=0), FAILS),
        ("3.6", planted(wrong=0, beyond=(0, 2), fall=(20, 30)), HOLDS),
        ("3.6", planted(wrong=0, beyond=(60, 80), fall=(-30, -20)), HOLDS),
        ("3.6", planted(wrong=0, beyond=(60, 80), fall=(20, 30)), LIMITED),
        ("3.6", planted(wrong=0, beyond=(10, 80), fall=(20, 30)), UNDECIDED),
        ("3.6", planted(wrong=1, beyond=(0, 2), fall=(20, 30)), FAILS),
        ("3.8", planted(moved=0, down=(0, 40)), HOLDS),
        ("3.8", planted(moved=0, down=(70, 100)), LIMITED),
        ("3.8", planted(moved=0, down=(10, 60)), UNDECIDED),
        ("3.8", planted(moved=0.1, down=(0, 8)), FAILS),
        ("3.9", planted(lost=(40, 60), arrived=(95, 100), gain=(20, 40)), HOLDS),
        ("3.9", planted(lost=(40, 60), arrived=(95, 100), gain=(-5, 5)), LIMITED),
        ("3.9", planted(lost=(0, 10), arrived=(95, 100), gain=(20, 40)), LIMITED),
        ("3.9", planted(lost=(0, 10), arrived=(95, 100), gain=(-5, 5)), FAILS),
    ],
)
def test_rules(number, effects, expected):
    assert lab.claim(number).decide(effects) is expected


def test_newton_arrives_in_one_step():
    finding = lab.claim("3.2").run(sizes=(8, 16), replicates=8)
    assert finding.verdict is HOLDS
    assert finding.evidence.effects["left"].value < 1e-10
    assert [row[0] for row in finding.evidence.tables[0].rows] == [8, 16]


def test_momentum_as_its_roots_say():
    """Where it swings, w shrinks by sqrt(b) a step; without momentum by 1 - rate c."""
    curvature = torch.tensor([50.0], dtype=torch.float64)
    path = by_momentum(0.02, curvature / 2, 0.0, 10)
    assert path[10, 0] == pytest.approx(0.5**10)
    swinging = by_momentum(0.02, curvature, 0.81, 400)[:, 0]
    peaks = [swinging[t : t + 20].abs().max().item() for t in (100, 300)]
    assert (peaks[1] / peaks[0]) ** (1 / 200) == pytest.approx(0.9, rel=2e-3)
    assert crossings(by_momentum(0.02, curvature / 2, 0.0, 50)[:, 0]) == 0
    # |1 - 1.9| = 0.9 a step: 0.9^66 is the first below 1/1000
    assert int(settled(by_momentum(0.019, 2 * curvature, 0.0, 200))) == math.ceil(
        math.log(1e-3) / math.log(0.9)
    )


def test_a_thing_that_never_settles():
    assert int(settled(by_momentum(0.05, torch.tensor([50.0]), 0.0, 30))) == 30


@pytest.mark.slow
def test_momentum_holds_with_limits():
    finding = lab.claim("3.5").run(grid=20)
    assert finding.verdict is LIMITED
    assert finding.evidence.effects["bare"].value == 0
    # With a step at which plain descent does not swing, momentum does not help across.
    assert lab.claim("3.5").run(grid=20, steepest=50).verdict is FAILS


@pytest.mark.slow
def test_a_network_that_is_lost_was_above_the_longest_step():
    sharp = torch.tensor([[1.0, 3.0], [1.0, math.nan]])
    beyond, fall, left = later(1.0, sharp, torch.tensor([[0.4, 0.4], [0.1, math.nan]]))
    assert beyond.tolist() == [0, 100]
    assert fall.tolist() == pytest.approx([75, -100])
    assert left.tolist() == [True, False]
    with pytest.raises(UsageError, match="no network is left: take a lower --rate"):
        later(1.0, sharp[:, 1:], sharp[:, 1:])


def test_networks_pass_the_longest_step():
    finding = lab.claim("3.6").run(replicates=4)
    assert finding.verdict is LIMITED
    calm = lab.claim("3.6").run(replicates=2, rate=0.05, steps=40, looks=4)
    assert calm.verdict is HOLDS


def test_a_staircase_is_flat_and_goes_down():
    w = torch.tensor([1.0, 1.6, 0.3], requires_grad=True)
    loss = staircase(w, 0.25)
    assert loss.item() == pytest.approx(0.25 * (0 + 2 + 2) / 3)
    loss.backward()
    assert not w.grad.any()


def test_a_plateau_belongs_to_the_loss():
    starts = torch.tensor([-20.0, 0.0])
    assert unit_from(starts, "squares")[0] < 1e-6
    assert unit_from(starts, "squares")[1] > 0.9
    assert unit_from(starts, "cross-entropy")[0] > 0.9


def test_a_throw_from_the_wall():
    """From 0.01 the slope is 10^4 - 1; clipped at 1 a step is as long as the rate."""
    start = torch.tensor([0.01], dtype=torch.float64)
    assert from_wall(start, 0.05, 0.0, 1)[1].item() == pytest.approx(0.01 + 0.05 * 9999)
    assert from_wall(start, 0.05, 1.0, 1)[1].item() == pytest.approx(0.06)


@pytest.mark.slow
def test_nothing_moves_where_nothing_slopes():
    finding = lab.claim("3.8").run(replicates=8)
    assert finding.verdict is LIMITED
    assert finding.evidence.effects["moved"].value == 0


@pytest.mark.slow
def test_clipping_tames():
    assert lab.claim("3.9").run(replicates=8).verdict is HOLDS
    # Networks that begin as they should have nothing to tame.
    assert lab.claim("3.9").run(replicates=8, gain=1.0).verdict is LIMITED


def test_residuals_and_their_curvature():
    """y = w x with one weight: the loss of goals 2 x is (w - 2)^2 mean(x^2), at rest at 2."""
    x = torch.tensor([1.0, -2.0], dtype=torch.float64)[:, None, None, None]
    line = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1, 1, bias=False)).double()
    goals = torch.stack([2 * x[:, 0, 0, 0], torch.ones(2, dtype=torch.float64)])
    start = torch.zeros(2, 1, dtype=torch.float64)
    loss, slope, least = Imitation(line, x, goals).rested(start, 50)
    # The second asks for 1 at both: w = (1 - 2) / 5, a loss of 1 - 1/10
    assert loss.tolist() == pytest.approx([0, 0.9], abs=1e-12)
    assert slope.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert least.tolist() == pytest.approx([5, 5])
    assert counts(loss, slope, least) == (1, 1, 0, 0)
    assert counts(loss, slope, -least) == (1, 0, 1, 0)


@pytest.mark.slow
def test_where_runs_end():
    finding = lab.claim("3.7").run(widths=(3, 6), replicates=8, polish=20, steps=100)
    assert finding.evidence.effects["convex"].value < 1e-8
    assert all(sum(row[1:5]) == 8 for row in finding.evidence.tables[1].rows)


@pytest.mark.slow
def test_batches_and_their_noise():
    assert lab.claim("3.3").run().verdict is LIMITED
    assert lab.claim("3.4").run().verdict is FAILS


def test_exponents():
    x = (1, 2, 4)
    found = exponent(x, np.array([[3.0, 1.0], [12.0, 1.0], [48.0, 1.0]]))
    assert found.tolist() == pytest.approx([2, 0])


def test_every_method_meets_the_goal():
    problem = Regression(3, torch.Generator().manual_seed(1))
    for name in TOLD:
        asked, steps, seconds = problem.solved(name, 0, 2000)
        assert problem.value()[0] <= problem.goal
        assert steps < 2000
        assert seconds > 0
        assert bool(asked.products) == (name == "newton")
        assert bool(asked.gradients) == (TOLD[name] != "values")


@pytest.mark.slow
def test_three_orders():
    assert lab.claim("3.1").run().verdict is HOLDS


@pytest.mark.slow
def test_a_race_to_a_target():
    finding = lab.claim("3.10").run(replicates=8, n=128, most=30, target=1.0)
    assert all(0 < row[2] <= 30 for row in finding.evidence.tables[0].rows)


@pytest.mark.slow
def test_momentum_is_as_quick_as_adam():
    assert lab.claim("3.10").run().verdict is LIMITED
