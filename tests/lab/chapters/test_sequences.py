"""Claims 7.15 to 7.17: rules on planted effects, measures on what is known, quick runs."""

import math
from itertools import pairwise

import pytest
import torch
from helpers.claims import verdict_of
from helpers.counter_worlds import sequences as counter_worlds
from helpers.effects import at

from cutaway import lab
from cutaway.lab.chapters.generation import boltzmann, captions, composed, mixtures, sequences
from cutaway.lab.chapters.generation.side_by_side import apart, clip, together
from cutaway.lab.chapters.generation.words import (
    LETTERS,
    N,
    NGram,
    entropy,
    language,
    spelled,
    valid,
)
from cutaway.lab.evidence import Verdict
from cutaway.models.lstm import lstm
from cutaway.models.rnn import rnn

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("rule", "effects", "verdict"),
    [
        (boltzmann.generative, (at(6, 1), at(0.2, 0.5), at(-0.02, 0.01), at(-0.02, 0.01)), HOLDS),
        (boltzmann.generative, (at(6, 1), at(-3, 0.5), at(-0.02, 0.01), at(-0.02, 0.01)), LIMITED),
        (boltzmann.generative, (at(6, 1), at(0.2, 0.5), at(-0.02, 0.01), at(0.4, 0.1)), LIMITED),
        (boltzmann.generative, (at(6, 1), at(-1, 0.5), at(-0.02, 0.01), at(0, 0.1)), UNDECIDED),
        (
            boltzmann.generative,
            (at(6, 1), at(0.2, 0.5), at(-0.02, 0.03), at(-0.02, 0.01)),
            UNDECIDED,
        ),
        (boltzmann.generative, (at(6, 1), at(-1, 2), at(-0.02, 0.01), at(-0.02, 0.01)), UNDECIDED),
        (boltzmann.generative, (at(-6, 1), at(3, 1), at(-0.02, 0.01), at(-0.02, 0.01)), FAILS),
        (boltzmann.generative, (at(6, 1), at(3, 1), at(0.02, 0.01), at(-0.02, 0.01)), FAILS),
        (sequences.remembers, (at(2, 1), at(3, 1), at(40, 9), at(30, 9)), HOLDS),
        (sequences.remembers, (at(2, 1), at(3, 1), at(40, 9), at(5, 9)), LIMITED),
        (sequences.remembers, (at(2, 1), at(3, 1), at(0, 9), at(0, 9)), LIMITED),
        (sequences.remembers, (at(2, 1), at(3, 1), at(10, 9), at(30, 9)), UNDECIDED),
        (sequences.remembers, (at(2, 3), at(3, 1), at(40, 9), at(30, 9)), UNDECIDED),
        (sequences.remembers, (at(-2, 1), at(3, 1), at(40, 9), at(30, 9)), FAILS),
        (captions.matches, (at(80, 9), at(9, 5), at(25, 9), at(70, 9)), HOLDS),
        (captions.matches, (at(80, 9), at(9, 5), at(25, 9), at(30, 9)), LIMITED),
        (captions.matches, (at(80, 9), at(9, 5), at(0, 9), at(70, 9)), LIMITED),
        (captions.matches, (at(80, 9), at(9, 5), at(0, 9), at(30, 9)), FAILS),
        (captions.matches, (at(80, 9), at(9, 5), at(10, 9), at(50, 9)), UNDECIDED),
        (captions.matches, (at(80, 9), at(0, 5), at(25, 9), at(70, 9)), UNDECIDED),
        (captions.matches, (at(15, 4), at(9, 5), at(5, 2), at(0, 0)), UNDECIDED),
    ],
)
def test_rules_on_planted_effects(rule, effects, verdict):
    assert rule(*effects) is verdict


@pytest.mark.parametrize(
    ("number", "world"),
    [(number, world) for number, some in counter_worlds.WORLDS.items() for world in some],
)
def test_counter_worlds(number, world):
    """As in the table of all chapters, which these rows join."""
    verdict = lab.claim(number).decide(world.measured())
    assert world.right(verdict), f"{world.what} {verdict}"


# 7.15


def test_one_component_is_independent_pixels():
    v = (torch.rand(50, 6, generator=draw()) < 0.3).float()
    p = (v.sum(0) + 1) / 52
    right = (v * p.log() + (1 - v) * (1 - p).log()).sum(1)
    one = mixtures.Mixture(v, 1, 3, 1.0, draw())
    torch.testing.assert_close(one.log_likelihood(v), right)


def test_a_mixture_finds_two_pictures():
    v = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).repeat(50, 1)
    two = mixtures.Mixture(v, 2, 50, 0.01, draw())
    assert two.log_likelihood(v).mean().item() == pytest.approx(-math.log(2), abs=0.05)
    shares = two.draw(1000, draw()).unique(dim=0, return_counts=True)[1] / 1000
    assert shares.topk(2).values.min() > 0.4


def test_a_mixture_of_one_component_more_has_as_many_numbers():
    hidden, pixels = 12, 64
    machine = hidden * pixels + hidden + pixels
    assert (hidden + 1) * pixels + hidden == machine


def test_the_distance_of_sets():
    a = (torch.rand(800, 10, generator=draw()) < 0.5).float()
    assert mixtures.apart(a[:400], a[400:]) == pytest.approx(0, abs=0.01)
    paired = torch.cat([a[:, :5], a[:, :5]], 1)  # each pixel's share is the same
    assert mixtures.apart(paired[:400], a[400:]) > 0.02
    zero, one = torch.zeros(10, 4), torch.ones(10, 4)
    assert mixtures.apart(zero, one) == pytest.approx(4)


def test_replicates_have_images_of_their_own_where_there_are_enough():
    v = torch.arange(100.0)[:, None]
    own = boltzmann.divided(v, 20, 5, 0)
    everything = torch.cat([own.learned, own.tried, own.tested], 1)
    assert own.overlap == 0
    assert everything.unique().numel() == 100
    shared = boltzmann.divided(v, 100, 3, 0)
    assert [part.shape[1] for part in (shared.learned, shared.tried, shared.tested)] == [70, 10, 20]
    assert shared.overlap == pytest.approx(20 / 70)
    first = [set(part[0, :, 0].tolist()) for part in (shared.learned, shared.tried, shared.tested)]
    assert len(set.union(*first)) == 100


def test_7_15_quick():
    verdict = verdict_of("7.15", replicates=3, steps=60, hidden=4, k=1)
    assert verdict in (HOLDS, LIMITED, UNDECIDED)


@pytest.mark.parametrize("chains", ["from images", "going on", "exact"])
def test_machines_learn_with_chains_and_without(chains):
    v = (torch.rand(2000, 6, generator=draw()) < 0.5).float()
    v[:, 3:] = v[:, :3]  # what independent pixels cannot know: 3 log 2 nats
    parts = boltzmann.divided(v, 1000, 2, 0)
    found = boltzmann.learn(parts, 4, chains, 1, 0.05, 300, 0)
    assert (found.way[-1] > found.way[0] + 0.5).all()


# 7.16


def test_words_of_the_language():
    words = spelled(language(50, 3, draw()))
    assert all(valid(word, 3) for word in words)
    assert len({*words}) > 30
    assert valid("Abidaka.A", 3)
    for wrong in ("Abidaka.B", "Abidak.A", "Abbdaka.A", "bbidaka.b", "Abidakaka.A", "AbidakaAA"):
        assert not valid(wrong, 3), wrong


def test_no_model_can_pay_less_than_the_entropy():
    assert entropy(3) == pytest.approx(3 * math.log(6))
    words = spelled(language(4000, 1, draw()))
    best = NGram(words[:3000], 5)  # sees all of a word that is this short
    assert best.nats(words[3000:]) == pytest.approx(entropy(1), abs=0.05)


def test_counts_lean_on_fewer_letters():
    one = NGram(["Aba", "Abi"], 2)
    assert sum(one.chances("Ab").values()) == pytest.approx(1)
    uniform = 1 / N
    after_nothing = {x: (c + 3 * uniform) / (4 + 3) for x, c in {"b": 2, "a": 1, "i": 1}.items()}
    assert one.chances("")["b"] == pytest.approx(after_nothing["b"])
    assert one.chances("b")["a"] == pytest.approx((1 + 2 * after_nothing["a"]) / (2 + 2))
    assert one.chances("k") == one.chances("")


@pytest.mark.parametrize("make", [rnn, lstm])
def test_networks_side_by_side_are_each_alone(make):
    torch.manual_seed(0)
    nets = [make(N, 5) for _ in range(3)]
    x = torch.rand(3, 2, 4, N)
    whole = together(nets)
    each = torch.stack([net(one) for net, one in zip(nets, x, strict=True)])
    torch.testing.assert_close(whole(x), each)
    with torch.no_grad():
        for p in whole.parameters():
            p += 0.1 * torch.randn(p.shape)
    apart(whole, nets)
    each = torch.stack([net(one) for net, one in zip(nets, x, strict=True)])
    torch.testing.assert_close(whole(x), each)


def test_each_gradient_is_clipped_by_its_own_length():
    whole = together([rnn(N, 4), rnn(N, 4)])
    for p in whole.parameters():
        p.grad = torch.ones_like(p)
        p.grad[0] *= 1e-4
    clip(whole, 1.0)
    lengths = sum(p.grad.flatten(1).square().sum(1) for p in whole.parameters()).sqrt()
    assert lengths[0] < 0.01
    assert lengths[1].item() == pytest.approx(1)


def test_recall_and_slopes_of_a_network_that_echoes():
    """One whose answer is the letter that it has just read: it recalls nothing but the point."""
    net = rnn(N, N)
    with torch.no_grad():
        net.cell.W.weight.copy_(5 * torch.eye(N))
        net.cell.U.weight.zero_()
        net.output.weight.copy_(5 * torch.eye(N))
    words = language(20, 2, draw())[None]
    whole = together([net])
    assert sequences.recall(whole, words).item() == 0
    slopes = sequences.slopes(whole, words)[0]
    assert slopes[-1] > 0
    assert slopes[:-1].eq(0).all()
    assert LETTERS[int(words[0, 0, -2])] == "."


def test_7_16_quick():
    verdict = verdict_of("7.16", replicates=3, steps=30, words=64, syllables=2, width=4)
    assert verdict in (LIMITED, UNDECIDED, FAILS)


# 7.17


def composer():
    shades = torch.linspace(0.1, 1, 4).repeat(10)
    return composed.Composer(shades.view(40, 1, 1).expand(40, 4, 4), torch.arange(40) % 4, 4, 3)


def test_captions_say_what_is_where():
    cook, shades = composer(), torch.linspace(0.1, 1, 4)
    pairs = {(a, b) for a in range(4) for b in range(4)}
    scenes = cook.scenes(60, pairs, draw())
    for x, words in zip(scenes.x[:, 0], scenes.words, strict=True):
        text = composed.as_text(words)
        place = "above" if "above" in text else "left of"
        seen = x.amax(1 if place == "above" else 0)
        digits = [composed.DIGITS.index(one.split()[1]) for one in text.split(f" {place} ")]
        order = [shades.sub(v).abs().argmin().item() for v in seen[seen > 0]]
        assert [order[4 * k] for k in range(len(digits))] == digits
        assert len(order) == 4 * len(digits)


def test_left_out_pairs_are_never_shown_and_every_digit_stands_everywhere():
    cook = composer()
    out = composed.left_out(4, 1, draw())
    assert sorted(a for a, _ in out) == sorted(b for _, b in out) == [0, 1, 2, 3]
    seen = {(a, b) for a in range(4) for b in range(4)} - out
    for scenes, allowed in (
        (cook.scenes(90, seen, draw()), seen),
        (cook.scenes(30, out, draw(), (2,)), out),
    ):
        digits = [[w - 3 for w in words if w >= 3] for words in scenes.words.tolist()]
        shown = {pair for row in digits for pair in pairwise(row)}
        assert shown <= allowed
    assert {len([w for w in words if w >= 3]) for words in scenes.words.tolist()} == {2}


def test_noise_has_the_greys_of_its_scene():
    x = torch.rand(3, 1, 8, 8, generator=draw())
    noise = captions.shuffled(x, draw(1))
    assert not torch.equal(noise, x)
    torch.testing.assert_close(noise.flatten(1).sort().values, x.flatten(1).sort().values)


def test_baselines_of_captions():
    cook = composer()
    scenes = cook.scenes(40, {(0, 1)}, draw(), (1, 2))
    assert captions.right(captions.nearest(scenes, scenes.x), scenes.words) == 100
    words = torch.tensor([[3, 0], [4, 0], [4, 0]])
    three = composed.Scenes(scenes.x[:3], words)
    assert captions.most_frequent(three).tolist() == [4, 0]
    assert captions.right(captions.most_frequent(three), words) == pytest.approx(200 / 3)
    assert captions.right(torch.tensor([[3, 1], [4, 0], [4, 0]]), words) == pytest.approx(200 / 3)
    assert captions.sure(torch.tensor([0.2, 0.6, 0.9, 0.5])) == 50


def test_what_is_read_before_a_word():
    read = composed.before(torch.tensor([[3, 1, 4, 0]]))
    assert read.argmax(2).tolist() == [[0, 3, 1, 4]]


def test_7_17_quick():
    verdict = verdict_of("7.17", replicates=2, steps=10, scenes=100, maps=2, width=8)
    assert verdict in (UNDECIDED, LIMITED)
