"""GELU, which is smooth, beside ReLU."""

from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cutaway.byhand.operations import GELU
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line
from cutaway.lab.settings import Range

Activation = Callable[[Tensor], Tensor]


def smooth(error: Effect, first: Effect, second: Effect, control: Effect) -> Verdict:
    """Holds if the first and second derivative of GELU have no jumps (ten times finer steps make
    their largest change at least 9 times smaller) while ReLU's first derivative does (less than 1.1
    times), and the tanh formula is within 0.001 of GELU; with limits if only the formula is further
    off; else it does not hold."""
    if not (first.value > 9 and second.value > 9 and control.value < 1.1):
        return Verdict.FAILS
    return Verdict.HOLDS if error.value < 1e-3 else Verdict.LIMITED


@claim(
    "2.8",
    says="GELU is continuous, differentiable and smooth everywhere; a formula with tanh "
    "approximates it.",
    source="notes on statistics, week 4, p. 13 and 14",
    rule=smooth,
    otherwise="Derivatives of higher order: they exist too, as GELU is a product of x and an "
    "integral of e^(-x^2/2).",
    baseline="ReLU, whose first derivative jumps by 1 at 0 however fine the steps; for the formula "
    "an error of 0.001, which is a tenth of a per cent of GELU's slope far out.",
    full={"points": 2_000_001},
)
def gelu(
    reach: Annotated[float, Range(1, 100)] = 8.0,
    points: Annotated[int, Range(1001, 10_000_001)] = 160_001,
) -> Evidence:
    """GELU, its tanh formula and ReLU with their first and second derivatives (autograd, double
    precision) on a fine grid; a jump is what stays as large when the grid becomes finer."""
    x = torch.linspace(-reach, reach, points, dtype=torch.float64)
    kinds: dict[str, Activation] = {
        "GELU": F.gelu,
        "tanh formula": lambda s: F.gelu(s, approximate="tanh"),
        "ReLU": torch.relu,
    }
    on_grid = {name: derivatives(f, x) for name, f in kinds.items()}
    orders = ("value", "first derivative", "second derivative")
    off = [(a - b).abs() for a, b in zip(on_grid["GELU"], on_grid["tanh formula"], strict=True)]
    jumps = {
        (name, k): _most(on_grid[name][k][::10].diff())
        / max(_most(on_grid[name][k].diff()), 1e-300)
        for name in ("GELU", "ReLU")
        for k in (1, 2)
    }
    by_hand = GELU().backward(torch.ones_like(x), x, x)[0]
    assert isinstance(by_hand, Tensor)
    worst = x[off[0].argmax()].abs().item()
    shown = x[:: max(1, points // 400)]
    drawn = {name: derivatives(f, shown) for name, f in kinds.items()}
    gap = (drawn["GELU"][0] - drawn["tanh formula"][0]).abs()
    record = Record()
    record.effects(
        error=exact("largest error of the tanh formula", _most(off[0])),
        first=exact("GELU': changes over those of a finer grid", jumps["GELU", 1]),
        second=exact("GELU'', the same", jumps["GELU", 2]),
        control=exact("ReLU', the same", jumps["ReLU", 1]),
        by_hand=exact("GELU' by hand, largest error", _most(by_hand - on_grid["GELU"][1])),
    )
    rows = [(name, _most(d), x[d.argmax()].abs()) for name, d in zip(orders, off, strict=True)]
    record.table(
        "Largest difference between GELU and its tanh formula", rows, "of the | difference | at |x|"
    )
    for k, name in enumerate(orders):
        record.curves(f"The {name}", "x", name, *(line(f, shown, drawn[f][k]) for f in kinds))
    record.curves("Error of the tanh formula", "x", "|GELU - formula|", line("", shown, gap))
    return record.because(f"""
        Ten times finer steps make the changes of GELU's derivatives {jumps["GELU", 1]:.1f} and
        {jumps["GELU", 2]:.1f} times smaller, as of any smooth curve; ReLU's derivative jumps by 1
        at 0 however fine the steps ({jumps["ReLU", 1]:.1f} times), and its second derivative is 0
        wherever autograd is asked, so that it tells nothing of the kink. The largest error of the
        tanh formula is {_most(off[0]):.2g}, at |x| = {worst:.2f}; of its first derivative
        {_most(off[1]):.2g}, of its second {_most(off[2]):.2g}. Smooth does not mean better trained:
        that was not tested here.
    """)


def derivatives(f: Activation, x: Float[Tensor, "n"]) -> tuple[Tensor, Tensor, Tensor]:
    """f, f' and f'' at x."""
    s = x.clone().requires_grad_()
    y = f(s)
    (first,) = torch.autograd.grad(y.sum(), s, create_graph=True)
    second = torch.zeros_like(s)
    if first.requires_grad:
        (second,) = torch.autograd.grad(first.sum(), s)
    return y.detach(), first.detach(), second


def _most(x: Tensor) -> float:
    return x.abs().max().item()
