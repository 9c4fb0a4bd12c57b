"""Chapter 4: each rule on effects that were planted, each measure on what is known, quick runs."""

import math

import numpy as np
import pytest
import torch
from helpers.claims import verdict_of
from helpers.easy_samples import easy_samples
from helpers.effects import at

from cutaway.lab.chapters.depth import (
    augmenting,
    committee,
    dropout,
    dying,
    folding,
    learner,
    norms,
    overfitting,
    saddles,
    starts,
)
from cutaway.lab.evidence import Verdict, exact
from cutaway.lab.tools.samples import Samples
from cutaway.learn.fleet.stack import Stack

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


@pytest.mark.parametrize(
    ("rule", "effects", "verdict"),
    [
        (starts.vanishes, (at(1e-9), at(1, 0.2), at(40, 10)), HOLDS),
        (starts.vanishes, (at(1e-9), at(1, 0.2), at(20, 10)), LIMITED),
        (starts.vanishes, (at(0.9, 0.1), at(1, 0.2), at(40, 10)), FAILS),
        (starts.vanishes, (at(1e-9), at(20), at(40, 10)), FAILS),
        (starts.suited, (at(10), at(5, 1), at(5, 1), at(5, 1)), HOLDS),
        (starts.suited, (at(10), at(5, 1), at(0, 1), at(5, 1)), LIMITED),
        (starts.suited, (at(10), at(0, 1), at(0, 1), at(0, 1)), FAILS),
        (starts.suited, (at(60), at(5, 1), at(5, 1), at(5, 1)), FAILS),
        (dying.die, (at(40, 10), exact("", 0), at(2, 1)), HOLDS),
        (dying.die, (at(40, 10), exact("", 0), at(20, 1)), LIMITED),
        (dying.die, (at(0, 10), exact("", 0), at(0)), FAILS),
        (dying.die, (at(40, 10), exact("", 3), at(2, 1)), FAILS),
        (norms.forgiving, (at(0.5, 0.1), at(30, 5)), HOLDS),
        (norms.forgiving, (at(1, 0.1), at(30, 5)), LIMITED),
        (norms.forgiving, (at(1, 0.1), at(0, 5)), FAILS),
        (dropout.both, (at(-1, 0.2), at(20, 5)), HOLDS),
        (dropout.both, (at(-1, 0.2), at(0, 5)), LIMITED),
        (dropout.both, (at(0, 0.2), at(0, 5)), FAILS),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(-1, 0.1)), HOLDS),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(0, 0.1)), LIMITED),
        (overfitting.decays, (at(1, 0.1), at(0, 0.1), at(0, 0.1)), FAILS),
        (overfitting.stops, (at(1.02, 0.01), at(2, 0.1), at(2, 0.1), at(-5, 1)), HOLDS),
        (overfitting.stops, (at(1.02, 0.01), at(2, 0.1), at(2, 0.1), at(0, 1)), LIMITED),
        (overfitting.stops, (at(1, 0), at(1, 0.1), at(1, 0.1), at(0, 1)), FAILS),
        (augmenting.helps, (at(2, 1), at(2, 1), exact("", 2048)), HOLDS),
        (augmenting.helps, (at(2, 1), at(2, 1), exact("", 2178)), LIMITED),
        (augmenting.helps, (at(2, 1), at(-2, 1), exact("", 2048)), LIMITED),
        (augmenting.helps, (at(0, 3), at(0, 1), exact("", 2048)), UNDECIDED),
        (augmenting.helps, (at(0, 0.5), at(0, 0.5), exact("", 2048)), FAILS),
        (augmenting.helps, (at(-2, 1), at(-2, 1), exact("", 2048)), FAILS),
        (committee.lowers, (at(2, 1),), HOLDS),
        (committee.lowers, (at(0, 1),), UNDECIDED),
        (committee.lowers, (at(-2, 1),), FAILS),
        (committee.robust, (at(2, 1), at(20, 1), at(18, 2)), HOLDS),
        (committee.robust, (at(2, 1), at(2, 1), at(0, 2)), LIMITED),
        (committee.robust, (at(40, 1), at(2, 1), at(-38, 2)), FAILS),
        (committee.robust, (at(40, 5), at(40, 5), at(0, 9)), UNDECIDED),
        (saddles.become, (at(60, 20), at(0), at(100), at(0)), HOLDS),
        (saddles.become, (at(60, 20), at(0), at(100), at(15)), LIMITED),
        (saddles.become, (at(60, 20), at(60, 20), at(100), at(0)), FAILS),
        (saddles.become, (at(60, 20), at(0), at(90), at(0)), FAILS),
        (folding.finer, (at(100), at(20, 5), at(20, 5)), HOLDS),
        (folding.finer, (at(100), at(-20, 5), at(20, 5)), LIMITED),
        (folding.finer, (at(0), at(20, 5), at(20, 5)), FAILS),
    ],
)
def test_rules_on_planted_effects(rule, effects, verdict):
    assert rule(*effects) is verdict


def test_rates_side_by_side_are_runs_of_their_own():
    data = easy_samples(60)
    torch.manual_seed(0)
    three = [learner.dense([64, 8, 10]) for _ in range(3)]
    alone = [learner.dense([64, 8, 10]) for _ in range(3)]
    for a, b in zip(alone, three, strict=True):
        a.load_state_dict(b.state_dict())
    rates = (0.01, 0.1, 0.5)
    together = learner.descend(Stack(three), data, 0, 20, 10, torch.tensor(rates), 0.9)
    for k, rate in enumerate(rates):
        apart = learner.descend(Stack([alone[k]]), data, 0, 20, 10, rate, 0.9)
        torch.testing.assert_close(together[:, k], apart[:, 0], rtol=1e-3, atol=1e-5)


def test_networks_of_the_chapter_learn():
    data = easy_samples(60)
    torch.manual_seed(0)
    nets = Stack([learner.dense([64, 16, 10], norm=True, drop=0.2) for _ in range(2)])
    before = learner.log_loss(nets, data)
    learner.descend(nets, data, 0, 60, 20, 0.2)
    assert (learner.log_loss(nets, data) < before).all()
    assert (learner.right(nets, data) > 90).all()


def test_gradients_and_spreads_are_those_of_each_network():
    data = easy_samples(60)
    torch.manual_seed(0)
    networks = [learner.dense([64, 8, 8, 10], "tanh", "xavier") for _ in range(2)]
    nets = Stack(networks)
    found = starts.gradients(nets, data)
    wide = starts.spreads(nets, data)
    for k, net in enumerate(networks):
        torch.nn.functional.cross_entropy(net(data.x), data.t).backward()
        norms_of = [m.weight.grad.norm() for m in net if isinstance(m, torch.nn.Linear)]
        torch.testing.assert_close(found[:, k], torch.stack(norms_of))
        with torch.no_grad():
            torch.testing.assert_close(wide[0, k], net[:3](data.x).std())


def test_a_unit_that_was_killed_is_dead_and_no_other():
    torch.manual_seed(0)
    nets = [learner.dense([64, 4, 4, 10]) for _ in range(2)]
    with torch.no_grad():
        nets[1].get_submodule("1").bias[2] = -1e6
        nets[0].get_submodule("3").weight.fill_(math.nan)
    data = easy_samples(60)
    found, alive = dying.dead(Stack(nets), data), dying.awake(Stack(nets), data)
    assert found[1, 0].tolist() == [False, False, True, False]
    assert not (found & alive).any()
    assert not found[0, 1].any()  # not a number is neither
    assert not alive[0, 1].any()


def test_steps_to_a_target():
    falling = torch.linspace(2, 0, 101)[:, None]
    never = torch.full((101, 1), 2.0)
    found = norms.steps_to(0.5, torch.cat([falling, never], 1), over=1)
    assert found.tolist() == [75, 101]


def test_the_stop_is_the_best_epoch_before_patience_ends():
    losses = [5, 4, 3, 3.5, 3.4, 3.3, 1]
    assert overfitting.stop_of(losses, 3) == 2
    assert overfitting.stop_of(losses, 4) == 6


def test_labels_are_exchanged_as_often_as_asked():
    data = Samples(torch.zeros(4000, 1, 1, 1), torch.arange(4000) % 10)
    wrong = (overfitting.mislabelled(data, 50, 0).t != data.t).double().mean()
    assert wrong == pytest.approx(0.45, abs=0.03)  # a tenth of the draws hits the true class
    assert torch.equal(overfitting.mislabelled(data, 0, 0).t, data.t)


def test_windows_are_counted_as_far_as_they_differ():
    noise = torch.randint(256, (8, 8), generator=torch.Generator().manual_seed(0)).byte()
    assert augmenting.different(noise, 6) == 2 * 3 * 3
    assert augmenting.different(torch.zeros(8, 8, dtype=torch.uint8), 6) == 1
    assert augmenting.different(noise, 8) == 2


def test_doublings():
    assert list(committee.doublings(35)) == [1, 2, 4, 8, 16, 32, 35]
    assert list(committee.doublings(4)) == [1, 2, 4]


def lines(count: int) -> torch.nn.Sequential:
    """A layer whose lines touch a small circle about the centre, so that all cross in the
    square."""
    net = learner.dense([2, count, 1], start="own")
    turn = torch.arange(count) * math.pi / count + 0.1
    with torch.no_grad():
        net[1].weight.copy_(torch.stack([turn.cos(), turn.sin()], 1))
        net[1].bias.fill_(-0.2 / count)
    return net


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_lines_in_general_position_cut_as_zaslavsky_says(count):
    assert folding.regions(lines(count)) == folding.most_of_one(count)


def test_folding_multiplies_what_lines_can_do():
    assert folding.regions(folding.folded(10)) == 25 * folding.most_of_one(10)
    assert folding.regions(folding.folded(4)) == 4 * folding.most_of_one(4)


def test_pieces_are_those_that_a_fine_grid_sees():
    torch.manual_seed(3)
    net = learner.dense([2, 5, 5, 1], start="own")
    place = torch.linspace(-1, 1, 900)
    hidden = learner.hidden(net, torch.cartesian_prod(place, place))
    on = torch.cat([y > 0 for y in hidden.values()], 1)
    seen = len(on.unique(dim=0))
    assert seen <= folding.regions(net) <= seen + 2  # a sliver falls between the points


def test_halves_have_the_area_of_the_whole():
    def area(p: np.ndarray) -> float:
        x, y = p.T
        return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))

    a, b = folding.halves(folding.SQUARE, np.array([1.0, 0.3]), -0.2)
    assert area(a) + area(b) == pytest.approx(4)
    assert len(folding.halves(folding.SQUARE, np.array([1.0, 0.0]), -3.0)) == 1


def test_wider_networks_of_the_same_function():
    draw = torch.Generator().manual_seed(0)
    x, t = saddles.task(draw)
    w = torch.randn(4, 9, generator=draw, dtype=torch.float64)
    x, t = x.expand(4, -1, -1), t.expand(4, -1)
    same = torch.vmap(saddles.answer)(w, x)
    for wide in (saddles.with_idle(w), saddles.with_copy(w, 1, 0.3)):
        torch.testing.assert_close(torch.vmap(saddles.answer)(wide, x), same)


def test_descent_ends_where_the_gradient_is_nothing():
    draw = torch.Generator().manual_seed(1)
    x, t = saddles.task(draw)
    x, t = x.expand(6, -1, -1), t.expand(6, -1)
    w = torch.randn(6, 5, generator=draw, dtype=torch.float64)
    end = saddles.descended(w, x, t, 150)
    assert (saddles.height(end, x, t) <= saddles.height(w, x, t)).all()
    assert (saddles.steep(end, x, t).norm(dim=1) < saddles.LEVEL).double().mean() > 0.6


def test_a_push_moves_and_nothing_does_not():
    torch.manual_seed(0)
    nets = [learner.dense([2, 3, 1], drop=0.5) for _ in range(4)]
    before = [p.clone() for net in nets for p in net.parameters()]
    dropout.escaped(nets, 0.5, ((0.0, 1),))
    assert all(map(torch.equal, before, [p for net in nets for p in net.parameters()]))


def test_removing_nothing_costs_nothing_and_all_leaves_chance():
    data = easy_samples(60)
    torch.manual_seed(0)
    nets = Stack([learner.dense([64, 12, 10]) for _ in range(2)])
    learner.descend(nets, data, 0, 80, 20, 0.2)
    assert torch.equal(committee.without(nets, [], data), learner.right(nets, data))
    assert (committee.without(nets, list(range(12)), data) <= 10.01).all()


QUICK = {
    "4.1": {"steps": 60, "width": 24}, "4.2": {"steps": 40, "width": 24}, "4.3": {}, "4.4": {},
    "4.5": {"networks": 96}, "4.6": {}, "4.7": {}, "4.8": {}, "4.9": {"members": 16}, "4.10": {},
    "4.11": {"widths": (1, 2, 8), "starts": 4}, "4.12": {"steps": 100},
}  # fmt: skip
SAID = {
    "4.1": (HOLDS, LIMITED), "4.2": (LIMITED,), "4.3": (LIMITED,), "4.4": (HOLDS,),
    "4.5": (LIMITED,), "4.6": (HOLDS,), "4.7": (HOLDS,), "4.8": (LIMITED,),
    "4.9": (HOLDS,), "4.10": (FAILS,), "4.11": (LIMITED,), "4.12": (LIMITED,),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", QUICK)
def test_quick_runs(number):
    assert verdict_of(number, **QUICK[number]) in SAID[number]
