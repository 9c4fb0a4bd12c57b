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
    breadth,
    centring,
    committee,
    dropout,
    dying,
    folding,
    learner,
    norms,
    overfitting,
    plateau,
    removing,
    saddles,
    scaling,
    starts,
    universality,
)
from cutaway.lab.evidence import Verdict, exact
from cutaway.lab.tools.samples import Samples
from cutaway.learn.fleet.stack import Stack
from cutaway.see.ablation import modified_outputs, set_units

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict


@pytest.mark.parametrize(
    ("rule", "effects", "verdict"),
    [
        (starts.vanishes, (at(1e-9), at(1, 0.2), at(40, 10)), HOLDS),
        (starts.vanishes, (at(1e-9), at(1, 0.2), at(10, 5)), LIMITED),
        (starts.vanishes, (at(1e-9), at(1, 0.2), at(20, 10)), UNDECIDED),
        (starts.vanishes, (at(0.9, 0.1), at(1, 0.2), at(40, 10)), FAILS),
        (starts.vanishes, (at(1e-9), at(20), at(40, 10)), FAILS),
        (starts.vanishes, (at(0.1, 0.2), at(1, 0.2), at(40, 10)), UNDECIDED),
        (starts.suited, (at(90), at(10), at(5, 1), at(5, 1), at(5, 1)), HOLDS),
        (starts.suited, (at(90), at(10), at(5, 1), at(0, 1), at(5, 1)), LIMITED),
        (starts.suited, (at(90), at(10), at(5, 1), at(0, 9), at(5, 1)), UNDECIDED),
        (starts.suited, (at(90), at(10), at(0, 1), at(0, 1), at(0, 1)), FAILS),
        (starts.suited, (at(90), at(60), at(5, 1), at(5, 1), at(5, 1)), FAILS),
        (starts.suited, (at(90), at(20, 9), at(5, 1), at(5, 1), at(5, 1)), UNDECIDED),
        (starts.suited, (at(10), at(10), at(0), at(0), at(0)), UNDECIDED),
        (dying.die, (at(40, 10), exact("", 0), at(2, 1)), HOLDS),
        (dying.die, (at(40, 10), exact("", 0), at(20, 1)), LIMITED),
        (dying.die, (at(40, 10), exact("", 0), at(5, 1)), UNDECIDED),
        (dying.die, (at(0, 4), exact("", 0), at(0)), FAILS),
        (dying.die, (at(0, 10), exact("", 0), at(0)), UNDECIDED),
        (dying.die, (at(40, 10), exact("", 3), at(2, 1)), FAILS),
        (norms.forgiving, (exact("", 2), at(0.5, 0.1), at(30, 5)), HOLDS),
        (norms.forgiving, (exact("", 2), at(1, 0.05), at(30, 5)), LIMITED),
        (norms.forgiving, (exact("", 2), at(1, 0.2), at(30, 5)), UNDECIDED),
        (norms.forgiving, (exact("", 2), at(1, 0.05), at(0, 4)), FAILS),
        (norms.forgiving, (exact("", 0), at(1), at(0)), UNDECIDED),
        (dropout.both, (at(-1, 0.2), at(-1, 0.2), at(20, 5)), HOLDS),
        (dropout.both, (at(-1, 0.2), at(-1, 0.2), at(0, 4)), LIMITED),
        (dropout.both, (at(-1, 0.2), at(-1, 0.2), at(0, 6)), UNDECIDED),
        (dropout.both, (at(-1, 0.2), at(1, 0.2), at(0, 4)), FAILS),
        (dropout.both, (at(0, 0.2), at(0, 0.2), at(0, 4)), UNDECIDED),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(-1, 0.1)), HOLDS),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(0, 0.1)), LIMITED),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(0, 0.3)), UNDECIDED),
        (overfitting.decays, (at(0.5, 0.1), at(-1, 0.1), at(1, 0.1)), FAILS),
        (overfitting.decays, (at(1.5, 0.1), at(0, 0.1), at(0, 0.1)), FAILS),
        (overfitting.stops, (at(1.02, 0.01), at(2, 0.1), at(2, 0.1), at(-5, 1)), HOLDS),
        (overfitting.stops, (at(1.02, 0.01), at(2, 0.1), at(2, 0.1), at(0, 0.5)), LIMITED),
        (overfitting.stops, (at(1.02, 0.01), at(2, 0.1), at(2, 0.1), at(0, 2)), UNDECIDED),
        (overfitting.stops, (at(1.1, 0.05), at(2, 0.1), at(2, 0.1), at(-5, 1)), UNDECIDED),
        (overfitting.stops, (at(1, 0), at(1, 0.05), at(1, 0.05), at(0, 1)), FAILS),
        (augmenting.helps, (at(2, 1), at(2, 1), exact("", 2048)), HOLDS),
        (augmenting.helps, (at(2, 1), at(2, 1), exact("", 2178)), LIMITED),
        (augmenting.helps, (at(2, 1), at(-2, 1), exact("", 2048)), LIMITED),
        (augmenting.helps, (at(2, 1), at(0, 9), exact("", 2048)), UNDECIDED),
        (augmenting.helps, (at(0, 3), at(0, 1), exact("", 2048)), UNDECIDED),
        (augmenting.helps, (at(0, 0.5), at(0, 0.5), exact("", 2048)), FAILS),
        (augmenting.helps, (at(-2, 1), at(-2, 1), exact("", 2048)), FAILS),
        (committee.lowers, (at(2, 1), at(2, 1), exact("", 0)), HOLDS),
        (committee.lowers, (at(2, 1), at(2, 3), exact("", 0)), UNDECIDED),
        (committee.lowers, (at(40, 1), at(40, 1), exact("", 1)), UNDECIDED),
        (committee.lowers, (at(-2, 1), at(-2, 1), exact("", 0)), FAILS),
        (committee.matches, (exact("", 10_000), at(0.2, 0.1)), HOLDS),
        (committee.matches, (exact("", 10_000), at(0.5, 0.1)), UNTESTED),
        (committee.matches, (exact("", 10_000), at(0.4, 0.3)), UNDECIDED),
        (committee.matches, (exact("", 0), at(0.1, 0.1)), UNTESTED),
        (removing.robust, (at(2, 1), *[at(20, 5)] * 5), HOLDS),
        (removing.robust, (at(2, 1), at(20, 5), *[at(-20, 5)] * 4), LIMITED),
        (removing.robust, (at(20, 5), at(20, 5), *[at(-20, 5)] * 4), UNDECIDED),
        (removing.robust, (at(2, 1), *[at(-20, 5)] * 5), FAILS),
        (removing.robust, (at(2, 1), *[at(0, 5)] * 5), UNDECIDED),
        (saddles.become, (at(60, 20), at(0), at(100), at(0)), HOLDS),
        (saddles.become, (at(60, 20), at(0), at(90, 10), at(15, 9)), LIMITED),
        (saddles.become, (at(60, 20), at(0), at(100), at(8, 8)), UNDECIDED),
        (saddles.become, (at(60, 20), at(60, 20), at(100), at(0)), FAILS),
        (saddles.become, (at(60, 20), at(0), at(60, 5), at(0)), FAILS),
        (saddles.become, (at(60, 20), at(0), at(70, 30), at(0)), UNDECIDED),
        (folding.finer, (at(100), at(20, 5), at(20, 5)), HOLDS),
        (folding.finer, (at(100), at(-20, 5), at(20, 5)), LIMITED),
        (folding.finer, (at(100), at(0, 5), at(20, 5)), UNDECIDED),
        (folding.finer, (at(0), at(20, 5), at(20, 5)), FAILS),
        (universality.universal, (at(0.2), at(0.2), at(0.2, 0.1), at(0.2, 0.1)), HOLDS),
        (universality.universal, (at(0.2), at(0.2), at(0.2, 0.1), at(2, 0.5)), LIMITED),
        (universality.universal, (at(0.2), at(0.2), at(0.2, 0.1), at(0.5, 0.1)), UNDECIDED),
        (universality.universal, (at(0.2), at(9), at(0.2, 0.1), at(0.2, 0.1)), FAILS),
        (plateau.jumps, (at(90, 9), at(0.01), at(0.1, 0.05), at(9, 2)), HOLDS),
        (plateau.jumps, (at(90, 9), at(0.01), at(0.1, 0.05), at(1, 0.2)), LIMITED),
        (plateau.jumps, (at(90, 9), at(0.01), at(9, 1), at(9, 2)), FAILS),
        (plateau.jumps, (at(90, 9), at(0.3, 0.1), at(0.1, 0.05), at(9, 2)), FAILS),
        (plateau.jumps, (at(20, 9), at(0.01), at(0.1, 0.05), at(9, 2)), FAILS),
        (plateau.jumps, (at(60, 20), at(0.01), at(0.1, 0.05), at(9, 2)), UNDECIDED),
        (centring.centred, (at(90), at(0.3, 0.1), at(0.3, 0.1), at(0.5, 0.1)), HOLDS),
        (centring.centred, (at(90), at(0.3, 0.1), at(0.3, 0.1), at(1, 0.2)), LIMITED),
        (centring.centred, (at(90), at(0.6, 0.1), at(0.7, 0.1), at(0.96, 0.03)), LIMITED),
        (centring.centred, (at(90), at(0.3, 0.1), at(0.3, 0.1), at(1, 0.5)), UNDECIDED),
        (centring.centred, (at(90), at(0.3, 0.1), at(1, 0.1), at(1, 0.1)), FAILS),
        (centring.centred, (at(90), at(1.3, 0.1), at(0.3, 0.1), at(0.3, 0.1)), FAILS),
        (centring.centred, (at(10), at(0.3, 0.1), at(0.3, 0.1), at(0.3, 0.1)), UNDECIDED),
        (scaling.matters, (at(30, 5), at(0.2, 0.1), at(0.2, 0.1)), HOLDS),
        (scaling.matters, (at(30, 5), at(0.2, 0.1), at(1, 0.05)), LIMITED),
        (scaling.matters, (at(30, 5), at(0.2, 0.1), at(1, 0.5)), UNDECIDED),
        (scaling.matters, (at(30, 5), at(1, 0.05), at(1, 0.05)), FAILS),
        (scaling.matters, (at(0, 5), at(0.2, 0.1), at(0.2, 0.1)), UNDECIDED),
        (breadth.too_few_too_many, (at(80, 5), at(70, 5), at(-3, 1), at(-3, 1)), HOLDS),
        (breadth.too_few_too_many, (at(80, 5), at(70, 5), at(0, 1), at(-3, 1)), LIMITED),
        (breadth.too_few_too_many, (at(80, 5), at(70, 5), at(0, 1), at(1, 1)), LIMITED),
        (breadth.too_few_too_many, (at(80, 5), at(70, 5), at(0, 3), at(1, 1)), UNDECIDED),
        (breadth.too_few_too_many, (at(2, 1), at(2, 1), at(0, 1), at(1, 1)), FAILS),
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
    seen = len((on.long() << torch.arange(on.shape[1])).sum(1).unique())  # rows as numbers
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


def output(units: int, count: int = 2) -> tuple[removing.Output, Samples, Stack]:
    data = easy_samples(60)
    torch.manual_seed(0)
    nets = Stack([learner.dense([64, units, 10]) for _ in range(count)])
    learner.descend(nets, data, 0, 80, 20, 0.2)
    return removing.output_of(nets.networks, data.x), data, nets


def test_removing_nothing_costs_nothing_and_all_leaves_one_answer():
    out, data, nets = output(12)
    keep = torch.ones(2, 12, dtype=torch.bool)
    torch.testing.assert_close(out.scores(keep), learner.scores(nets, data.x))
    assert (out.scores(~keep) == out.c).all()


def test_units_go_in_the_order_of_what_their_loss_costs():
    out, data, nets = output(6)
    place = removing.by_use(out, data.t)
    assert (place.sort(1).values == torch.arange(6)).all()
    for r, net in enumerate(nets.networks):
        alone = []
        for unit in range(6):  # the first to go is the one that costs least alone
            with torch.no_grad(), modified_outputs(net, {"2": set_units([unit])}):
                alone.append(torch.nn.functional.cross_entropy(net(data.x), data.t).item())
        assert place[r].argmin() == int(np.argmin(alone))


def test_what_harms_goes_first_then_what_does_nothing():
    xor = torch.tensor([0.0, 1.0, 1.0, 0.0])
    H = torch.stack([xor, torch.ones(4), 1 - xor], 1)[None]
    V = torch.tensor([[[0.0, 3.0], [0.0, 0.0], [0.0, 2.0]]])
    out = removing.Output(H, V, torch.tensor([[[0.0, -1.0]]]))
    assert removing.by_use(out, xor.long()).tolist() == [[2, 1, 0]]


def test_one_score_is_two_classes():
    torch.manual_seed(0)
    nets = [learner.dense([2, 5, 1]) for _ in range(3)]
    out = removing.output_of(nets, removing.INPUTS)
    s = out.scores(torch.ones(3, 5, dtype=torch.bool))
    with torch.no_grad():
        torch.testing.assert_close(s[1, :, 1] - s[1, :, 0], nets[1](removing.INPUTS)[:, 0])


def test_a_gap_between_shares_has_an_interval_at_the_ceiling():
    some = torch.ones(100, dtype=torch.bool)
    tie = removing.gap("tie", some, some)
    assert tie.low < tie.value == 0 < tie.high
    apart = removing.gap("all against none", ~some, some)
    assert apart.value == 100
    assert 90 < apart.low < 100


def test_a_rate_is_chosen_by_the_images_that_are_learned():
    data = easy_samples(60)
    torch.manual_seed(0)
    nets = Stack([learner.dense([64, 8, 10]) for _ in range(4)])
    rates = (1e-6, 0.2)
    learner.descend(nets, data, 0, 80, 20, starts.many(rates, 2))
    others = Samples(data.x, (data.t + 1) % 10)  # the rate that learns is the worse one here
    chosen, right = starts.best_of(nets, data, others, rates)
    assert chosen == 0.2
    assert torch.equal(right, learner.right(nets, others)[2:])


def test_an_ensemble_of_convolutional_networks_learns():
    data = easy_samples(60)
    torch.manual_seed(0)
    p = committee.answers_of("cnn", 2, 0, data, data, 0, 40, 20, 0.05)
    assert p.shape == (2, 60, 10)
    torch.testing.assert_close(p.sum(-1), torch.ones(2, 60))
    assert (committee.missed(p, data) < 10).all()


def test_one_layer_goes_through_its_points_and_a_narrow_one_computes_the_same():
    x = torch.linspace(-1, 1, 17, dtype=torch.float64)
    y = torch.sin(3 * x)
    net = universality.one_layer(x, y)
    with torch.no_grad():
        torch.testing.assert_close(net(x[:, None])[:, 0], y)
    deep = universality.narrowed(net, 1.0)
    widths = {m.out_features for m in deep if isinstance(m, torch.nn.Linear)}
    assert widths == {3, 1}
    fine = torch.linspace(-1, 1, 301, dtype=torch.float64)[:, None]
    torch.testing.assert_close(deep(fine), net(fine))


def test_any_network_of_one_layer_is_a_narrow_one_of_many():
    torch.manual_seed(0)
    wide = learner.dense([3, 20, 1], start="own").double()
    x = 4 * torch.rand(200, 3, dtype=torch.float64) - 2
    deep = universality.narrowed(wide, 2.0)
    torch.testing.assert_close(deep(x), wide(x))
    assert sum(isinstance(m, torch.nn.Linear) for m in deep) == 21


def test_the_least_error_of_what_only_rises_or_falls():
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    found = universality.monotone_at_best(torch.stack([x, -x, x.abs(), torch.cos(4 * x)]))
    assert found.tolist() == pytest.approx([0, 0, 0.5, 1], abs=1e-3)  # the last goes up and down


@pytest.mark.parametrize("tau", plateau.TAUS)
def test_gradients_by_hand_are_those_of_autograd(tau):
    draw = torch.Generator().manual_seed(0)
    shapes = [(2, 5), (5, 5), (5, 1)]
    U = [torch.randn(3, *s, generator=draw).requires_grad_() for s in shapes]
    B = [torch.randn(3, 1, b, generator=draw).requires_grad_() for _, b in shapes]
    x = plateau.X.expand(3, 4, 2)
    y, found = plateau.slopes(U, B, x, plateau.XOR, tau)
    error = (y - plateau.XOR).square().mean((1, 2)).sum() / 2
    for a, b in zip(found, torch.autograd.grad(error, [*U, *B]), strict=True):
        torch.testing.assert_close(a, b)


def test_waits_and_jumps_are_read_off_a_course():
    errors = torch.full((100, 2), 0.25)
    errors[40:, 0], errors[50:, 0] = 0.2, 0.02
    one = plateau.Course(10, errors, torch.zeros(100, 2))
    assert one.first(plateau.LEAVES).tolist() == [400, 990]
    assert one.jump.tolist() == [100, 10]


def test_curves_have_the_slopes_and_means_that_they_are_said_to_have():
    a = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    s = torch.sigmoid(a)
    told = {"sigmoid": s, "sigmoid - 1/2": s - 0.5, "2 sigmoid - 1": 2 * s - 1, "tanh": a.tanh(),
            "tanh + 1/2": a.tanh() + 0.5}  # fmt: skip
    for name, y in told.items():
        torch.testing.assert_close(centring.Curve(*centring.CURVES[name])(a), y)
    torch.manual_seed(0)
    same = centring.network(centring.SAME, [64, 7, 7, 10])
    torch.manual_seed(0)
    about = centring.network("sigmoid - 1/2", [64, 7, 7, 10])
    x = torch.randn(5, 1, 8, 8)
    torch.testing.assert_close(same(x), about(x))


def test_inputs_are_prepared_by_what_is_learned_alone():
    x = torch.randn(2, 30, 4) * torch.tensor([1, 10, 100, 1e4]) + 5
    both = scaling.prepared(x, 20, "both")
    torch.testing.assert_close(both[:, :20].std(1), torch.ones(2, 4))
    assert both[:, :20].mean(1).abs().max() < 1e-4
    changed = x.clone()
    changed[:, 20:] += 1e6
    torch.testing.assert_close(scaling.prepared(changed, 20, "both")[:, :20], both[:, :20])
    assert torch.equal(scaling.prepared(x, 20, "as they are"), x)


def test_tables_are_those_of_their_sources():
    x, t = scaling.rows_of("cancer")
    assert x.shape == (569, 30)
    assert (t == 1).sum() == 357  # benign
    assert scaling.rows_of("wine")[0].shape == (178, 13)


def test_the_best_narrower_width_is_chosen_on_the_other_half():
    facts = torch.zeros(3, 5, 4)
    facts[0, 1], facts[1, 2], facts[2, 1] = 90, 99, 100
    assert breadth.best_narrower(facts) == 0


QUICK = {
    "4.1": {"steps": 60, "width": 24}, "4.2": {"steps": 40, "width": 24}, "4.3": {}, "4.4": {},
    "4.5": {"networks": 96}, "4.6": {}, "4.7": {}, "4.8": {}, "4.9": {"members": 16},
    "4.10": {"networks": 128}, "4.11": {"widths": (1, 2, 8), "starts": 4}, "4.12": {"steps": 100},
    "4.13": {"units": (4, 256), "depths": (1, 12), "widths": (4, 64)}, "4.14": {},
    "4.15": {"replicates": 8}, "4.16": {"steps": 150},
    "4.17": {"replicates": 8, "widths": (1, 16, 64)}, "4.18": {"members": 4},
}  # fmt: skip
SAID = {
    "4.1": (HOLDS, LIMITED, UNDECIDED), "4.2": (LIMITED, UNDECIDED), "4.3": (LIMITED,),
    "4.4": (HOLDS,), "4.5": (LIMITED, UNDECIDED), "4.6": (HOLDS,), "4.7": (HOLDS,),
    "4.8": (LIMITED,), "4.9": (HOLDS, UNDECIDED), "4.10": (LIMITED, UNDECIDED),
    "4.11": (LIMITED, UNDECIDED), "4.12": (LIMITED, UNDECIDED), "4.13": (LIMITED,),
    "4.14": (HOLDS,), "4.15": (HOLDS, LIMITED, UNDECIDED), "4.16": (HOLDS,),
    "4.17": (LIMITED, UNDECIDED), "4.18": (UNTESTED,),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", QUICK)
def test_quick_runs(number):
    assert verdict_of(number, **QUICK[number]) in SAID[number]
