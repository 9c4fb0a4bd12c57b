"""The effect of the identity on the gradient, and two claims about it."""

from typing import Annotated

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import jacrev, vmap
from torch.nn.functional import cross_entropy

from cutaway.lab.chapters.architectures.residual import Sum
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import over
from cutaway.lab.settings import Batch, Range, Replicates, Seed
from cutaway.models.parts.initialisers import initialise
from cutaway.randomness import generator

Kind = tuple[bool, bool, bool]
"""Whether there is a shortcut, a ReLU after the sum, and normalisation."""
KINDS: dict[str, Kind] = {
    "plain": (False, True, False),
    "residual": (True, True, False),
    "residual, no ReLU after the sum": (True, False, False),
    "plain, normalised": (False, True, True),
    "residual, normalised": (True, True, True),
}


def carries(better: Effect, zero: Effect, other: Effect) -> Verdict:
    """Holds if the gradient of the first block, as a share of the last one's, is larger in residual
    than in plain networks (the ratio's interval above 1), no gradient through a block can be zero,
    and all are 1; with limits if it is larger but a block with a gradient of zero exists, or
    derivatives other than 1; does not hold if it is smaller (below 1); else undecided."""
    if better.low <= 1:
        return Verdict.FAILS if better.high < 1 else Verdict.UNDECIDED
    return Verdict.LIMITED if zero.value == 0 or other.value else Verdict.HOLDS


@claim(
    "6.5",
    says="The identity carries the gradient to early layers: 1 + dF/dx cannot be zero, and the "
    "part of x is always 1.",
    source="textbook 4.4.4, equation 4.14; study notes, residual block",
    rule=carries,
    baseline="A plain network of as many layers, begun alike: the ratio to it is 1 where the "
    "identity does nothing.",
    otherwise="Nothing for the two words: a block whose gradient is zero is one example, and one "
    "is enough. For the rest plain networks whose weights are orthogonal.",
    full={"replicates": 64, "width": 128},
    doubt="Can it not be zero? Is it always 1?",
    revised="In the first round rule and design were revised after a first result, and then run "
    "with seeds that had not been used (some of 3 to 8).",
)
def identity(
    depth: Annotated[int, Range(4, 400)] = 50,
    width: Annotated[int, Range(2, 1000)] = 32,
    replicates: Replicates = 12,
    batch: Batch = 64,
    seed: Seed = 0,
) -> Evidence:
    """The gradient of a loss at the output of every block of new networks, plain and residual, with
    and without the ReLU after the sum and normalisation; the derivatives dy_i/dx_i of single
    blocks; and a block made so that it passes nothing."""
    blocks = (depth - 2) // 2
    x = torch.randn(replicates, batch, width, generator=generator(seed, "6.5")).relu()
    steep = {
        name: torch.stack([back(depth, width, kind, one) for one in x], 1)
        for name, kind in KINDS.items()
    }
    arrives = {name: g[0] / g[-1] for name, g in steep.items()}
    passing = {
        name: torch.stack([diagonal(width, KINDS[name], one) for one in x])
        for name in list(KINDS)[:3]
    }
    zero, bare = cancelled(width), passing["residual, no ReLU after the sum"]
    off = percent((passing["residual"] - 1).abs() > 1e-3)
    share = {name: values.log().mean().exp().item() for name, values in arrives.items()}
    stopped, spread = percent(passing["residual"] == 0), passing["residual"].std().item()
    record = Record()
    reaches = "share of the gradient that reaches the first block, residual / plain"
    record.effects(
        better=ratio(reaches, arrives["plain"], arrives["residual"]),
        zero=exact("largest derivative through a block with F(x) = -x", zero),
        other=exact("derivatives dy_i/dx_i of residual blocks that are not 1", off, "%"),
    )
    rows = share.items()
    columns = "network | share of the gradient that arrives"
    record.table(f"{blocks} new blocks of two layers of {width}", rows, columns)
    cells = [
        (name, d.mean(), d.std(), percent(d == 0), percent(d < 0)) for name, d in passing.items()
    ]
    record.table(
        "dy_i/dx_i of a block", cells, "network | mean | spread | exact 0 (%) | below 0 (%)"
    )
    series = [over(n, range(1, blocks + 1), g, ratios=True) for n, g in steep.items()]
    axes = "block, 1 is the first", "norm of the gradient"
    record.curves("The gradient on its way back", *axes, *series, y_log=True)
    return record.because(f"""
        Of the gradient at the last of {blocks} blocks {share["plain"]:.1e} arrives at the first in
        plain networks begun as by Xavier, {share["residual"]:.2g} times as much as there was in
        residual ones. (With normalisation the plain network's does not vanish but grows, to
        {share["plain, normalised"]:.2g} times, the residual one's to
        {share["residual, normalised"]:.2g}.) So far it is true. But F(x) = -x makes 1 + dF/dx zero
        everywhere (largest derivative measured: {zero:g}), and a block can learn that. The text
        argues that ReLU makes derivatives at least 0: F ends with a matrix, whose weights have
        either sign, and dF_i/dx_i is below 0 in {percent(bare < 1):.0f} % of the cases. And in y =
        tau(F(x) + x) the ReLU stands on the shortcut too: d tau(F + x)/dx is tau' (dF/dx + 1), not
        d tau(F)/dx + 1, and {stopped:.0f} % of the dy_i/dx_i are exactly 0. Nor are they 1, with a
        spread of {spread:.2f}: always 1 is the shortcut's own term alone.
    """)


def back(depth: int, width: int, kind: Kind, x: Float[Tensor, "b c"]) -> Float[Tensor, "blocks"]:
    """The norm of the gradient at the output of each block of a new network."""
    blocks = [drawn(width, kind) for _ in range((depth - 2) // 2)]
    answered = []
    for block in blocks:
        x = block(x)
        x.requires_grad_() if x.is_leaf else x.retain_grad()
        answered.append(x)
    loss = cross_entropy(nn.Linear(width, 10)(x), torch.arange(len(x)) % 10)
    loss.backward()
    return torch.stack([y.grad.norm() for y in answered if y.grad is not None])


def drawn(width: int, kind: Kind) -> Sum:
    """A new block, begun as by Xavier."""
    block = Sum(width, *kind)
    initialise(block, "xavier")
    return block


def diagonal(width: int, kind: Kind, x: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
    """dy_i/dx_i of a new block for each example."""
    block = drawn(width, kind)
    jacobians = vmap(jacrev(lambda one: block(one[None])[0]))(x)
    return jacobians.diagonal(dim1=1, dim2=2).detach()


def cancelled(width: int) -> float:
    """The largest derivative through x + F(x), where F(x) = U2 tau(U1 x) is -x for all x > 0."""
    block = Sum(width, shortcut=True, last=False, norm=False)
    first, second = (m for m in block.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        first.weight.copy_(torch.eye(width))
        second.weight.copy_(-torch.eye(width))
    return jacrev(lambda x: block(x[None])[0])(torch.ones(width)).abs().max().item()


def percent(facts: Bool[Tensor, "*n"]) -> float:
    """Share of the facts that are true (%)."""
    return 100 * facts.double().mean().item()
