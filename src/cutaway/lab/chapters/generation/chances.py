"""Distributions counted from ten examples, and the value of a game's objective."""

import math
from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Annotated

import numpy as np
import torch

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part, line
from cutaway.lab.settings import Range, Seed
from cutaway.randomness import generator

# The text's training set, x and y, and its tables.
X = ((0, 0), (0, 0), (0, 1), (0, 1), (0, 1), (1, 0), (1, 1), (1, 1), (1, 1), (1, 1))
Y = (1, 1, 1, 0, 1, 0, 0, 0, 0, 1)
PLACES = tuple(product((0, 1), (0, 1)))
PRINTED = {
    "P(x)": (0.2, 0.3, 0.1, 0.4),
    "P(x|y=0)": (0.0, 0.2, 0.2, 0.6),
    "P(x|y=1)": (0.4, 0.4, 0.0, 0.2),
    "P(x,y=0)": (0.0, 0.1, 0.1, 0.3),
    "P(x,y=1)": (0.2, 0.2, 0.0, 0.1),
    "P(y=0|x)": (0.0, 0.33, 1.0, 0.75),
    "P(y=1|x)": (1.0, 0.67, 0.0, 0.25),
}
DRAWN = {0.34: (0, 1), 0.83: (1, 1)}


def counted() -> dict[str, list[Fraction]]:
    """Every distribution of the example, as fractions, for the four x in order."""
    both, xs, ys, n = Counter(zip(X, Y, strict=True)), Counter(X), Counter(Y), len(X)
    probabilities = {"P(x)": [Fraction(xs[x], n) for x in PLACES]}
    for y in (0, 1):
        probabilities[f"P(x|y={y})"] = [Fraction(both[x, y], ys[y]) for x in PLACES]
    for y in (0, 1):
        probabilities[f"P(x,y={y})"] = [Fraction(both[x, y], n) for x in PLACES]
    for y in (0, 1):
        probabilities[f"P(y={y}|x)"] = [Fraction(both[x, y], xs[x]) for x in PLACES]
    return probabilities


def generated(u: float, p: list[Fraction]) -> tuple[int, int]:
    """The x whose interval, (0, 0.2], (0.2, 0.5], ..., holds u."""
    total = Fraction(0)
    for x, share in zip(PLACES, p, strict=True):
        total += share
        if u <= total:
            return x
    return PLACES[-1]


def as_printed(wrong: Effect, draws: Effect) -> Verdict:
    """Holds if all 28 numbers are as printed (to the digits printed) and both random numbers
    generate what the text says; else it does not hold."""
    return Verdict.FAILS if wrong.value or draws.value else Verdict.HOLDS


@claim(
    "7.3",
    says="Ten examples give P(x), P(x|y), P(x,y) and P(y|x) by counting; a generative model turns "
    "0.34 into (0,1) and 0.83 into (1,1), a discriminative one only answers y to a given x.",
    source="textbook 4.5.1, example 4-1",
    rule=as_printed,
    baseline="The text's own fractions; to generate the four pairs alike would give each 1/4.",
    otherwise="Nothing but another training set: the values are fractions of counts.",
    full={"draws": 10_000_000},
)
def example_4_1(draws: Annotated[int, Range(100, 10**8)] = 100_000, seed: Seed = 0) -> Evidence:
    """The tables are counted anew as fractions, the two numbers are looked up, and many more are
    drawn to see whether what is generated is distributed as the examples are."""
    probabilities = counted()
    rows = tuple((name, *(str(p) for p in values)) for name, values in probabilities.items())
    wrong = sum(
        round(float(p), 2) != said
        for name, values in probabilities.items()
        for p, said in zip(values, PRINTED[name], strict=True)
    )
    missed = sum(generated(u, probabilities["P(x)"]) != x for u, x in DRAWN.items())
    p = np.array([float(v) for v in probabilities["P(x)"]])
    u = torch.rand(draws, generator=generator(seed, "7.3"), dtype=torch.float64).numpy()
    shares = np.bincount(np.searchsorted(p.cumsum().round(9), u), minlength=4)[:4] / draws
    far = float((abs(shares - p) / np.sqrt(p * (1 - p) / draws)).max())
    names = tuple(f"({a},{b})" for a, b in PLACES)
    record = Record()
    record.effects(
        wrong=exact("numbers that are not as printed, of 28", wrong),
        draws=exact("random numbers that generate something else, of 2", missed),
        astray=exact("largest distance of a share drawn, in standard errors", far),
    )
    record.table("Counted", rows, ("distribution", *names))
    parts = [Part("counted", tuple(p)), Part("generated", tuple(map(float, shares)))]
    record.bars(f"P(x) and {draws} draws from it", "share", names, *parts)
    return record.because(f"""
        All {28 - wrong} of 28 numbers agree; 1/3 and 2/3 are printed as 0.33 and 0.67. 0.34 lies in
        (0.2, 0.5] and gives (0,1), 0.83 in (0.6, 1] and gives (1,1). What the text calls learning
        is counting here. It works because there are four possible x; with 64 pixels of 17 levels
        there are 17^64, and nearly all were never seen, which is why the next claims need networks.
    """)


def in_base_ten(ten: Effect, nats: Effect, best: Effect) -> Verdict:
    """Holds if J_D of the bad discriminator is -6 in natural logarithms as well as in base ten, and
    the good one about 0; with limits if it is -6 in base ten alone; does not hold if in neither."""
    if round(ten.value, 6) != -6 or abs(best.value) > 0.01:
        return Verdict.FAILS
    return Verdict.HOLDS if round(nats.value, 6) == -6 else Verdict.LIMITED


@claim(
    "7.4",
    says="J_D = log f_D(x_real) + log(1 - f_D(x_fake)) is about 0 for a discriminator that says "
    "0.999 and 0.001, and -6 for one that says 0.001 and 0.999.",
    source="textbook 4.5.2, equation 4.15",
    rule=in_base_ten,
    baseline="A discriminator that says 1/2 of everything: log(1/4), -1.386 in nats and -0.602 in "
    "base ten.",
    otherwise="A text that says which logarithm it means.",
    doubt="In which base is the -6?",
)
def objective(certainty: Annotated[float, Range(0.501, 0.999999)] = 0.999) -> Evidence:
    """Both examples are computed in base ten, base two and natural logarithms, and J_D is drawn for
    every discriminator that says p of real examples and 1 - p of false ones."""
    p = certainty
    bases = {"base 10": math.log10, "natural": math.log, "base 2": math.log2}
    rows = []
    for name, log in bases.items():
        good, bad = log(p) + log(1 - (1 - p)), log(1 - p) + log(1 - p)
        rows.append((name, good, 2 * log(0.5), bad))
    ten, nats, _ = rows
    says = np.linspace(0.001, 0.999, 999)
    record = Record()
    record.effects(
        ten=exact("J_D of the bad discriminator, base 10", ten[3]),
        nats=exact("the same, natural logarithm", nats[3], "nats"),
        best=exact("J_D of the good one, natural logarithm", nats[1], "nats"),
        undecided=exact("J_D where all answers are 1/2", nats[2], "nats"),
    )
    record.table("J_D", rows, f"logarithm | says {p:g} and {1 - p:.3g} | says 1/2 | the reverse")
    series = [line(n, says, [2 * log(v) for v in says]) for n, log in bases.items()]
    axes = "what it says of real examples (of false ones: 1 less that)", "J_D"
    title = "J_D of a discriminator"
    record.curves(title, *axes, *series, levels={-6.0: "the text's -6"}, marks={0.5: "cannot tell"})
    return record.because(f"""
        In base ten J_D of the bad discriminator is {ten[3]:.3f}: the text's -6 is log10(0.001)
        twice. In natural logarithms, which PyTorch's losses and the paper's theory use (its
        optimum, where nothing can be told apart, is -log 4 = {nats[2]:.3f}), it is {nats[3]:.2f}.
        The good one is about 0 in every base ({nats[1]:.4f} in nats). The base only scales J_D and
        its gradient, by {math.log(10):.3f}, so that what is learned is the same at a learning rate
        scaled by as much; but a reader who checks a loss curve against -6 looks for the wrong
        number.
    """)
