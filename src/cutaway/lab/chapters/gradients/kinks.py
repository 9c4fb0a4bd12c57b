"""ReLU's kink, and what is taken for its derivative there."""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cutaway.byhand.operations import ReLU
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, difference, exact, mean, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import part
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
    relu: Effect,
    between: Effect,
    learned: Effect,
    changed: Effect,
    coarse: Effect,
    zero_start: Effect,
) -> Verdict:
    """Holds if relu and all its other spellings take a one-sided derivative at 0, and taking the
    other side changes test accuracy by less than 1 point (whole intervals: in single precision, in
    bfloat16, and from weights of 0); with limits if relu does and in single precision the change
    is as small, but another spelling takes neither side or one of the other changes is larger for
    certain; does not hold if relu takes neither side, or the change in single precision is larger
    than 1 point for certain; undecided else, and if the networks have not learned (an accuracy
    above 50 %, the lower end), since then no choice could change anything."""
    large = [e.low > 1 or e.high < -1 for e in (changed, coarse, zero_start)]
    if relu.value not in (0, 1) or large[0]:
        return Verdict.FAILS
    small = [-1 < e.low <= e.high < 1 for e in (changed, coarse, zero_start)]
    if not (small[0] and learned.low > 50):
        return Verdict.UNDECIDED
    if between.value or any(large):
        return Verdict.LIMITED
    return Verdict.HOLDS if all(small) else Verdict.UNDECIDED


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
    baseline="The same networks with the derivative 0: same weights, same order, so that a "
    "difference is the choice's alone. A constant answer is right on 10 % with either.",
    revised="2026-11-29: the rule said 'with limits' where an interval was too wide to tell, and "
    "did not ask whether the networks had learned. As it is now it was run with the seeds 3, 4 "
    "and 5, unseen before.",
    evening={"data": "mnist", "steps": 400},
    full={"data": "mnist", "n": 60_000, "replicates": 64, "steps": 3000},
    doubt="Which of the two is it? Does the choice change training?",
)
def relu_at_0(
    data: Literal["digits", "mnist"] = "digits",
    n: Annotated[int, Range(100, 60_000)] = 6000,
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
    learned, tested = samples(load(data), seed, n, n)
    right, same, changed, sizes = {}, {}, {}, [learned.x[0].numel(), *widths]
    for case, (dtype, zeros) in CASES.items():
        nets = [_networks(f, sizes, replicates, dtype, zeros, seed) for f in first.values()]
        for one in nets:
            _learn(one, learned, steps, lr, seed)
        right[case] = torch.stack([_right(one, tested, dtype) for one in nets])
        same[case] = _identical(nets[0], nets[-1])
        a, b = right[case][0].numpy(), right[case][-1].numpy()
        changed[case] = difference(f"accuracy with 1 minus accuracy with 0, {case}", a, b, "points")
    single, coarse, zero = changed.values()
    neither = sum(slope not in (0, 1) for slope in slopes.values())
    stuck, *_, free = right["a layer of zeros"].mean(1).tolist()
    record = Record()
    record.effects(
        relu=exact("derivative of relu at 0", slopes["relu(s)"]),
        between=exact("spellings that take neither side", neither),
        learned=mean("accuracy with 0, single precision", right["single precision"][0], "%"),
        changed=single,
        coarse=coarse,
        zero_start=zero,
        same=share("bit-identical, single precision", same["single precision"], replicates),
        same16=share("bit-identical, bfloat16", same["bfloat16"], replicates),
    )
    cells = *slopes.items(), ("by hand, g [s > 0]", by_hand)
    record.table("The derivative at 0", cells, "spelling | derivative")
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
    spelling: str, sizes: list[int], replicates: int, dtype: torch.dtype, zeros: bool, seed: int
) -> Stack:
    """Perceptrons with that spelling of ReLU, the same weights for each."""
    torch.manual_seed(seed)
    networks: list[nn.Module] = []
    for _ in range(replicates):
        net = MLP(sizes[0], sizes[1:], 10)
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
