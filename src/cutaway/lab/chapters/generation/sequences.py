"""Recurrent networks as generative models of sequences, and what they remember over a delay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from cutaway import models
from cutaway.lab.chapters.generation.side_by_side import apart, clip, together
from cutaway.lab.chapters.generation.words import N, NGram, entropy, language, spelled, valid
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, over
from cutaway.lab.settings import Range, Rate, Replicates, Seed, Steps
from cutaway.lab.tools.samples import batch_of
from cutaway.models.lstm import lstm
from cutaway.models.rnn import SequenceModel, rnn
from cutaway.randomness import generator, reseed_global

Words = Int[Tensor, "r n t"]
Parts = Sequence[Int[Tensor, "r _ t"]]
"""Words to learn from, to choose by and to judge by."""
GRAMS = "n-grams"
BATCH, CHECKS = 16, 8
"""Words of a step, and looks at what is remembered on the way."""


def kinds(width: int) -> dict[str, Callable[[], SequenceModel]]:
    """About as many weights each: an LSTM has four times those of a plain network as wide."""
    return {
        "plain RNN": lambda: rnn(N, 2 * width),
        "RNN, orthogonal start": lambda: rnn(N, 2 * width, orthogonal=True),
        "LSTM": lambda: lstm(N, width),
    }


def letter_losses(whole: SequenceModel, words: Words) -> Float[Tensor, "r n t1"]:
    """-log P of each letter after the first."""
    logits = whole(one_hot(words[..., :-1], N).to(torch.get_default_dtype()))
    return cross_entropy(logits.movedim(-1, 1), words[..., 1:], reduction="none")


@torch.no_grad()
def recall(whole: SequenceModel, words: Words) -> Float[Tensor, "r"]:
    """Share of words (%) whose last letter is the likeliest one after all others."""
    logits = whole(one_hot(words[..., :-1], N).to(torch.get_default_dtype()))
    return 100 * (logits[..., -1, :].argmax(-1) == words[..., -1]).double().mean(-1)


def slopes(whole: SequenceModel, words: Words) -> Float[Tensor, "r t1"]:
    """The length of the gradient of the last letter's loss by each letter that is read."""
    x = one_hot(words[..., :-1], N).to(torch.get_default_dtype()).requires_grad_()
    last = cross_entropy(whole(x)[..., -1, :].movedim(-1, 1), words[..., -1], reduction="sum")
    (slope,) = torch.autograd.grad(last, x)
    return slope.norm(dim=-1).mean(1)


@dataclass(frozen=True)
class Learned:
    """Networks of one kind after learning, one a replicate.

    Attributes:
        rate: the learning rate, the best of those tried by `tried`.
        tried: nats that a word of the validation words costs, each network's own.
        nats: those that a fresh word costs.
        remembered: recall of fresh words on the way, at `steps`.
        reach: at the start, how steep the last letter's loss is by each letter.
    """

    networks: list[SequenceModel]
    rate: float
    tried: Float[Tensor, "r"]
    nats: Float[Tensor, "r"]
    remembered: Float[Tensor, "checks r"]
    reach: Float[Tensor, "r t1"]


def learn(
    make: Callable[[], SequenceModel], parts: Parts, rate: float, steps: int, seed: int
) -> Learned:
    """A network for each replicate's words, each by itself, all at once."""
    learned, tried, fresh = parts
    reseed_global(seed, "7.16", "weights")
    networks = [make() for _ in learned]
    whole, remembered = together(networks), []
    reach = slopes(whole, fresh)

    adam = torch.optim.Adam(whole.parameters(), rate)
    for step in range(steps):
        if step % max(1, steps // CHECKS) == 0:
            remembered.append(recall(whole, fresh))
        index = batch_of(seed, step, learned.shape[1], BATCH)
        adam.param_groups[0]["lr"] = rate * (1 - step / steps)
        adam.zero_grad()
        letter_losses(whole, learned[:, index]).mean((1, 2)).sum().backward()
        clip(whole, 1.0)
        adam.step()
    apart(whole, networks)
    remembered.append(recall(whole, fresh))
    with torch.no_grad():
        costs = [letter_losses(whole, words).double().sum(2).mean(1) for words in (tried, fresh)]
    return Learned(networks, rate, costs[0], costs[1], torch.stack(remembered), reach)


def counted(parts: Parts) -> list[NGram]:
    """A replicate's n-gram model; n is the best of 1 to 6 on its validation words."""
    best = []
    for learned, tried in zip(parts[0], parts[1], strict=True):
        own, check = spelled(learned), spelled(tried)
        best.append(min((NGram(own, n) for n in range(1, 7)), key=lambda one: one.nats(check)))
    return best


def remembers(rnn: Effect, lstm: Effect, longer: Effect, rotated: Effect) -> Verdict:
    """Holds if fresh words cost both networks fewer nats than the n-gram model (intervals above 0),
    and the LSTM recalls the first letter in at least 10 points more words than the plain RNN and
    than the one with an orthogonal start (intervals above 10); with limits if the first two are so
    and the lead over the plain RNN alone is above 10, or is below 10; does not hold if one of the
    networks is behind the n-gram model (interval below 0); else undecided."""
    if rnn.high < 0 or lstm.high < 0:
        return Verdict.FAILS
    if rnn.low <= 0 or lstm.low <= 0:
        return Verdict.UNDECIDED
    if longer.low > 10:
        return Verdict.HOLDS if rotated.low > 10 else Verdict.LIMITED
    return Verdict.LIMITED if longer.high < 10 else Verdict.UNDECIDED


@claim(
    "7.16",
    says="A recurrent network is a generative model: it draws sequences symbol by symbol. Over a "
    "long delay an LSTM remembers what a plain RNN forgets, as gradients reach it through time.",
    source="textbook 4.5.1 (RNN) and 4.1.2 (LSTM); statistics week 4, page 32; the delay: "
    "Hochreiter and Schmidhuber 1997",
    rule=remembers,
    baseline="An n-gram model (the best n of 1 to 6) of the same words, and for the memory a "
    "guess, which is right in 50 % of the words. The best possible model pays the language's "
    "entropy.",
    otherwise="A start of the plain RNN from which gradients do not fade: with an orthogonal "
    "matrix it remembers nearly as well at delays such as the quick run's.",
    evening={
        "syllables": 10, "steps": 1500, "words": 2000, "rates": (0.003, 0.01, 0.03),
        "replicates": 16,
    },
    full={
        "syllables": 50, "steps": 20_000, "words": 10_000, "rates": (0.001, 0.003, 0.01, 0.03),
        "width": 64, "replicates": 32,
    },
    revised="29 November 2026, the design and not the rule, after seeds 0 to 2 were seen: "
    "gradients are clipped and rates fall to 0, which helps the plain RNN (one of eight had "
    "diverged at the evening's delay); the quick delay grew from 11 letters to 13, as clipped it "
    "sometimes remembered over 11. Run at the unseen seeds 3 to 5 then: holds with limits each "
    "time. Sixteen replicates in an evening, after eight had left seed 0 open and not seed 1.",
)  # fmt: skip
def delayed_letter(
    syllables: Annotated[int, Range(1, 200)] = 6,
    words: Annotated[int, Range(64, 100_000)] = 500,
    width: Annotated[int, Range(2, 512)] = 16,
    steps: Steps = 400,
    rates: tuple[Rate, ...] = (0.01,),
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Words such as `Abidaka.A` end as they begin, with syllables by chance between. Three
    networks, about equal in weights, and counts of letters learn the same words of each replicate,
    and are asked what fresh words cost and which letter ends them; then all generate words."""
    sets = [language(words + 600, syllables, generator(seed, "7.16", r)) for r in range(replicates)]
    parts = torch.stack(sets).split([words, 200, 400], 1)
    learned = {}
    for name, make in kinds(width).items():
        tries = [learn(make, parts, rate, steps, seed) for rate in rates]
        learned[name] = min(tries, key=lambda one: one.tried.mean().item())
    plain, rotated, cell = learned.values()
    grams = counted(parts)
    counts = [gram.nats(spelled(own)) for gram, own in zip(grams, parts[2], strict=True)]
    ends = {name: one.remembered[-1] for name, one in learned.items()}
    lead = "words whose first letter is recalled, LSTM minus"
    record = Record()
    record.effects(
        rnn=difference("nats saved in a word, plain RNN against n-grams", plain.nats, counts),
        lstm=difference("nats saved in a word, LSTM against n-grams", cell.nats, counts),
        longer=difference(f"{lead} plain RNN", plain.remembered[-1], cell.remembered[-1], "points"),
        rotated=difference(
            f"{lead} RNN with an orthogonal start", rotated.remembered[-1], cell.remembered[-1],
            "points",
        ),
        reach=ratio(
            "gradient that reaches the first letter, LSTM over plain RNN",
            plain.reach[:, 0] / plain.reach[:, -1], cell.reach[:, 0] / cell.reach[:, -1],
        ),
    )  # fmt: skip
    good = _table(record, learned, grams, counts, syllables, seed)
    _figures(record, learned, steps)
    record.takes("More replicates, or more steps: an average over networks of which some remember "
                 "all and some nothing moves by whole eighths.")  # fmt: skip
    return record.because(f"""
        Between the first letter and the last lie {2 * syllables + 1} others. After {steps} steps
        the plain RNN ends {ends["plain RNN"].mean():.0f} % of fresh words rightly, the LSTM
        {ends["LSTM"].mean():.0f} %, and the RNN that begins with an orthogonal matrix
        {ends["RNN, orthogonal start"].mean():.0f} %; a guess is right in 50 %. Of the words that
        they generate {good["plain RNN"]:.0f}, {good["LSTM"]:.0f} and
        {good["RNN, orthogonal start"]:.0f} % are words of the language, of the n-gram model's
        {good[GRAMS]:.0f} %: all networks learn to count syllables, and what the plain RNN lacks is
        the first letter. The gradient says why: at the start
        {_share(plain):.2g} of it reaches the first letter in the plain RNN, {_share(cell):.2g} in
        the LSTM and {_share(rotated):.2g} after the orthogonal start. So it is not the cell alone
        that carries a memory: a matrix that neither shrinks nor stretches does, as long as it
        stays one.
    """)


def _share(one: Learned) -> float:
    """How steep the loss is by the first letter, as a share of that by the last."""
    return float((one.reach[:, 0] / one.reach[:, -1]).log().mean().exp())


def _table(
    record: Record, learned: dict[str, Learned], grams: list[NGram], counts: list[float],
    syllables: int, seed: int,
) -> dict[str, float]:  # fmt: skip
    """What fresh words cost, and what is generated; returns the shares of valid words (%)."""
    letters, draw = 2 * syllables + 3, generator(seed, "7.16", "generated")
    first = torch.arange(100) % 2
    drawn = {
        name: [spelled(net.generate(first, letters, draw)) for net in one.networks]
        for name, one in learned.items()
    }
    drawn[GRAMS] = [gram.generate(spelled(first[:, None]), letters, draw) for gram in grams]
    good = {
        name: 100 * float(np.mean([valid(word, syllables) for own in sets for word in own]))
        for name, sets in drawn.items()
    }
    cost = {name: float(one.nats.mean()) for name, one in learned.items()}
    cost[GRAMS] = float(np.mean(counts))
    rows = [
        (name, models.count(learned[name].networks[0]) if name in learned else None,
         learned[name].rate if name in learned else None,
         cost[name] - entropy(syllables), good[name], "  ".join(drawn[name][0][:2]))
        for name in drawn
    ]  # fmt: skip
    columns = (
        "model | weights | learning rate | nats above the best possible | valid (%) | examples"
    )
    record.table("Fresh words, and generated ones", rows, columns)
    return good


def _figures(record: Record, learned: dict[str, Learned], steps: int) -> None:
    every = max(1, steps // CHECKS)
    at = [*range(0, steps, every), steps]
    record.curves(
        "What is remembered", "steps", "words whose first letter is recalled (%)",
        *(over(name, at, one.remembered, within=SHARE) for name, one in learned.items()),
        levels={50.0: "a guess"},
    )  # fmt: skip
    back = range(learned["LSTM"].reach.shape[1], 0, -1)
    record.curves(
        "The gradient through time, at the start", "letters before the last one",
        "slope of the last letter's loss, as a share of that by its neighbour",
        *(over(name, back, (one.reach / one.reach[:, -1:]).T, ratios=True)
          for name, one in learned.items()),
        y_log=True,
    )  # fmt: skip
