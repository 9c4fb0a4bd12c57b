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
from cutaway.lab.chapters.generation.games import convolved, in_turns
from cutaway.lab.chapters.generation.implicit import fits, places, psnr, slopes
from cutaway.lab.chapters.generation.improved import inventions
from cutaway.lab.chapters.generation.judging import fooled
from cutaway.lab.chapters.generation.players import Game, digits, distance
from cutaway.lab.chapters.generation.shadows import encrypted, height_error
from cutaway.lab.chapters.generation.solutions import Fits, Wave, beyond, narrows, truth
from cutaway.lab.evidence import Verdict, exact


def test_7_1_shadow_code():
    assert encrypted(at(11, 1), at(9, 1)) is Verdict.HOLDS
    assert encrypted(at(11, 1), at(1, 0.5)) is Verdict.LIMITED
    assert encrypted(at(30, 1), at(9, 1)) is Verdict.UNDECIDED
    assert encrypted(at(90, 1), at(9, 1)) is Verdict.FAILS


def test_7_1_what_a_code_tells():
    height = torch.linspace(1, 10, 300)
    assert height_error(height[:, None], height) < 0.1
    assert height_error((height > 5).float()[:, None], height) > 1  # one bit


def test_7_2_pretrained_code():
    good, bad, none = at(0.5, 0.1), at(3, 1), at(-3, 1)
    assert pays(at(5, 1), good, good) is Verdict.HOLDS
    assert pays(at(5, 1), good, bad) is Verdict.LIMITED
    assert pays(none, good, bad) is Verdict.LIMITED
    assert pays(none, bad, bad) is Verdict.FAILS
    assert pays(at(0, 4), bad, bad) is Verdict.UNDECIDED


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
    assert in_turns(learned, not_, half) is Verdict.HOLDS
    assert in_turns(learned, not_, at(70, 1)) is Verdict.LIMITED
    assert in_turns(learned, learned, half) is Verdict.UNDECIDED
    assert in_turns(at(0.6, 0.05), not_, half) is Verdict.UNDECIDED
    assert in_turns(at(1, 0.05), not_, half) is Verdict.FAILS


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
    assert convolved(at(0.4, 0.1)) is Verdict.HOLDS
    assert convolved(at(1, 0.1)) is Verdict.UNDECIDED
    assert convolved(at(2, 0.1)) is Verdict.FAILS


def test_7_7_improvements():
    gain, worse, same, alone = at(5, 1), at(2, 0.5), at(1, 0.5), exact("planted", 0)
    short, long = exactly(100, 5000)
    assert inventions(gain, worse, worse, alone, long) is Verdict.HOLDS
    assert inventions(gain, worse, worse, alone, short) is Verdict.UNDECIDED
    assert inventions(gain, worse, same, alone, long) is Verdict.LIMITED
    assert inventions(gain, worse, worse, exact("planted", 0.1), long) is Verdict.LIMITED
    assert inventions(at(0, 1), same, worse, alone, long) is Verdict.LIMITED
    assert inventions(at(0, 1), same, same, alone, long) is Verdict.UNDECIDED
    assert inventions(at(-3, 1), at(0.5, 0.1), at(0.5, 0.1), alone, long) is Verdict.FAILS


def test_7_8_before_a_judge():
    assert fooled(at(50, 1), at(50, 1)) is Verdict.HOLDS
    assert fooled(at(90, 1), at(51, 1)) is Verdict.LIMITED
    assert fooled(at(90, 1), at(80, 1)) is Verdict.FAILS
    assert fooled(at(55, 1), at(54, 1)) is Verdict.UNDECIDED


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
    closer, wave = at(-0.2, 0.1), at(0.01, 0.01)
    assert beyond(inside, outside, straight, closer, wave) is Verdict.HOLDS
    assert beyond(inside, outside, straight, at(0, 1), wave) is Verdict.LIMITED
    assert beyond(outside, outside, straight, closer, wave) is Verdict.UNDECIDED
    assert beyond(inside, at(0.1, 0.1), straight, closer, wave) is Verdict.FAILS


def test_7_10_a_line_is_straight_and_a_wave_is_not():
    fit = Fits("a sin(w x + b) + c", 8, 4, 10, 2, 0)
    fit.y = torch.stack([2 * fit.grid + 1, truth(fit.grid)])
    straight, wave = fit.bent().tolist()
    assert straight < 1e-5
    assert wave > 0.1
    assert fit.error(True)[1] == fit.error(False)[1] == 0


def test_7_10_the_right_architecture_can_be_the_truth():
    wave = Wave()
    wave.w.data.fill_(2 * math.pi / 0.9)
    wave.rest.data.copy_(torch.tensor([1.0, 0.5, 0.0]))
    x = torch.linspace(-2, 2, 50)[:, None]
    torch.testing.assert_close(wave(x), truth(x))


def test_7_11_narrows():
    assert narrows(*exactly(0.1, 0.1)) is Verdict.HOLDS
    assert narrows(*exactly(0.1, 1.1)) is Verdict.LIMITED
    assert narrows(*exactly(1.1, 1.1)) is Verdict.FAILS
    assert narrows(at(1, 1), at(1, 1)) is Verdict.UNDECIDED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings", "verdict"),
    [
        ("7.1", {}, Verdict.HOLDS),
        ("7.2", {}, Verdict.LIMITED),
        ("7.5", {}, Verdict.LIMITED),
        ("7.6", {"steps": 150}, Verdict.HOLDS),
        ("7.8", {"steps": 50}, Verdict.FAILS),
        ("7.9", {}, Verdict.HOLDS),
        ("7.10", {"points": (64,)}, Verdict.LIMITED),
    ],
)
def test_found(number, settings, verdict):
    assert lab.claim(number).run(**settings).verdict is verdict
