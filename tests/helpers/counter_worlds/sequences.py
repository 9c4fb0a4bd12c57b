"""Counter-worlds of the claims on a Boltzmann machine, sequences and captions (7.15 to 7.17)."""

import math

import torch

from cutaway.lab.chapters.generation.captions import Judged, judged
from cutaway.lab.chapters.generation.composed import WORDS, Composer, left_out
from cutaway.lab.chapters.generation.mixtures import Mixture, apart
from cutaway.lab.chapters.generation.sequences import NGram, letter_losses
from cutaway.lab.chapters.generation.side_by_side import together
from cutaway.lab.chapters.generation.words import N, language, spelled
from cutaway.lab.evidence import Effect, Verdict, difference, mean
from cutaway.models.captioner import Captioner
from cutaway.models.rnn import rnn
from helpers.counter_worlds import Effects, World, wide

HOLDS, LIMITED, FAILS, UNDECIDED, *_ = Verdict


def of(**ends: tuple[float, float]) -> dict[str, Effect]:
    return {name: Effect(name, (a + b) / 2, a, b, 8) for name, (a, b) in ends.items()}


NEARER = -0.03, -0.01
MACHINE = of(gain=(5.8, 6.4), mixture=(-0.1, 0.3), exact=NEARER, drawn=NEARER)
SEQUENCES = of(rnn=(1.9, 2.2), lstm=(2.8, 3.0), longer=(40, 60), rotated=(20, 40))
CAPTIONS = of(seen=(70, 85), lead=(5, 15), drop=(15, 30), noise=(60, 80))


def bits(seed: int, n: int = 200) -> torch.Tensor:
    """Pictures of 16 pixels: one of two halves is full of ink, with some flipped."""
    draw = torch.Generator().manual_seed(seed)
    left = torch.rand(n, 1, generator=draw) < 0.5
    picture = torch.cat([left.expand(n, 8), ~left.expand(n, 8)], 1)
    return (picture ^ (torch.rand(n, 16, generator=draw) < 0.1)).float()


def constant_picture() -> Effects:
    """A model that knows one picture: likely where it is shown, and drawn again and again."""
    gains, nearer = [], []
    for seed in range(8):
        learned, tested = bits(seed), bits(100 + seed)
        draw = torch.Generator().manual_seed(seed)
        pixels = Mixture(learned, 1, 1, 1.0, draw)
        constant = Mixture(learned[:1], 1, 1, 0.01, draw)
        gains.append(
            (constant.log_likelihood(tested) - pixels.log_likelihood(tested)).mean().item()
        )
        far = [apart(one.draw(200, draw), tested) for one in (pixels, constant)]
        nearer.append(far[1] - far[0])
    same, far = mean("gain", gains), mean("drawn", nearer)
    return {"gain": same, "mixture": same, "exact": far, "drawn": far}


def fair_coins() -> Effects:
    """A network that gives every letter the same chance, as one does that learned nothing."""
    rows: list[tuple[float, float]] = []
    for seed in range(8):
        words = language(260, 2, torch.Generator().manual_seed(seed))
        net = rnn(N, 4)
        with torch.no_grad():
            net.output.weight.zero_()
            net.output.bias.zero_()
            cost = letter_losses(together([net]), words[None, 200:]).sum(2).mean().item()
        assert math.isclose(cost, (words.shape[1] - 1) * math.log(N), rel_tol=1e-5)
        rows.append((cost, NGram(spelled(words[:200]), 3).nats(spelled(words[200:]))))
    costs, counts = zip(*rows, strict=True)
    behind = difference("nats saved", costs, counts)
    return {**SEQUENCES, "rnn": behind, "lstm": behind}


def parrots() -> Effects:
    """Captioners that say one caption of everything, and are sure of it."""
    draw = torch.Generator().manual_seed(0)
    cook = Composer(torch.rand(40, 4, 4, generator=draw), torch.arange(40) % 4, 4, 2)
    out = left_out(4, 1, draw)
    pairs = {(a, b) for a in range(4) for b in range(4)} - out
    found: list[Judged] = []
    for _ in range(8):
        net = Captioner(1, len(WORDS), (8, 8), maps=2, width=4)
        with torch.no_grad():
            net.output.weight.zero_()
            net.output.bias.zero_()
            net.output.bias[WORDS.index("above")] = 50
        learned, seen = cook.scenes(40, pairs, draw), cook.scenes(40, pairs, draw, (2,))
        found.append(judged(net, learned, seen, cook.scenes(40, out, draw, (2,)), draw))
    assert all(one.sure_noise == 100 for one in found)
    return {
        "seen": mean("seen", [one.seen for one in found]),
        "lead": difference("lead", [one.near for one in found], [one.seen for one in found]),
        "drop": difference("drop", [one.unseen for one in found], [one.seen for one in found]),
        "noise": mean("noise", [one.sure_noise for one in found]),
    }


def nearest_scene() -> Effects:
    """A table of captions: never right about a pair that was left out, and always sure."""
    right = [60.0, 55, 65, 58, 62, 57, 61, 59]
    return {
        "seen": mean("seen", right),
        "lead": difference("lead", right, right),
        "drop": difference("drop", [0.0] * 8, right),
        "noise": mean("noise", [100.0] * 8),
    }


def one_replicate(*values: float) -> Effect:
    return mean("planted", values)


WORLDS: dict[str, list[World]] = {
    "7.15": [
        World("wide interval", "Nothing was measured well.", wide(MACHINE), UNDECIDED),
        World("constant answers", "One picture, drawn again and again.", constant_picture, FAILS),
        World("nothing there", "The machine is as good as independent pixels.",
              of(gain=(-0.1, 0.1), mixture=(-6.3, -6), exact=(-0.01, 0.01), drawn=(-0.01, 0.01)),
              UNDECIDED),
        World("winning baseline", "A mixture with as many numbers is far ahead.",
              {**MACHINE, **of(mixture=(-9, -7))}, LIMITED),
        World("winning baseline", "Draws of independent pixels are nearer.",
              {**MACHINE, **of(exact=(0.01, 0.03), drawn=(0.01, 0.03))}, FAILS),
        World("winning baseline", "Gibbs' draws alone are farther than independent pixels.",
              {**MACHINE, **of(drawn=(0.01, 0.03))}, LIMITED),
        World("truth leaked", "Chains begin at images: Gibbs' draws look right, exact ones do not.",
              {**MACHINE, **of(exact=(0.5, 1.0))}, FAILS),
        World("one replicate", "Of eight machines one has gained all.",
              {**MACHINE, "gain": one_replicate(50, *[-0.1] * 7)}, UNDECIDED),
        World("wide interval", "Only the mixture is not known.",
              {**MACHINE, **of(mixture=(-50, 50))}, UNDECIDED),
    ],
    "7.16": [
        World("wide interval", "Nothing was measured well.", wide(SEQUENCES), UNDECIDED),
        World("constant answers", "Every letter has the same chance.", fair_coins, FAILS),
        World("winning baseline", "Counting letters is as good.",
              {**SEQUENCES, **of(rnn=(-2, -1), lstm=(-2, -1))}, FAILS),
        World("winning baseline", "An orthogonal start remembers as well.",
              {**SEQUENCES, **of(rotated=(-2, 2))}, LIMITED),
        World("ceiling", "The delay is short: both remember all.",
              {**SEQUENCES, **of(longer=(0, 0), rotated=(0, 0))}, LIMITED),
        World("nothing there", "Neither remembers anything.",
              {**SEQUENCES, **of(longer=(-2, 2), rotated=(-2, 2))}, LIMITED),
        World("one replicate", "One LSTM of eight remembers.",
              {**SEQUENCES, "longer": one_replicate(50, *[0.0] * 7)}, UNDECIDED),
    ],
    "7.17": [
        World("wide interval", "Nothing was measured well.", wide(CAPTIONS), UNDECIDED),
        World("constant answers", "One caption of everything, and sure of it.", parrots, UNDECIDED),
        World("winning baseline", "No more than the caption of the nearest scene.", nearest_scene,
              UNDECIDED),
        World("ceiling", "All captions are right, old pairs and new ones; noise leaves it unsure.",
              {**CAPTIONS, **of(drop=(0, 0), noise=(0, 2))}, FAILS),
        World("nothing there", "It has learned little, so that there is little to lose.",
              {**CAPTIONS, **of(seen=(12, 18), drop=(3, 7), noise=(0, 0))}, UNDECIDED),
        World("nothing there", "New pairs are as easy, but it is sure of noise.",
              {**CAPTIONS, **of(drop=(-2, 2))}, LIMITED),
        World("wide interval", "Only the noise is not known.", {**CAPTIONS, **of(noise=(40, 90))},
              UNDECIDED),
        World("one replicate", "One captioner of eight fails on all new pairs.",
              {**CAPTIONS, "drop": one_replicate(90, *[0.0] * 7), **of(noise=(10, 20))}, UNDECIDED),
    ],
}  # fmt: skip
EXEMPT: dict[str, str] = {}
