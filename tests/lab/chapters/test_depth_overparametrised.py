"""Chapter 4, networks with more weights than they need: rules, measures, quick runs."""

import math

import numpy as np
import pytest
import torch
from helpers.claims import verdict_of
from helpers.easy_samples import easy_samples
from helpers.effects import at

from cutaway.lab.chapters.depth import descent, grokking, tickets
from cutaway.lab.evidence import Verdict, exact

HOLDS, LIMITED, FAILS, UNDECIDED, UNTESTED = Verdict


@pytest.mark.parametrize(
    ("rule", "effects", "verdict"),
    [
        (tickets.won, (at(95, 1), at(0, 0.5), at(5, 1), at(5, 1), at(9, 1)), HOLDS),
        (tickets.won, (at(95, 1), at(2, 0.5), at(5, 1), at(5, 1), at(9, 1)), HOLDS),
        (tickets.won, (at(95, 1), at(-2, 0.5), at(5, 1), at(5, 1), at(9, 1)), LIMITED),
        (tickets.won, (at(95, 1), at(0, 0.5), at(0, 0.5), at(5, 1), at(9, 1)), LIMITED),
        (tickets.won, (at(95, 1), at(-2, 0.5), at(-2, 1), at(5, 1), at(9, 1)), FAILS),
        (tickets.won, (at(95, 1), at(-1, 0.5), at(5, 1), at(5, 1), at(9, 1)), UNDECIDED),
        (tickets.won, (at(95, 1), at(0, 0.5), at(5, 6), at(5, 1), at(9, 1)), UNDECIDED),
        (tickets.won, (at(20, 1), at(0, 0.5), at(5, 1), at(5, 1), at(9, 1)), UNDECIDED),
        (tickets.won, (at(99.5, 0.5), at(0, 0.5), at(0, 0.5), at(0, 0.5), at(0, 0.5)), UNDECIDED),
        (descent.overfits, (at(9, 1), exact("", 1), at(2, 0.1)) * 2, HOLDS),
        (descent.overfits, (at(9, 1), exact("", 1), at(1, 0.1)) * 2, UNDECIDED),
        (descent.overfits, (at(9, 1), exact("", 1), at(1, 0.04)) * 2, LIMITED),
        (descent.overfits, (at(9, 1), at(0.1, 0.1), at(2, 0.1)) * 2, LIMITED),
        (descent.overfits, (at(0.9, 0.1), at(1), at(0.9)) * 2, FAILS),
        (descent.overfits, (at(0.9, 0.1), at(1), at(0.9), at(9, 1), at(0.1), at(1)), LIMITED),
        (descent.overfits, (at(1, 0.2), at(1), at(0.9), at(9, 1), at(0.1), at(1)), UNDECIDED),
        (descent.overfits, (at(9, 1), at(0.9, 0.2), at(2), at(9, 1), at(0.1), at(1)), UNDECIDED),
        (grokking.groks, (at(100), at(2, 1), at(97, 2), at(7), at(90), at(80), at(2)), HOLDS),
        (grokking.groks, (at(100), at(2, 1), at(97, 2), at(7), at(10), at(80), at(2)), LIMITED),
        (grokking.groks, (at(100), at(2, 1), at(97, 2), at(7), at(90), at(80), at(0.5)), LIMITED),
        (grokking.groks, (at(100), at(2, 1), at(97, 2), at(7), at(90), at(50, 9), at(2)),
         UNDECIDED),
        (grokking.groks, (at(100), at(40, 9), at(97, 2), at(7), at(90), at(80), at(2)), FAILS),
        (grokking.groks, (at(100), at(2, 1), at(30, 9), at(7), at(90), at(80), at(2)), FAILS),
        (grokking.groks, (at(100), at(2, 1), at(97, 2), at(2), at(90), at(80), at(2)), FAILS),
        (grokking.groks, (at(100), at(2, 1), at(85, 2), at(7), at(90), at(80), at(2)), UNDECIDED),
        (grokking.groks, (at(20), at(2, 1), at(3, 2), at(1), at(0), at(0), at(1)), UNDECIDED),
    ],
)  # fmt: skip
def test_rules_on_planted_effects(rule, effects, verdict):
    assert rule(*effects) is verdict


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def part(n: int = 60, r: int = 3) -> tickets.Part:
    """The same easy images for each replicate."""
    seen = easy_samples(n)
    return tickets.Part(seen.x.flatten(1).expand(r, -1, -1), seen.t.expand(r, -1))


def test_the_largest_weights_of_each_layer_are_kept():
    W = tickets.begun((8, 10, 4), 3, draw()).W
    first, last = tickets.largest(W, 0.25)
    assert (first.flatten(1).sum(1) == 20).all()
    assert (last.flatten(1).sum(1) == 20).all()  # half of 40: the root of a quarter
    for w, m in zip(W[0], first, strict=True):
        assert w[m].abs().min() > w[~m].abs().max()


def test_other_arms_have_as_many_weights_or_the_same_ones():
    start = tickets.begun((8, 10, 4), 3, draw())
    masks = tickets.largest(start.W, 0.25)
    others = tickets.elsewhere(masks, draw())
    for a, b in zip(masks, others, strict=True):
        assert torch.equal(a.sum((1, 2)), b.sum((1, 2)))
    assert not torch.equal(others[0], masks[0])
    mixed = tickets.shuffled(start, masks, draw())
    for w, v, m in zip(start.W[0], mixed.W[0], masks[0], strict=True):
        assert torch.equal(w[m].sort().values, v[m].sort().values)
        assert not torch.equal(w[m], v[m])
        assert torch.equal(w[~m], v[~m])


def test_what_is_left_out_stays_out_and_the_start_is_not_touched():
    start = tickets.begun((64, 10, 10), 3, draw())
    before = start.W[0].clone()
    masks = tickets.largest(start.W, 0.3)
    end = tickets.learn(start, masks, part(), 0, 30, 20, torch.full((3,), 0.1))
    assert torch.equal(start.W[0], before)
    for w, m in zip(end.W, masks, strict=True):
        assert (w[~m] == 0).all()
        assert (w[m] != 0).any()


def test_arms_side_by_side_are_runs_of_their_own():
    data = tickets.Data(part(), part(), part())
    start = tickets.begun((64, 10, 10), 3, draw())
    arms = {str(p): (start, tickets.largest(start.W, p)) for p in (0.2, 0.6)}
    together = tickets.race(arms, data, 0, 20, 20, (0.02, 0.1))
    for name, (net, masks) in arms.items():
        rates = torch.full((3,), together[name].rate)
        alone = tickets.learn(net, masks, data.learned, 0, 20, 20, rates)
        torch.testing.assert_close(together[name].nets.W[0], alone.W[0], rtol=1e-3, atol=1e-5)


def test_a_rate_is_chosen_by_the_images_held_out():
    right = part()
    others = tickets.Part(right.x, (right.t + 1) % 10)  # the rate that learns is worse there
    start = tickets.begun((64, 16, 10), 3, draw())
    arms = {"whole": (start, [torch.ones_like(w, dtype=torch.bool) for w in start.W])}
    for held, rate in ((right, 0.1), (others, 1e-6)):
        found = tickets.race(arms, tickets.Data(right, held, right), 0, 80, 20, (1e-6, 0.1))
        assert found["whole"].rate == rate


def test_each_replicate_has_a_split_of_its_own_whose_parts_share_no_image():
    data = tickets.Data.drawn("digits", 100, 30, 2, 0)
    assert data.learned.x.shape == (2, 100, 64)
    assert data.held.x.shape == (2, 30, 64)
    assert not torch.equal(data.learned.t[0], data.learned.t[1])
    for k in range(2):
        parts = [set(map(tuple, p.x[k].tolist())) for p in (data.learned, data.held, data.tested)]
        assert len(set().union(*parts)) == sum(map(len, parts))


def noisy(n: int = 20) -> tickets.Data:
    x = torch.randn(2, 3 * n, 5, generator=draw())
    t = torch.randint(10, (2, 3 * n), generator=draw())
    return tickets.Data(*(tickets.Part(x[:, i::3], t[:, i::3]) for i in range(3)))


def test_regression_is_that_of_other_libraries():
    data, widths = noisy(), (4, 12, 20, 50)
    found = descent.regressed(data, widths, (), draw())
    A = torch.randn(2, 5, 50, generator=draw()).double() / math.sqrt(5)
    for k in range(2):
        features = [(p.x[k].double() @ A[k]).relu().numpy() for p in (data.learned, data.tested)]
        y = np.eye(10)[data.learned.t[k]] - 0.1
        new = np.eye(10)[data.tested.t[k]] - 0.1
        for i, w in enumerate(widths):
            v = np.linalg.lstsq(features[0][:, :w], y, rcond=1e-10)[0]
            loss = ((features[1][:, :w] @ v - new) ** 2).sum(1).mean()
            assert found.plain[i, k, 2].item() == pytest.approx(loss, rel=1e-4)
    assert found.plain[3, :, 0].max() < 1e-12  # more features than images: known by heart
    assert found.plain[0, :, 0].min() > 0.1


def test_decay_is_chosen_by_the_images_held_out():
    facts = torch.zeros(3, 2, 4)
    facts[:, :, 1] = torch.tensor([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    facts[:, :, 2] = torch.arange(3.0)[:, None]
    assert descent.tuned(facts)[:, 2].tolist() == [1, 0]


def test_decays_side_by_side_are_runs_of_their_own():
    data, decays = part(), (0.0, 0.05)
    start = tickets.begun((64, 6, 10), 3, draw())
    both = descent.learned(start, data, torch.tensor(decays), 30, 0.02)
    for k, decay in enumerate(decays):
        alone = descent.learned(start, data, torch.tensor([decay]), 30, 0.02)
        torch.testing.assert_close(both.some(slice(3 * k, 3 * k + 3)).W[0], alone.W[0])
    size = both.W[0].square().sum((1, 2))
    assert (size[3:] < size[:3]).all()


def test_labels_are_exchanged_as_often_as_asked():
    given = tickets.Part(torch.zeros(2, 4000, 1), (torch.arange(4000) % 10).expand(2, -1))
    wrong = (descent.with_wrong(given, 50, draw()).t != given.t).double().mean(1)
    assert wrong.tolist() == pytest.approx([0.45, 0.45], abs=0.03)


@pytest.mark.parametrize(
    ("losses", "pair"), [([3, 1, 2, 9, 2], (1, 3)), ([5, 4, 3, 2.9], (2, 3)), ([1, 2, 3], (0, 2))]
)
def test_the_rise_is_that_on_the_images_held_out(losses, pair):
    facts = torch.rand(len(losses), 8, 4, generator=draw()).double()
    facts[:, :, 1] = torch.tensor(losses).double()[:, None]
    assert descent.rise(facts) == pair


def test_sums_are_in_one_part_with_both_orders():
    parts = grokking.sums(7, 50, 2, draw())
    for k in range(2):
        pairs = [
            {tuple(sorted((x[:7].argmax().item(), x[7:].argmax().item()))) for x in p.x[k]}
            for p in parts
        ]
        assert sum(map(len, pairs)) == len(set().union(*pairs)) == 28
    for p in parts:
        a, b = p.x[..., :7].argmax(-1), p.x[..., 7:].argmax(-1)
        assert torch.equal((a + b) % 7, p.t)
    assert len(parts[0].t[0]) == 28


def test_waits_and_steps_are_read_off_a_course():
    learned = torch.tensor([[0.0, 0], [100, 0], [100, 0], [100, 0], [100, 0]])
    loss = torch.tensor([[3.0, 1], [4, 2], [4, 3], [2, 4], [1, 5]])
    tested = torch.tensor([[10.0, 1], [20, 2], [30, 3], [40, 4], [50, 5]])
    one = grokking.Course(range(0, 50, 10), learned, tested, loss)
    assert one.first(learned, 99).tolist() == [10, 40]
    assert one.wait().tolist() == [30, 40]
    assert one.stopped(2).tolist() == [10, 1]
    assert one.stopped(5).tolist() == [50, 1]


def test_arms_begin_alike_and_decay_alone_sets_them_apart():
    arms = [grokking.Arm("a", 0, 1), grokking.Arm("b", 0, 1), grokking.Arm("c", 1, 1)]
    parts = grokking.sums(7, 60, 2, draw())
    a, b, c = grokking.learn(parts, arms, 16, 200, 20, 0.02, draw())
    torch.testing.assert_close(a.held_loss, b.held_loss)
    torch.testing.assert_close(a.tested[0], c.tested[0])
    assert (a.learned[-1] == 100).all()
    assert (c.held_loss[-1] < a.held_loss[-1]).all()


QUICK = {
    "4.19": {"replicates": 6, "shares": (30,), "rates": (0.05,)},
    "4.20": {"feature_widths": (10, 40, 120, 400), "widths": (2, 8, 64), "steps": 300},
    "4.21": {"replicates": 4},
}
SAID = {"4.19": (LIMITED, UNDECIDED), "4.20": (LIMITED, UNDECIDED), "4.21": (HOLDS, UNDECIDED)}


@pytest.mark.slow
@pytest.mark.parametrize("number", QUICK)
def test_quick_runs(number):
    assert verdict_of(number, **QUICK[number]) in SAID[number]
