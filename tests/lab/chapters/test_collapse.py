"""Claim 7.18: mode collapse, precision and recall, in a world whose modes are known."""

import pytest
import torch
from helpers.effects import planted

from cutaway import lab
from cutaway.lab.chapters.generation.collapse import LOOKS, collapses, lost
from cutaway.lab.chapters.generation.modes import (
    KERNELS,
    Duel,
    Kind,
    Player,
    Ring,
    close,
    equal,
    precision,
    recall,
    smoothed,
)
from cutaway.lab.evidence import Verdict
from cutaway.models.parts.layers import MinibatchDiscrimination

SEEN = planted(
    usual=(80, 90), more=(80, 90), lost=(40, 60), tuned=(30, 50), left=(0, 5), dropped=(10, 14),
    noisy=(7, 9),
)  # fmt: skip


@pytest.fixture
def g():
    return torch.Generator().manual_seed(0)


def said(**changed):
    return collapses(**(SEEN | planted(**changed)))


def test_the_rule():
    assert said() is Verdict.HOLDS
    assert said(usual=(2, 8)) is Verdict.FAILS
    assert said(more=(-9, 4)) is Verdict.FAILS
    assert said(usual=(5, 20)) is Verdict.UNDECIDED
    for name, other in {
        "lost": (-3, 4), "tuned": (0, 9), "left": (20, 40), "dropped": (0, 2), "noisy": (0, 2),
    }.items():  # fmt: skip
        assert said(**{name: other}) is Verdict.LIMITED, name
    assert said(lost=(0, 20)) is Verdict.UNDECIDED
    assert said(lost=(0, 20), left=(20, 40)) is Verdict.LIMITED


@pytest.mark.parametrize("kept", [1, 4, 7, 8])
def test_modes_are_counted(g, kept):
    ring = Ring()
    y = ring.draw(3, 800, g=g, kept=kept)
    assert ring.covered(y).tolist() == [100 * kept / 8] * 3
    assert ring.good(y).mean() == pytest.approx(98.9, abs=1)


def test_noise_covers_nothing(g):
    ring = Ring()
    noise = 3 * torch.rand(4, 4000, 2, generator=g) - 1.5
    assert ring.covered(noise).max() == 0
    assert ring.good(noise).mean() == pytest.approx(100 * 8 * torch.pi * 0.3**2 / 9, abs=2)


def test_precision_and_recall_of_what_is_known(g):
    ring = Ring()
    real, same, few = (ring.draw(600, g=g, kept=k) for k in (8, 8, 4))
    assert precision(real, same) > 90
    assert recall(real, same) > 90
    assert precision(real, few) > 90
    assert recall(real, few) == pytest.approx(50, abs=8)
    noise = same.clone()
    noise[:300] = 5
    assert precision(real, noise) == pytest.approx(50, abs=5)


def test_precision_by_hand():
    """Reach of the four real points, k = 1: 1, 1, 2, 2."""
    real = torch.tensor([[0.0, 0], [1, 0], [9, 0], [11, 0]])
    drawn = torch.tensor([[0.5, 0], [2.5, 0], [12.9, 0], [7.1, 0]])
    assert precision(real, drawn, 1) == 75
    assert precision(real[None], drawn[None], 1).tolist() == [75]


def test_a_fall_is_told_from_a_peak_by_chance(g):
    path = torch.cat([torch.zeros(5, 8), torch.full((10, 8), 80.0), torch.full((5, 8), 30.0)])
    assert lost(path).tolist() == [50] * 8
    still = torch.stack([lost(50 + 10 * torch.randn(20, 8, generator=g)) for _ in range(400)])
    assert abs(still.mean()) < 0.5
    rising = torch.arange(20.0)[:, None].expand(-1, 8)
    assert lost(rising).tolist() == [0] * 8


def test_a_kernel_density_covers_all(g):
    ring = Ring()
    y = smoothed(ring.draw(1000, g=g), 800, g)
    assert ring.covered(y) == 100
    assert ring.good(y) > 90


def test_minibatches_are_discriminated_as_in_the_model(g):
    f, T = torch.randn(3, 12, 5, generator=g), torch.randn(3, 5, 4, 2, generator=g)
    for r in range(3):
        layer = MinibatchDiscrimination(5, 4, 2)
        layer.T.data = T[r]
        expected = torch.cat([layer(f[r, :6]), layer(f[r, 6:])])
        torch.testing.assert_close(close(f, T, 2)[r], expected)


def test_players_are_equal(g):
    sizes = []
    for own, kernels in ((32, KERNELS), (equal(32), 0)):
        player = Player(1, [2, own, own, 1], 0.2, g, kernels)
        sizes.append(sum(p.numel() for p in player.parameters()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.03)


def test_games_do_not_know_each_other(g):
    """The gradient of one game does not hang on another's points."""
    player = Player(2, [2, 8, 8, 1], 0.2, g, KERNELS)
    x = torch.randn(2, 6, 2, generator=g)
    first = player(x)[0]
    x[1] += 1
    torch.testing.assert_close(player(x)[0], first)


def test_a_discriminator_that_learns_alone_wins(g):
    ring = Ring()
    duel = Duel(Kind(KERNELS, 0.5, 3e-3), ring.draw(2, 200, g=g), 16, g)
    before = [p.clone() for p in duel.G.parameters()]
    for _ in range(5):
        duel.turn(16)
    pairs = zip(before, duel.G.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)


def test_7_18_in_short():
    finding = lab.claim("7.18").run(steps=LOOKS, replicates=2, examples=300, width=8)
    assert finding.verdict in (Verdict.UNDECIDED, Verdict.FAILS, Verdict.LIMITED)
    assert finding.evidence.effects["dropped"].value == pytest.approx(12.5, abs=6)
    rows = finding.evidence.tables[0].rows
    assert rows[-1][:2] == ("kernel density", 100)
    assert len(finding.evidence.figures) == 4
