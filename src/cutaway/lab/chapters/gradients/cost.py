"""The cost of a gradient: operations counted, and seconds measured."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from time import process_time
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.byhand import Graph, path_by_path, paths
from cutaway.byhand.operations import Add, Multiply, Sum, Tanh
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.learn.counting import count_cost
from cutaway.models.mlp import MLP
from cutaway.randomness import generator

Depth = Annotated[int, Range(1, 5000)]


def ladder(depth: int, g: torch.Generator) -> Graph:
    """y <- tanh(y u) + y, a residual layer in its smallest form: two ways through each."""
    graph = Graph(torch.float64)
    y = graph.input("x")
    for k in range(depth):
        u = graph.parameter(f"u{k}", torch.randn((), generator=g, dtype=torch.float64) / depth)
        bent = graph.add(f"tanh{k}", Tanh(), graph.add(f"s{k}", Multiply(), y, u))
        y = graph.add(f"y{k}", Add(), bent, y)
    graph.add("J", Sum(), y)
    return graph


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Processor time of each repeat; one before does not count."""
    work()
    return [_spent(work) for _ in range(repeats)]


def _spent(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def linear_or_not(bend: Effect, each: Effect, doubling: Effect) -> Verdict:
    """Holds if with reuse each further layer takes the same number of operations (0 differences
    among them) and path by path it doubles them, two ways leading through a layer (a factor of 1.9
    to 2.1); with limits if it is linear with reuse alone; undecided if a further layer takes none,
    so that nothing was counted; else it does not hold. Operations are counted as PyTorch carries
    them out; the clock decides nothing."""
    if not each.value > 0:
        return Verdict.UNDECIDED
    if bend.value:
        return Verdict.FAILS
    return Verdict.HOLDS if 1.9 < doubling.value < 2.1 else Verdict.LIMITED


@claim(
    "2.4",
    says="What is computed need not be computed again: with reuse the cost of the gradient is "
    "linear in depth, path by path it is exponential.",
    source="MIT 6.034 lecture, reuse principle; notes on statistics, week 4, p. 23",
    rule=linear_or_not,
    otherwise="A graph in which no paths meet, such as a chain of single units: it has one path to "
    "each weight, and nothing to reuse there but what lies above.",
    baseline="The same gradient path by path: with two ways through a layer, twice the operations "
    "for each further one.",
    revised="First round: the rule judged by the clock, and now counts operations. 2026-11-29: it "
    "did not ask whether anything was counted; as it is now it was run with the seeds 3, 4 and 5, "
    "unseen before.",
    full={"repeats": 64},
)
def reuse_or_not(
    depths: tuple[Depth, ...] = (1, 2, 4, 8, 16, 32, 110, 302, 602, 1202),
    walked: tuple[Annotated[int, Range(1, 14)], ...] = (1, 2, 4, 6, 8, 10),
    repeats: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """Ladders of residual layers, 1 to 1202 deep: operations and seconds of going backward with
    reuse, and of walking each path on its own, where that can be awaited."""
    graphs = {depth: ladder(depth, generator(seed, "2.4", depth)) for depth in {*depths, *walked}}
    for graph in graphs.values():
        graph.forward(torch.randn(64, generator=generator(seed, "2.4", "x")).double())
    reusing = [graphs[depth].backward for depth in depths]
    walking = [partial(path_by_path, graphs[depth]) for depth in walked]
    costs, steps = ([count_cost(work).calls for work in works] for works in (reusing, walking))
    times, alone = ([seconds(work, repeats) for work in works] for works in (reusing, walking))
    path_counts = [paths(graphs[depth])["u0"] for depth in depths]
    spans = zip(pairwise(costs), pairwise(depths), strict=True)
    each = {(b - a) / (m - k) for (a, b), (k, m) in spans}
    doubling = (steps[-1] / steps[-2]) ** (1 / (walked[-1] - walked[-2]))
    power = powers(depths, times).mean()
    digits = len(str(path_counts[-1]))
    record = Record()
    record.effects(
        bend=exact("differences among the operations of a further layer", len(each) - 1),
        each=exact("operations of a further layer, with reuse, at least", min(each)),
        doubling=exact("operations path by path, for each further layer, times", doubling),
        power=mean("power of depth in the measured time", powers(depths, times)),
        ways=exact(f"digits of the number of paths, {depths[-1]} layers", digits),
    )
    rows = [
        (d, n, 1000 * float(np.median(s)), str(w) if w < 10**9 else f"2^{d - 1}")
        for d, n, s, w in zip(depths, costs, times, path_counts, strict=True)
    ]
    columns = "layers | operations | time (ms) | paths to the first weight"
    record.table("With reuse, and path by path", rows, columns)
    series = [
        over("with reuse", depths, 1000 * np.asarray(times)),
        over("path by path", walked, 1000 * np.asarray(alone)),
    ]
    record.curves("Time for one gradient", "layers", "time (ms)", *series, x_log=True, y_log=True)
    curves = [line("with reuse", depths, costs), line("path by path", walked, steps)]
    record.curves("Operations", "layers", "operations", *curves, x_log=True, y_log=True)
    return record.because(f"""
        Each further layer costs {next(iter(each)):g} operations with reuse, at any depth, and the
        measured time grew as depth to the power {power:.2f}. Two ways lead through each layer, so
        {depths[-1]} layers have 2^{depths[-1] - 1} paths to their first weight, a number of
        {digits} digits; walked one by one they cost {doubling:.2f} times as many operations for
        each further layer. What is saved is the part of the paths above the node where they meet:
        it has been summed up there once.
    """)


def powers(depths: tuple[int, ...], times: list[list[float]]) -> Float[np.ndarray, "r"]:
    """The power of depth in each repeat's times, from 16 layers on."""
    deep = [i for i, depth in enumerate(depths) if depth >= 16] or [0, -1]
    spans = np.log([depths[i] for i in deep])
    slopes: np.ndarray = np.polyfit(spans, np.log([times[i] for i in deep]), 1)[0]
    return slopes


def two_forwards(least: Effect, most: Effect) -> Verdict:
    """Holds if the operations of a backward pass, counted as PyTorch carries them out, round to two
    forward passes (1.5 to 2.5) in the network where they are fewest and in the one where they are
    most; with limits if that is so of one of the two only; else it does not hold. The clock decides
    nothing: it counts the calls as well, and what else the machine does."""
    two = [1.5 <= ratio.value < 2.5 for ratio in (least, most)]
    if all(two):
        return Verdict.HOLDS
    return Verdict.LIMITED if any(two) else Verdict.FAILS


@claim(
    "2.5",
    says="One backward pass costs about two forward passes, however many parameters there are.",
    source="notes on statistics, week 4, p. 24 to 31",
    rule=two_forwards,
    otherwise="Layers whose inputs need no gradient (the first one alone costs one forward), and "
    "networks so small that time is spent on calls, not on arithmetic.",
    baseline="Central differences: two forward passes for each parameter, 2 n in all. One layer "
    "alone, whose inputs need no gradient, costs one forward.",
    revised="First round: the rule judged by the clock, and now counts operations. Run then with "
    "seeds unseen before.",
    full={"repeats": 64, "widths": (16, 64, 256, 1024, 4096)},
)
def backward_and_forward(
    widths: tuple[Annotated[int, Range(1, 8192)], ...] = (16, 64, 256, 1024),
    layers: Annotated[int, Range(1, 50)] = 4,
    batch: Annotated[int, Range(1, 4096)] = 64,
    repeats: Replicates = 12,
    seed: Seed = 0,
) -> Evidence:
    """Perceptrons of one depth and many widths: operations counted, forward and backward passes
    timed in turn, and what central differences would need for the same gradient."""
    rows, ratios, forwards, backwards, sizes, products = [], [], [], [], [], []
    for width in widths:
        net = MLP(width, [width] * layers, width)
        x = torch.randn(batch, 1, 1, width, generator=generator(seed, "2.5", width))
        there, back = passes(net, x, repeats)
        n = sum(p.numel() for p in net.parameters())
        products.append(operations(net, x))
        sizes.append(n)
        forwards.append([1000 * s for s in there])
        backwards.append([1000 * s for s in back])
        ratios.append([b / a for a, b in zip(there, back, strict=True)])
        row = {
            "parameters": n,
            "operations, ratio": products[-1],
            "forward (ms)": float(np.median(there)) * 1e3,
            "backward (ms)": float(np.median(back)) * 1e3,
            "time, ratio": ratio("", there, back).value,
            "forwards by differences": 2 * n,
        }
        rows.append(row)
    slopes = np.polyfit(np.log10(sizes), np.asarray(ratios), 1)[0]
    every = np.exp(np.log(np.asarray(ratios)).mean(0))
    measured = mean("backward over forward, time (mean over sizes)", every)
    differences = [[2 * n * t for t in some] for n, some in zip(sizes, forwards, strict=True)]
    record = Record()
    record.effects(
        least=exact("backward over forward, operations, the fewest", min(products)),
        most=exact("backward over forward, operations, the most", max(products)),
        measured=measured,
        trend=mean("change of that for ten times the parameters", slopes),
    )
    record.table("Passes in turn, processor time", rows)
    series = [
        over("forward", sizes, np.asarray(forwards)),
        over("backward", sizes, np.asarray(backwards)),
        over("by differences (2 n forwards)", sizes, np.asarray(differences)),
    ]
    record.curves("One gradient", "parameters", "time (ms)", *series, x_log=True, y_log=True)
    return record.because(f"""
        A dense layer multiplies once going forward (U z) and twice going back (U' g for the layer
        below, g z' for its weights); the first needs only the latter. So {layers + 1} layers come
        to {products[-1]:.2f} forwards, counted at every width. By the processor's clock, calls and
        all, it was {measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f}) over
        {sizes[0]:,} to {sizes[-1]:,} parameters. Differences need two forwards for each parameter:
        {2 * sizes[-1]:,} for the largest network here.
    """)


def operations(net: nn.Module, x: Tensor) -> float:
    """Of the products of a backward pass, in forward passes."""
    losses: list[Tensor] = []
    forward = count_cost(lambda: losses.append(net(x).square().mean()))
    return count_cost(losses[0].backward).flops / forward.flops


def passes(
    net: nn.Module, x: Tensor, repeats: int, within: int = 5
) -> tuple[list[float], list[float]]:
    """Processor time of forward and backward passes, in turn; each the best of a few."""
    there, back = [], []
    for k in range(repeats + 1):
        one = [_timed(net, x) for _ in range(within)]
        if k:  # the first warms up
            there.append(min(a for a, _ in one))
            back.append(min(b for _, b in one))
    return there, back


def _timed(net: nn.Module, x: Tensor) -> tuple[float, float]:
    net.zero_grad(set_to_none=True)
    start = process_time()
    J = net(x).square().mean()
    middle = process_time()
    J.backward()
    return middle - start, process_time() - middle
