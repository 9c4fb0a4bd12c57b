"""What a gradient costs: operations counted, and seconds measured."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from time import process_time
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from cutaway.byhand import Graph, costs, path_by_path, paths
from cutaway.byhand.cost import total
from cutaway.byhand.operations import Add, Multiply, Sum, Tanh
from cutaway.lab.evidence import Effect, Evidence, Table, Verdict, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Curves, line, over
from cutaway.lab.settings import Range, Replicates, Seed
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
    """Processor time of each repeat, the best of 2; one before does not count."""
    work()
    found = []
    for _ in range(repeats):
        found.append(min(_spent(work) for _ in range(2)))
    return found


def _spent(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def linear_or_not(bend: Effect, doubling: Effect, power: Effect) -> Verdict:
    """Holds if with reuse each further layer costs the same number of operations (0 differences
    among them), path by path each further layer doubles the steps (ratio 1.9 to 2.1), and the
    measured time grows with depth to a power between 0.8 and 1.2; with limits if the counts are so
    and the time is not; else it does not hold."""
    if bend.value or not 1.9 < doubling.value < 2.1:
        return Verdict.FAILS
    return Verdict.HOLDS if 0.8 < power.low <= power.high < 1.2 else Verdict.LIMITED


@claim(
    "2.4",
    says="What is computed need not be computed again: with reuse the cost of the gradient is "
    "linear in depth, path by path it is exponential.",
    source="MIT 6.034 lecture, reuse principle; notes on statistics, week 4, p. 23",
    rule=linear_or_not,
    otherwise="A graph in which no paths meet, such as a chain of single units: it has one path to "
    "each weight, and nothing to reuse there but what lies above.",
    full={"repeats": 64},
)
def reuse_or_not(
    depths: tuple[Depth, ...] = (1, 2, 4, 8, 16, 32, 110, 302, 602, 1202),
    walked: tuple[Annotated[int, Range(1, 14)], ...] = (1, 2, 4, 6, 8, 10),
    repeats: Replicates = 10,
    seed: Seed = 0,
) -> Evidence:
    """Ladders of residual layers, 1 to 1202 deep: operations and seconds of going backward with
    reuse, and the steps and seconds of walking each path on its own, where that can be awaited."""
    x = torch.randn(64, generator=generator(seed, "2.4", "x")).double()
    counted, ways, times = [], [], []
    for depth in depths:
        graph = ladder(depth, generator(seed, "2.4", depth))
        graph.forward(x)
        counted.append(total(costs(graph)))
        ways.append(paths(graph)["u0"])
        times.append(seconds(graph.backward, repeats))
    alone, steps = [], []
    for depth in walked:
        graph = ladder(depth, generator(seed, "2.4", depth))
        graph.forward(x)
        steps.append(path_by_path(graph)[1])
        alone.append(seconds(partial(path_by_path, graph), repeats))
    further = zip(pairwise(counted), pairwise(depths), strict=True)
    each = {(b - a) / (m - k) for (a, b), (k, m) in further}
    digits = len(str(ways[-1]))
    doubling = ((steps[-1] + 2) / (steps[-2] + 2)) ** (1 / (walked[-1] - walked[-2]))
    deep = [i for i, depth in enumerate(depths) if depth >= 16] or [0, -1]
    spans = np.log([depths[i] for i in deep])
    power = np.polyfit(spans, np.log([times[i] for i in deep]), 1)[0]
    return Evidence(
        {
            "bend": exact("differences among the costs of a further layer", len(each) - 1),
            "doubling": exact("steps path by path, for each further layer, times", doubling),
            "power": mean("power of depth in the measured time", power),
            "ways": exact(f"digits of the number of paths, {depths[-1]} layers", digits),
        },
        (
            Table(
                "With reuse, and path by path",
                ("layers", "operations", "time (ms)", "paths to the first weight"),
                tuple(
                    (d, n, 1000 * float(np.median(s)), str(w) if w < 10**9 else f"2^{d - 1}")
                    for d, n, s, w in zip(depths, counted, times, ways, strict=True)
                ),
            ),
        ),
        (
            Curves(
                "Time for one gradient", "layers", "time (ms)",
                (
                    over("with reuse", depths, 1000 * np.asarray(times)),
                    over("path by path", walked, 1000 * np.asarray(alone)),
                ),
                x_log=True, y_log=True,
            ),
            Curves(
                "Operations", "layers", "operations",
                (line("with reuse", depths, counted), line("path by path (steps)", walked, steps)),
                x_log=True, y_log=True,
            ),
        ),
        because=f"Each further layer costs {next(iter(each)):g} operations with reuse, at any "
        f"depth, and the measured time grows as depth to the power {power.mean():.2f}. Two ways "
        f"lead through each layer, so {depths[-1]} layers have 2^{depths[-1] - 1} paths to their "
        f"first weight, a number of {digits} digits; walked one by one they cost {doubling:.2f} "
        "times as many steps for each further layer. What is saved is the part of the paths above "
        "the node where they meet: it has been summed up there once.",
    )  # fmt: skip


def two_forwards(counted: Effect, measured: Effect, trend: Effect) -> Verdict:
    """Holds if the counted operations of going backward come to 1.5 to 2 forward passes, the
    measured ratio lies between 1.5 and 3, and it changes by less than 0.5 for ten times as many
    parameters; with limits if the count is so and the measured ratio is below 5; else it does not
    hold."""
    if not 1.5 <= counted.value <= 2:
        return Verdict.FAILS
    close = 1.5 < measured.low <= measured.high < 3
    steady = -0.5 < trend.low <= trend.high < 0.5
    if close and steady:
        return Verdict.HOLDS
    return Verdict.LIMITED if measured.high < 5 else Verdict.FAILS


@claim(
    "2.5",
    says="One backward pass costs about two forward passes, however many parameters there are.",
    source="notes on statistics, week 4, p. 24 to 31",
    rule=two_forwards,
    otherwise="Layers whose inputs need no gradient (the first one alone costs one forward), and "
    "networks so small that time is spent on calls, not on arithmetic.",
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
    rows, ratios, forwards, backwards, sizes = [], [], [], [], []
    for width in widths:
        net = MLP(width, [width] * layers, width)
        x = torch.randn(batch, 1, 1, width, generator=generator(seed, "2.5", width))
        there, back = passes(net, x, repeats)
        n = sum(p.numel() for p in net.parameters())
        counted = (2 * layers + 1) / (layers + 1)  # all but the first send a gradient below
        sizes.append(n)
        forwards.append([1000 * s for s in there])
        backwards.append([1000 * s for s in back])
        ratios.append([b / a for a, b in zip(there, back, strict=True)])
        found = ratio("", there, back)
        rows.append((n, float(np.median(there)) * 1e3, float(np.median(back)) * 1e3,
                     found.value, found.low, found.high, 2 * n))  # fmt: skip
    slopes = np.polyfit(np.log10(sizes), np.asarray(ratios), 1)[0]
    every = np.exp(np.log(np.asarray(ratios)).mean(0))
    measured = mean("backward over forward, time (mean over sizes)", every)
    differences = [[2 * n * t for t in some] for n, some in zip(sizes, forwards, strict=True)]
    return Evidence(
        {
            "counted": exact("backward over forward, operations", counted),
            "measured": measured,
            "trend": mean("change of that for ten times the parameters", slopes),
        },
        (
            Table(
                "Passes in turn, processor time",
                ("parameters", "forward (ms)", "backward (ms)", "ratio", "low", "high",
                 "forwards by differences"),
                tuple(rows),
            ),
        ),
        (
            Curves(
                "One gradient", "parameters", "time (ms)",
                (
                    over("forward", sizes, np.asarray(forwards)),
                    over("backward", sizes, np.asarray(backwards)),
                    over("by differences (2 n forwards)", sizes, np.asarray(differences)),
                ),
                x_log=True, y_log=True,
            ),
        ),
        because="A dense layer multiplies once going forward (U z) and twice going back (U' g for "
        "the layer below, g z' for its weights); the first needs only the latter. So "
        f"{layers + 1} layers come to {counted:.2f} forwards, whatever their width. Measured are "
        f"{measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f}) over {sizes[0]:,} to "
        f"{sizes[-1]:,} parameters, each pass with its overhead. Differences need two forwards for "
        f"each parameter: {2 * sizes[-1]:,} for the largest network here.",
    )  # fmt: skip


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
