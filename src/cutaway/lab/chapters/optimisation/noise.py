"""The batch: how noisy its gradient is, and what that costs."""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over, part
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.clock import in_turn
from cutaway.lab.tools.samples import Samples, batch_of, samples
from cutaway.learn.fleet.stack import Stack
from cutaway.models.mlp import MLP
from cutaway.randomness import generator


def losses_of(s: Float[Tensor, "r n k"], t: Int[Tensor, "r n"]) -> Float[Tensor, " r"]:
    """Each network's mean cross-entropy."""
    losses = cross_entropy(s.flatten(0, 1), t.flatten(), reduction="none")
    return losses.view(t.shape).mean(1)


def until(
    nets: Stack,
    x: Float[Tensor, "r n *image"],
    t: Int[Tensor, "r n"],
    batch: int,
    rate: float,
    target: float,
    most: int,
    seed: int,
    tested: Samples | None = None,
) -> tuple[Float[Tensor, " r"], Float[Tensor, " r"]]:
    """SGD until the loss of the whole set meets the target: each network's steps (`most` where it
    never did), and its errors on test images then (%)."""
    optimizer = torch.optim.SGD(nets.parameters(), rate)
    n = t.shape[1]
    steps, wrong = torch.full((len(nets),), float(most)), torch.full((len(nets),), math.nan)
    for step in range(most):
        i = batch_of(seed, step, n, batch)
        optimizer.zero_grad()
        losses_of(nets(x[:, i], apart=True), t[:, i]).sum().backward()
        optimizer.step()
        if step % max(1, n // batch // 8):
            continue
        with torch.no_grad():
            met = (losses_of(nets(x, apart=True), t) <= target) & (steps == most)
            steps[met] = step + 1.0
            if tested is not None and met.any():
                wrong[met] = 100 * (nets(tested.x).argmax(-1) != tested.t).float().mean(1)[met]
        if (steps < most).all():
            break
    return steps, wrong


def quieter(slope: Effect, whole: Effect, single: Effect) -> Verdict:
    """Holds if the exponent of the variance in B lies within -1.05 and -0.95, if to one target a
    mini-batch computes less than the whole set (goes through fewer examples, the ratio's interval
    above 1), and if the smallest batch, of one example, is faster than a mini-batch by the clock
    too (below 1); with limits if the smallest is slower (above 1); does not hold if the exponent
    lies outside, or the whole set computes less; else undecided. A mini-batch and the whole set are
    compared by examples alone: which of them is faster by the clock is the machine's."""
    if slope.high < -1.05 or slope.low > -0.95 or whole.high < 1:
        return Verdict.FAILS
    if not (slope.low > -1.05 and slope.high < -0.95 and whole.low > 1):
        return Verdict.UNDECIDED
    if single.high < 1:
        return Verdict.HOLDS
    return Verdict.LIMITED if single.low > 1 else Verdict.UNDECIDED


@claim(
    "3.3",
    says="One example, a mini-batch or the whole set a step: the variance of the gradient falls as "
    "1 / B, and small batches are faster.",
    source="statistics lecture, week 4, stochastic gradient descent",
    rule=quieter,
    baseline="Steps with the whole set, whose gradient has no noise; and for the variance a line "
    "of 1 / B through the smallest batch. Each batch size has the best of three rates.",
    revised="First round: the rule judged the whole set by the clock, and now by examples; it was "
    "revised by someone who knew some of the numbers, and run with seeds unseen before.",
    otherwise="A larger set, of which one step with all of it costs more than a whole training "
    "with batches; or a processor that computes any batch as fast as one example.",
    full={"replicates": 32, "draws": 1024, "n": 1200},
)
def batch_sizes(
    batches: tuple[Annotated[int, Range(1, 4096)], ...] = (1, 4, 16, 64, 256),
    middle: Annotated[int, Range(2, 4096)] = 16,
    n: Annotated[int, Range(32, 1400)] = 1000,
    draws: Annotated[int, Range(8, 100_000)] = 300,
    target: Annotated[float, Range(1e-3, 2)] = 0.3,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """Gradients of random batches (with replacement) around those of all digits, in networks after
    some learning. Then SGD with single examples, mini-batches and the whole set, each at the best
    of three rates, until the loss of the whole set meets a target. The clock counts the
    processor's time for a step of one network."""
    learned, _ = samples(load("digits"), seed, train=n)
    variance = variances(learned, batches, draws, replicates, seed)
    logs = torch.tensor([math.log(b) for b in batches])
    away = logs - logs.mean()
    slopes = (away[:, None] * variance.log()).sum(0) / away.square().sum()
    sizes = (1, middle, n)
    runs = {b: to_target(learned, b, target, replicates, seed) for b in sizes}
    each = dict(zip(sizes, in_turn([a_step(learned, b) for b in sizes], 30), strict=True))
    seen = {b: b * runs[b][1] for b in sizes}
    seconds = {b: runs[b][1] * each[b] for b in sizes}
    quickest = min(sizes, key=lambda b: seconds[b].mean().item())
    fastest = {1: "one example a step", n: "the whole set"}.get(quickest, f"a batch of {middle}")
    record = Record()
    record.effects(
        slope=mean("exponent of the variance in B", slopes),
        whole=ratio(f"examples seen, batches of {n} / of {middle}", seen[middle], seen[n]),
        single=ratio(f"time, batches of 1 / of {middle}", seconds[middle], seconds[1]),
        clock=ratio(f"time, batches of {n} / of {middle}", seconds[middle], seconds[n]),
    )
    rows = [
        (b, rate, steps.mean(), seen[b].mean(), 1e3 * each[b], seconds[b].mean())
        for b, (rate, steps) in runs.items()
    ]
    columns = "batch | best rate | steps | examples seen | a step (ms) | time (s)"
    record.table(f"To a loss of {target:g}", rows, columns)
    _drawn(record, batches, variance, seconds, target)
    return record.because(f"""
        A batch's gradient is a mean of B independent ones: its variance fell with B to the power
        {slopes.mean():.3f}. That is why the whole set, {n // middle} times as much as {middle}
        examples, is not so much better a guide: to the target it needed {runs[n][1].mean():.0f}
        steps of {1e3 * each[n]:.2f} ms, batches of {middle} needed {runs[middle][1].mean():.0f} of
        {1e3 * each[middle]:.2f} ms, single examples {runs[1][1].mean():.0f} of {1e3 * each[1]:.2f}
        ms. The whole set went through {seen[n].mean():,.0f} examples, batches of {middle} through
        {seen[middle].mean():,.0f}, single ones {seen[1].mean():,.0f}. By the clock of this
        processor {fastest} was the fastest: a step has calls to pay for, whatever its batch.
    """)


def _drawn(
    record: Record,
    batches: tuple[int, ...],
    variance: Tensor,
    seconds: dict[int, Tensor],
    target: float,
) -> None:
    """The noise of batches, and the time that they take."""
    axes = "batch size B", "variance of the gradient"
    series = [
        over("measured", batches, variance),
        line("1 / B", batches, [variance[0].mean().item() * batches[0] / b for b in batches]),
    ]
    record.curves("Variance of batches' gradients", *axes, *series, x_log=True, y_log=True)
    record.bars(
        f"To a loss of {target:g}",
        "time of the processor (s)",
        (f"{b} a step" for b in seconds),
        part("networks", torch.stack([*seconds.values()])),
        log=True,
    )


def variances(
    learned: Samples, batches: tuple[int, ...], draws: int, replicates: int, seed: int
) -> Float[Tensor, "b r"]:
    """The mean of |g_B - g|^2 over random batches, in networks that have learned for 30 steps."""
    nets = Stack([MLP(64, [16], 10, "tanh") for _ in range(replicates)])
    optimizer = torch.optim.SGD(nets.parameters(), 0.5)
    every = learned.t.expand(replicates, -1)
    for _ in range(30):
        optimizer.zero_grad()
        losses_of(nets(learned.x), every).sum().backward()
        optimizer.step()

    def gradient(i: Int[Tensor, " b"]) -> Float[Tensor, "r p"]:
        loss = losses_of(nets(learned.x[i]), learned.t[i].expand(replicates, -1)).sum()
        gradients = torch.autograd.grad(loss, nets.parameters())
        return torch.cat([g.flatten(1) for g in gradients], 1)

    g = generator(seed, "3.3", "draws")
    whole = gradient(torch.arange(len(learned)))
    rows = []
    for b in batches:
        drawn = [torch.randint(len(learned), (b,), generator=g) for _ in range(draws)]
        rows.append(torch.stack([(gradient(i) - whole).square().sum(1) for i in drawn]).mean(0))
    return torch.stack(rows)


def to_target(
    learned: Samples, batch: int, target: float, replicates: int, seed: int
) -> tuple[float, Float[Tensor, " r"]]:
    """The best rate, and each network's steps to the target with it."""
    x, t = learned.x.expand(replicates, *learned.x.shape), learned.t.expand(replicates, -1)
    best, steps, most = 0.0, torch.full((replicates,), math.inf), 1500 if batch == 1 else 200
    for rate in (0.1, 0.03, 0.3) if batch == 1 else (1.0, 0.3, 3.0):
        nets = Stack([MLP(64, [16], 10, "tanh") for _ in range(replicates)])
        counts, _ = until(nets, x, t, batch, rate, target, most, seed)
        if counts.mean() < steps.mean():
            best, steps, most = rate, counts, int(counts.max())
    return best, steps


def a_step(learned: Samples, batch: int) -> Callable[[], None]:
    """A step of one network, for the clock."""
    net = MLP(64, [16], 10, "tanh")
    optimizer = torch.optim.SGD(net.parameters(), 0.1)

    def step() -> None:
        i = batch_of(0, 0, len(learned), batch)
        optimizer.zero_grad()
        cross_entropy(net(learned.x[i]), learned.t[i]).backward()
        optimizer.step()

    return step
