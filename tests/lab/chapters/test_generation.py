"""Chapter 7: codes, chances, games, implicit functions, solutions."""

import math
from fractions import Fraction

import pytest
import torch
from helpers.effects import at, exactly
from torch import nn

from cutaway import lab, models
from cutaway.lab.chapters.generation.chances import as_printed, counted, generated, in_base_ten
from cutaway.lab.chapters.generation.codes import pays
from cutaway.lab.chapters.generation.costs import looks_until
from cutaway.lab.chapters.generation.games import convolved, in_turns
from cutaway.lab.chapters.generation.implicit import fits, places, psnr, slopes
from cutaway.lab.chapters.generation.improved import inventions
from cutaway.lab.chapters.generation.labelled import classified, nearest, worth
from cutaway.lab.chapters.generation.marks import needed
from cutaway.lab.chapters.generation.players import Game, digits, distance, labelled
from cutaway.lab.chapters.generation.shadows import (
    encrypted,
    explained,
    height_error,
    plain_share,
)
from cutaway.lab.chapters.generation.solutions import beyond
from cutaway.lab.chapters.generation.spaces import narrows
from cutaway.lab.chapters.generation.waves import FREQUENCY, Fits, Waves, recurrences, truth
from cutaway.lab.evidence import Verdict, exact


def test_7_1_shadow_code():
    assert encrypted(at(11, 1), at(20, 9)) is Verdict.HOLDS
    assert encrypted(at(11, 1), at(80, 9)) is Verdict.LIMITED
    assert encrypted(at(11, 1), at(50, 9)) is Verdict.UNDECIDED
    assert encrypted(at(30, 1), at(20, 9)) is Verdict.UNDECIDED
    assert encrypted(at(90, 1), at(20, 9)) is Verdict.FAILS


def test_7_1_what_a_code_tells():
    height = torch.linspace(1, 10, 300)
    assert height_error(height[:, None], height) < 0.1
    assert height_error((height > 5).float()[:, None], height) > 1  # one bit


def test_7_1_what_a_unit_means():
    height = torch.linspace(1, 10, 91)
    band = (height > 4).long() + (height > 7).long()
    rises, falls, middle = height.log(), -(height**3), (band == 1).float()
    hill, dead = -((height - 5.5) ** 2), torch.ones(91)
    shares = explained(torch.stack([rises, falls, middle, hill, dead], 1), height, band)
    assert shares[:3] == pytest.approx([100, 100, 100])
    assert shares[3] is not None
    assert shares[3] < 60
    assert shares[4] is None
    assert plain_share(torch.stack([rises, hill, dead], 1), height, band) == 50


def test_7_2_pretrained_code():
    good, bad, none, ahead = at(0.5, 0.1), at(3, 1), at(-3, 1), at(5, 1)
    assert pays(ahead, none, good, good) is Verdict.HOLDS
    assert pays(ahead, none, good, bad) is Verdict.LIMITED
    assert pays(none, ahead, bad, bad) is Verdict.LIMITED
    assert pays(none, none, good, bad) is Verdict.LIMITED
    assert pays(none, none, bad, bad) is Verdict.FAILS
    assert pays(at(0, 4), at(0, 4), bad, bad) is Verdict.UNDECIDED
    assert pays(ahead, ahead, good, at(1, 1)) is Verdict.UNDECIDED


def test_7_2_a_goal_that_is_never_reached_costs_without_end():
    curve = torch.tensor([[10.0, 10.0], [50.0, 20.0], [60.0, 30.0]])
    assert looks_until(curve, torch.tensor([45.0, 45.0])).tolist() == [2, math.inf]


def test_labels_are_as_many_of_each_class_and_drawn_anew():
    learned, _ = digits(0)
    g = torch.Generator().manual_seed(0)
    first, second = (labelled(learned.t, 50, g) for _ in range(2))
    assert learned.t[first].bincount().tolist() == [5] * 10
    assert set(first.tolist()) != set(second.tolist())


def test_7_3_example():
    assert as_printed(*exactly(0, 0)) is Verdict.HOLDS
    assert as_printed(*exactly(1, 0)) is Verdict.FAILS
    found = counted()
    assert found["P(y=0|x)"] == [0, Fraction(1, 3), 1, Fraction(3, 4)]
    for name in ("P(x)", "P(x|y=0)", "P(x|y=1)"):
        assert sum(found[name]) == 1
    assert [generated(u, found["P(x)"]) for u in (0.0, 0.19, 0.21, 0.59, 1.0)] == [
        (0, 0), (0, 0), (0, 1), (1, 0), (1, 1),
    ]  # fmt: skip
    assert lab.claim("7.3").run(draws=1000).verdict is Verdict.HOLDS


def test_7_4_base():
    assert in_base_ten(*exactly(-6, -13.8, -0.002)) is Verdict.LIMITED
    assert in_base_ten(*exactly(-6, -6, -0.002)) is Verdict.HOLDS
    assert in_base_ten(*exactly(-5, -13.8, -0.002)) is Verdict.FAILS
    finding = lab.claim("7.4").run()
    assert finding.verdict is Verdict.LIMITED
    assert finding.evidence.effects["nats"].value == pytest.approx(2 * math.log(0.001))


def test_7_5_algorithm_4_2():
    learned, not_, half = at(0.2, 0.05), at(0.9, 0.05), at(50, 1)
    assert in_turns(learned, not_, half, half) is Verdict.HOLDS
    assert in_turns(learned, not_, at(70, 1), at(90, 1)) is Verdict.LIMITED
    assert in_turns(learned, not_, half, at(90, 1)) is Verdict.LIMITED
    assert in_turns(learned, not_, at(50, 9), at(50, 9)) is Verdict.UNDECIDED
    assert in_turns(learned, learned, half, half) is Verdict.UNDECIDED
    assert in_turns(at(0.6, 0.05), not_, half, half) is Verdict.UNDECIDED
    assert in_turns(at(1, 0.05), not_, half, half) is Verdict.FAILS


def test_a_discriminator_learns_on_while_its_generator_is_held():
    learned, _ = digits(0)
    options = {"latent": 4, "width": 4}
    game = Game(lambda: models.build("gan", 1, 10, 8, options), 2, learned.x, 0)
    before = [[p.clone() for p in player.parameters()] for player in (game.G, game.D)]
    game.teach(0)
    G, D = (
        [torch.equal(p, q) for p, q in zip(player.parameters(), was, strict=True)]
        for player, was in zip((game.G, game.D), before, strict=True)
    )
    assert all(G)
    assert not any(D)


def test_players_move_in_turn_and_each_its_own_weights():
    learned, _ = digits(0)
    options = {"latent": 4, "width": 4}
    game = Game(lambda: models.build("gan", 1, 10, 8, options), 2, learned.x, 0)
    before = [[p.clone() for p in player.parameters()] for player in (game.G, game.D)]
    game.turn(0)
    for player, was in zip((game.G, game.D), before, strict=True):
        moved = [not torch.equal(p, q) for p, q in zip(player.parameters(), was, strict=True)]
        assert any(moved)
    assert game.drawn(3).shape == (2, 3, 1, 8, 8)


def test_distance_of_a_set_to_itself():
    flat = nn.Module()
    flat.hidden = nn.Identity()
    x = torch.randn(50, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    assert distance(flat, x, x) == pytest.approx(0, abs=1e-9)
    assert distance(flat, x, x + 1) == pytest.approx(4, abs=1e-4)


def test_7_6_dcgan():
    ahead, level, behind = at(0.4, 0.1), at(1, 0.1), at(2, 0.1)
    assert convolved(ahead, ahead) is Verdict.HOLDS
    assert convolved(ahead, behind) is Verdict.LIMITED
    assert convolved(ahead, level) is Verdict.UNDECIDED
    assert convolved(level, level) is Verdict.UNDECIDED
    assert convolved(behind, behind) is Verdict.FAILS


def test_7_7_improvements():
    gain, worse, same, alone = at(5, 1), at(2, 0.5), at(1, 0.5), exact("planted", 0)
    short, long = exactly(100, 5000)
    none, ahead = at(0, 1), at(3, 1)
    assert inventions(gain, ahead, worse, worse, alone, long) is Verdict.HOLDS
    assert inventions(gain, ahead, worse, worse, alone, short) is Verdict.UNDECIDED
    assert inventions(gain, ahead, worse, same, alone, long) is Verdict.LIMITED
    assert inventions(gain, none, worse, worse, alone, long) is Verdict.LIMITED
    assert inventions(gain, ahead, worse, worse, exact("planted", 0.1), long) is Verdict.LIMITED
    assert inventions(none, ahead, worse, worse, alone, long) is Verdict.LIMITED
    assert inventions(none, ahead, same, worse, alone, long) is Verdict.UNDECIDED
    assert inventions(none, none, same, same, alone, long) is Verdict.UNDECIDED
    low = at(0.5, 0.1)
    assert inventions(at(-3, 1), none, low, low, alone, long) is Verdict.FAILS


def test_7_9_siren():
    assert fits(at(15, 1), at(0.2, 0.1), at(40, 1)) is Verdict.HOLDS
    assert fits(at(15, 1), at(0.2, 0.1), at(20, 1)) is Verdict.LIMITED
    assert fits(at(0, 1), at(0.2, 0.1), at(40, 1)) is Verdict.UNDECIDED
    assert fits(at(-5, 1), at(0.2, 0.1), at(40, 1)) is Verdict.FAILS


def test_7_9_slopes_of_a_plane():
    assert psnr(torch.tensor(0.01)).item() == pytest.approx(20)
    p = places(6)
    plane = (2 * p[:, 0] - 3 * p[:, 1]).view(6, 6)
    torch.testing.assert_close(slopes(plane), torch.tensor([2.0, -3.0]).expand(6, 6, 2))


def test_7_10_outside():
    inside, outside, straight = at(0.1, 0.05), at(1, 0.1), at(0.01, 0.01)
    closer, wave, all_, few = at(-0.2, 0.1), at(0.01, 0.01), at(95, 4), at(30, 9)
    assert beyond(inside, outside, straight, closer, wave, all_) is Verdict.HOLDS
    assert beyond(inside, outside, straight, closer, wave, few) is Verdict.LIMITED
    assert beyond(inside, outside, straight, at(0.2, 0.1), wave, all_) is Verdict.LIMITED
    assert beyond(inside, outside, straight, at(0, 1), wave, all_) is Verdict.UNDECIDED
    assert beyond(outside, outside, straight, closer, wave, few) is Verdict.UNDECIDED
    assert beyond(inside, at(0.1, 0.1), straight, closer, wave, few) is Verdict.FAILS
    assert beyond(inside, outside, straight, closer, at(0.7, 0.1), few) is Verdict.FAILS


def test_7_10_a_line_is_straight_and_a_wave_is_not():
    fit = Fits(1, 8, 4, 10, 2, 0)
    fit.y = torch.stack([2 * fit.grid + 1, truth(fit.grid)])[:, None]
    straight, wave = fit.bent().tolist()
    assert straight < 1e-5
    assert wave > 0.1
    assert fit.error(True)[1] == fit.error(False)[1] == 0


def test_7_10_the_right_architecture_can_be_the_truth():
    wave = Waves()
    numbers = (wave.w, FREQUENCY), (wave.b, 0.5), (wave.a, 1.0)
    for number, value in numbers:
        number.data.fill_(value)
    x = torch.linspace(-2, 2, 50)[:, None]
    torch.testing.assert_close(wave(x), truth(x))


def test_7_10_nothing_of_the_truth_is_in_a_start():
    torch.manual_seed(0)
    w = torch.stack([Waves().w.detach()[0] for _ in range(400)])
    assert w.min() < 1
    assert w.max() > 19
    assert ((w - FREQUENCY).abs() < 1).double().mean().item() == pytest.approx(0.1, abs=0.05)


def test_7_10_each_draw_has_its_own_points_and_the_best_start_is_kept():
    all_ = Fits(1, 8, 0, 10, 2, 0, fits=6)
    best = Fits(1, 8, 0, 10, 2, 0, starts=6)
    assert not torch.equal(all_.x[0], all_.x[1])
    torch.testing.assert_close(best.loss[:, 0], all_.loss.amin(1))
    assert all_.y.shape == (2, 6, 401)


def test_7_10_a_recurrence_that_learned_follows_and_one_that_did_not_does_not():
    assert recurrences(64, 4, 400, 0).max() < 1e-6
    assert recurrences(64, 4, 1, 0).min() > 0.1


def test_7_11_narrows():
    fit, loose = at(0.01, 0.005), at(0.7, 0.1)
    less, more, wide_ = at(0.1, 0.05), at(2, 0.5), at(1, 1)
    assert narrows(less, less, fit) is Verdict.HOLDS
    assert narrows(less, more, fit) is Verdict.LIMITED
    assert narrows(more, more, fit) is Verdict.FAILS
    assert narrows(less, wide_, fit) is Verdict.UNDECIDED
    assert narrows(less, less, loose) is Verdict.UNDECIDED


def test_7_11_spread_is_within_a_draw():
    fit = Fits(1, 8, 0, 10, 2, 0, fits=2)
    zero = torch.zeros_like(fit.grid)
    fit.y = torch.stack([torch.stack([zero, zero]), torch.stack([zero + 5, zero + 7])])
    assert fit.spread().tolist() == pytest.approx([0, 1], abs=1e-6)


def test_7_12_marks():
    far, near = exactly(0.7, 0.01)
    more, less, wide_ = at(3, 1), at(0.5, 0.1), at(1, 0.5)
    assert needed(far, near, more, more) is Verdict.HOLDS
    assert needed(far, near, less, more) is Verdict.LIMITED
    assert needed(near, near, less, less) is Verdict.FAILS
    assert needed(far, near, wide_, more) is Verdict.UNDECIDED


def test_7_13_worth():
    good, level, behind, new, long = at(95, 1), at(-1, 1), at(-15, 1), at(1, 0.1), exact("", 4000)
    assert worth(good, level, new, long) is Verdict.HOLDS
    assert worth(good, level, new, exact("", 100)) is Verdict.UNDECIDED
    assert worth(good, behind, new, long) is Verdict.LIMITED
    assert worth(good, level, at(0, 0.1), long) is Verdict.LIMITED
    assert worth(good, at(-10, 2), new, long) is Verdict.UNDECIDED
    assert worth(at(20, 5), behind, new, long) is Verdict.FAILS


def test_7_13_what_pairs_teach():
    learned, tested = digits(0)
    x, t = learned.x.flatten(1).expand(2, -1, -1), learned.t.expand(2, -1)
    assert classified(x, t, tested, 0).min() > 90
    wrong = (t + 1) % 10
    assert classified(x, wrong, tested, 0).max() < 10
    assert nearest(x[0, :5], x[0]).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("7.1", {}, Verdict.LIMITED),
        ("7.2", {}, Verdict.LIMITED),
        ("7.5", {}, Verdict.LIMITED),
        ("7.6", {}, Verdict.HOLDS),
        ("7.9", {}, Verdict.HOLDS),
        ("7.7", {"steps": 5}, Verdict.UNDECIDED),
        ("7.10", {"points": (64,)}, Verdict.LIMITED),
        ("7.11", {}, Verdict.HOLDS),
        ("7.12", {}, Verdict.HOLDS),
        ("7.13", {"steps": 5}, Verdict.UNDECIDED),
    ],
)
def test_found(number, settings, verdict):
    assert lab.claim(number).run(**settings).verdict is verdict
