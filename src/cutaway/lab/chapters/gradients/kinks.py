"""Kinks of activations: ReLU's, and the smooth GELU beside it."""

from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.byhand.operations import GELU, ReLU
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP

Activation = Callable[[Tensor], Tensor]

SPELLINGS: dict[str, Activation] = {
    "relu(s)": torch.relu,
    "s.clamp(min=0)": lambda s: s.clamp(min=0),
    "maximum(s, 0)": lambda s: torch.maximum(s, torch.zeros_like(s)),
    "s * (s > 0)": lambda s: s * (s > 0),
    "where(s >= 0, s, 0)": lambda s: torch.where(s >= 0, s, torch.zeros_like(s)),
    "(s + |s|) / 2": lambda s: (s + s.abs()) / 2,
}
"""Six spellings of the same function."""


class Spelled(nn.Module):
    """One of the spellings as a module."""

    def __init__(self, name: str):
        super().__init__()
        self.f = SPELLINGS[name]

    def forward(self, s: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.f(s)


def slope_at_0(f: Activation) -> float:
    """Autograd's derivative at 0. A convention: that of clamp was 1 up to PyTorch 2.13 and is 0
    since."""
    s = torch.zeros((), requires_grad=True)
    f(s).backward()
    assert s.grad is not None
    return s.grad.item()


def first_of(slopes: dict[str, float]) -> dict[float, str]:
    """The first spelling that takes each derivative, the smallest first."""
    names: dict[float, str] = {}
    for name, slope in slopes.items():
        names.setdefault(slope, name)
    return dict(sorted(names.items()))


def by_slope(slopes: dict[str, float]) -> str:
    """The spellings by the derivative that they take, as a part of a sentence."""
    values = sorted(set(slopes.values()))
    names = (" and ".join(f for f, slope in slopes.items() if slope == v) for v in values)
    return "; ".join(f"{v:g} in {some}" for v, some in zip(values, names, strict=True))


def kink(
    relu: Effect, between: Effect, changed: Effect, coarse: Effect, zero_start: Effect
) -> Verdict:
    """Holds if relu and all its other spellings take a one-sided derivative at 0, and taking the
    other side changes test accuracy by less than 1 point (whole intervals: in single precision, in
    bfloat16, and from weights of 0); with limits if relu does and in single precision the change
    is as small; does not hold if relu takes neither side, or the change is larger than 1 point for
    certain; else undecided."""
    if relu.value not in (0, 1) or changed.low > 1 or changed.high < -1:
        return Verdict.FAILS
    small = [-1 < e.low <= e.high < 1 for e in (changed, coarse, zero_start)]
    if not small[0]:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if all(small) and not between.value else Verdict.LIMITED


CASES = {
    "single precision": (torch.float32, False),
    "bfloat16": (torch.bfloat16, False),
    "a layer of zeros": (torch.float32, True),
}
"""Type of numbers, and whether the last hidden layer begins with weights of 0."""


@claim(
    "2.7",
    says="At ReLU's kink frameworks take a one-sided derivative, by convention the right one (1) "
    "or 0, and learning is not disturbed.",
    source="notes on statistics, week 4, p. 11",
    rule=kink,
    otherwise="Starts, inputs or numbers of few digits that make sums exactly 0.",
    full={"replicates": 64, "steps": 3000},
    doubt="Which of the two is it? Does the choice change training?",
)
def relu_at_0(
    widths: tuple[Annotated[int, Range(1, 1024)], ...] = (32, 16),
    replicates: Replicates = 12,
    steps: Steps = 150,
    lr: Annotated[float, Range(1e-6, 10)] = 0.05,
    seed: Seed = 0,
) -> Evidence:
    """Six spellings of ReLU are differentiated at 0. Then perceptrons learn handwritten digits from
    the same weights in the same order, with the first spelling that takes 0, 1/2 and 1 each: in
    single precision, in bfloat16, and with a hidden layer that begins with zeros."""
    slopes = {name: slope_at_0(f) for name, f in SPELLINGS.items()}
    first = first_of(slopes)
    by_hand = ReLU().backward(torch.ones(()), torch.zeros(()), torch.zeros(()))[0]
    assert isinstance(by_hand, Tensor)
    learned, tested = samples(load("digits"), seed)
    right, same, changed = {}, {}, {}
    for case, (dtype, zeros) in CASES.items():
        nets = [_networks(f, list(widths), replicates, dtype, zeros, seed) for f in first.values()]
        for one in nets:
            _learn(one, learned, steps, lr, seed)
        right[case] = torch.stack([_right(one, tested, dtype) for one in nets])
        same[case] = _identical(nets[0], nets[-1])
        a, b = right[case][0].numpy(), right[case][-1].numpy()
        changed[case] = difference(f"accuracy with 1 minus accuracy with 0, {case}", a, b, "points")
    single, coarse, zero = changed.values()
    equal = [share(f"bit-identical, {k}", same[k], replicates) for k in list(CASES)[:2]]
    odd = [name for name, slope in slopes.items() if slope not in (0, 1)]
    stuck, *_, free = right["a layer of zeros"].mean(1).tolist()
    record = Record()
    record.effects(
        relu=exact("derivative of relu at 0", slopes["relu(s)"]),
        between=exact("spellings that take neither side", len(odd)),
        changed=single,
        coarse=coarse,
        zero_start=zero,
        same=equal[0],
        same16=equal[1],
    )
    rows = [*slopes.items(), ("by hand, g [s > 0]", by_hand)]
    record.table("The derivative at 0", rows, "spelling | derivative")
    parts = [
        part(f"derivative {slope:g}", torch.stack([x[k] for x in right.values()]))
        for k, slope in enumerate(first)
    ]
    record.bars("Test accuracy by the derivative at 0", "accuracy (%)", right, *parts)
    record.takes("More replicates: --replicates 64.")
    return record.because(f"""
        PyTorch {torch.__version__.split("+")[0]} takes at the kink {by_slope(slopes)}. The left
        derivative is 0; the right one, which the notes name first, 1; 0.5 the mean of both. For
        learning it hardly matters, since a sum of real numbers is hardly ever exactly 0:
        {same["single precision"]} of {replicates} networks in single precision are bit-identical
        whichever side was taken, so in none of these was there a sum of 0. In bfloat16, with 8
        bits, {same["bfloat16"]} are, and yet accuracy changes by {coarse.value:.2f} points
        ({coarse.low:.2f} to {coarse.high:.2f}). It matters where sums are 0 by design: with a
        hidden layer that begins with zeros, relu passes no gradient and stays at an accuracy of
        {stuck:.0f} %, and the right derivative gets away to {free:.0f} %.
    """)


def _networks(
    spelling: str, widths: list[int], replicates: int, dtype: torch.dtype, zeros: bool, seed: int
) -> Stack:
    """Perceptrons with that spelling of ReLU, the same weights for each."""
    torch.manual_seed(seed)
    networks: list[nn.Module] = []
    for _ in range(replicates):
        net = MLP(64, widths, 10)
        layers = list(net.get_submodule("hidden").children())
        for layer in layers:
            layer.add_module("tau", Spelled(spelling))
        if zeros:
            nn.init.zeros_(layers[-1].get_parameter("U.weight"))
        networks.append(net.to(dtype))
    return Stack(networks)


def _learn(nets: Stack, learned: Samples, steps: int, lr: float, seed: int) -> None:
    """SGD, batches of 64."""
    dtype = nets.parameters()[0].dtype

    def losses(step: int) -> Tensor:
        index = batch_of(seed, step, len(learned), 64)
        s = nets(learned.x[index].to(dtype)).float().movedim(2, 1)
        t = learned.t[index].expand(len(nets), -1)
        return F.cross_entropy(s, t, reduction="none").mean(1)

    minimise(losses, torch.optim.SGD(nets.parameters(), lr), steps)


@torch.no_grad()
def _right(nets: Stack, tested: Samples, dtype: torch.dtype) -> Float[Tensor, "r"]:
    """Test accuracy of each network (%)."""
    return 100 * (nets(tested.x.to(dtype)).argmax(-1) == tested.t).double().mean(1)


def _identical(a: Stack, b: Stack) -> int:
    """Number of replicates whose weights are bit-identical."""
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return int(torch.stack([(p == q).flatten(1).all(1) for p, q in pairs]).all(0).sum())


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
