"""Room 2: values go forward through a graph, gradients come back."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch

from cutaway.byhand import Graph
from cutaway.byhand.cost import path_by_path, paths
from cutaway.byhand.operations.activations import Tanh
from cutaway.byhand.operations.arithmetic import Add, Multiply, Square, Subtract
from cutaway.byhand.witness import autograd, difference
from cutaway.figures import Axis, Bars, Curves, Part
from cutaway.figures.build import line
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section
from cutaway.studio.rooms.diagram import Arrow, Box, Diagram

NUMBER: dict[str, Any] = {"low": -3.0, "high": 3.0}
SIGNS = {Multiply: "{} x {}", Add: "{} + {}", Subtract: "{} - {}", Square: "{} squared",
         Tanh: "tanh {}"}  # fmt: skip
MOST_WALKED = 4096
"""Paths that are walked one by one; where there are more they are counted."""


@dataclass(frozen=True)
class Small:
    """The settings of a small graph."""

    graph: str = setting("one unit", "What is computed.",
                         choices=("one unit", "two paths", "skip"))  # fmt: skip
    x: float = setting(1.0, "The input.", **NUMBER)
    w: float = setting(0.5, "The weight.", **NUMBER)
    b: float = setting(0.3, "The bias.", **NUMBER)
    t: float = setting(1.0, "The target.", **NUMBER)


def built(asked: Small) -> Graph:
    """A graph over as many of x, w, b and t as it needs, gone through in both directions."""
    graph = Graph(torch.float64)
    given = {"one unit": "xwbt", "two paths": "xwb", "skip": "xwt"}[asked.graph]
    for name in given:
        graph.parameter(name, torch.tensor(getattr(asked, name), dtype=torch.float64))
    if asked.graph == "two paths":
        graph.add("a", Multiply(), "x", "w")
        graph.add("c", Add(), "x", "b")
        graph.add("m", Multiply(), "a", "c")
        graph.add("J", Square(), "m")
    else:
        graph.add("p", Multiply(), "x", "w")
        summed = graph.add("s", Add(), "p", "b") if asked.graph == "one unit" else "p"
        graph.add("y", Tanh(), summed)
        out = graph.add("z", Add(), "y", "x") if asked.graph == "skip" else "y"
        graph.add("e", Subtract(), out, "t")
        graph.add("J", Square(), "e")
    graph.forward()
    return graph


def draw_small(asked: Small) -> Figures:
    graph = built(asked)
    found = graph.backward()
    other = autograd(graph).gradients
    slopes = [difference(graph, name, torch.ones((), dtype=torch.float64)) for name in found]
    apart = max(abs(float(found[k] - other[k])) for k in found)
    yield [
        diagram(graph),
        Bars("The same gradients by other means", Axis("dJ by the value"), tuple(found), (
            Part("by hand", tuple(map(float, found.values()))),
            Part("autograd", tuple(float(other[k]) for k in found)),
            Part("differences", tuple(slopes)),
        ), f"By hand and by autograd they differ by {apart:.1g} at most."),
    ]  # fmt: skip


def diagram(graph: Graph) -> Diagram:
    places = placed(graph)
    live = graph.live()
    shares = Counter[tuple[str, str]]()
    for node in graph.operations:
        for name, share in graph.shares(node, graph.gradients[node.name], live):
            shares[name, node.name] += float(share)  # type: ignore[assignment]
    columns = Counter(row for row, _ in places.values())
    boxes = []
    for name, node in graph.nodes.items():
        formula = "given"
        if node.operation:
            formula = SIGNS[type(node.operation)].format(*node.inputs)
        row, column = places[name]
        value, gradient = float(graph.values[name]), float(graph.gradients[name])
        boxes.append(Box(name, formula, value, gradient, row, column, columns[row]))
    told = "; ".join(f"{o.name} = {o.value:.4g}, gradient {o.gradient:.4g}" for o in boxes)
    return Diagram(
        "Forward and backward", tuple(boxes),
        tuple(Arrow(a, b, float(share)) for (a, b), share in shares.items()),
        "In each box the value, computed from above, and below it the gradient dJ by that value. "
        "At "
        "each line is the share of the gradient that goes back along it.", told,
    )  # fmt: skip


def placed(graph: Graph) -> dict[str, tuple[int, int]]:
    """A row and a column for each node: computed ones below all that they need, given ones just
    above the first that needs them."""
    rows: dict[str, int] = {}
    for node in graph.operations:
        rows[node.name] = 1 + max((rows.get(str(name), 0) for name in node.inputs), default=0)
    for node in graph.operations:
        for name in map(str, node.inputs):
            if graph.nodes[name].operation is None:
                rows[name] = min(rows.get(name, 99), rows[node.name] - 1)
    columns: Counter[int] = Counter()
    places = {}
    for name in sorted(graph.nodes, key=lambda one: graph.nodes[one].operation is None):
        places[name] = (rows[name], columns[rows[name]])
        columns[rows[name]] += 1
    return places


@dataclass(frozen=True)
class Reused:
    """The settings of a chain whose paths part and meet."""

    depth: int = setting(12, "Blocks, one after the other.", low=1, high=40)
    branches: int = setting(2, "Ways through each block.", low=1, high=4)


def chain(depth: int, branches: int) -> Graph:
    """Blocks whose output is the sum of so many products of their input with weights."""
    graph = Graph(torch.float64)
    z = graph.parameter("z0", torch.tensor(0.5, dtype=torch.float64))
    for k in range(depth):
        total = ""
        for i in range(branches):
            weight = graph.parameter(f"w{k}{i}", torch.tensor(1.0 / branches).double())
            way = graph.add(f"a{k}_{i}", Multiply(), z, weight)
            total = graph.add(f"s{k}_{i}", Add(), total, way) if total else way
        z = total
    graph.forward()
    return graph


def draw_reused(asked: Reused) -> Figures:
    depths = range(1, asked.depth + 1)
    graphs = [chain(depth, asked.branches) for depth in depths]
    once = [len(graph.operations) for graph in graphs]
    each = [sum(of[node.name] for node in graph.operations)
            for graph, of in ((one, paths(one)) for one in graphs)]  # fmt: skip
    walkable = max((i for i, steps in enumerate(each) if steps <= MOST_WALKED), default=0)
    gradients, steps = path_by_path(graphs[walkable], MOST_WALKED * 4)
    known = graphs[walkable].backward()
    apart = max(abs(float(gradients[name] - known[name])) for name in known)
    caption = (
        f"At depth {asked.depth}: {once[-1]:,} steps with reuse, {each[-1]:,} path by path. Walked "
        f"one by one at depth {walkable + 1}, {steps:,} steps, the gradients are the same to "
        f"{apart:.1g}."
    )
    yield [
        Curves("Steps of one backward pass", Axis("blocks", whole=True),
               Axis("times that a node is differentiated", "log"),
               (line("with reuse", depths, once), line("path by path", depths, each)),
               caption=caption),
    ]  # fmt: skip


@dataclass(frozen=True)
class Differences(Small):
    """The settings of numerical differentiation in the same graph."""

    by: str = setting("w", "The value that is moved.", choices=("x", "w"))


def draw_differences(asked: Differences) -> Figures:
    graph = built(asked)
    true = float(graph.backward()[asked.by])
    sizes = [10 ** (-k / 4) for k in range(4, 57)]
    one = torch.ones((), dtype=torch.float64)
    errors = [abs(difference(graph, asked.by, one, h) - true) for h in sizes]
    best = min(range(len(sizes)), key=errors.__getitem__)
    yield [
        Curves("Error of (J(w + h) - J(w - h)) / 2h", Axis("step h", "log"),
               Axis("error", "log"), (line("", sizes, [max(v, 1e-17) for v in errors]),),
               caption=f"The gradient is {true:.6g}; the least error, {errors[best]:.1g}, is at "
               f"h = {sizes[best]:.1g}."),
    ]  # fmt: skip


SMALL = Piece(
    "small", "A small graph, both ways",
    "Move a value, and see all others follow: the values below it, and the gradients of all.",
    Small, draw_small,
    Question(
        "In the graph of two paths, x is used twice. What is its gradient?",
        ("The larger of the two shares.", "The sum of both shares.", "Their product."),
        1,
        "A change of x changes J along both ways, and the changes add up. Choose the graph 'two "
        "paths' to see it.",
    ),
)  # fmt: skip
REUSED = Piece(
    "reused", "What reuse saves",
    "Blocks in which the way parts and meets again. A gradient could be computed along each path "
    "by itself; backpropagation adds up what arrives at a node, and goes on from there once.",
    Reused, draw_reused,
    Question(
        "Two ways through each block, 12 blocks. How many paths lead from the first value to J?",
        ("24", "144", "4,096"),
        2,
        "At each block the number doubles: 2 to the power of 12. Backpropagation visits each node "
        "once, whatever the number of paths.",
    ),
)  # fmt: skip
DIFFERENCES = Piece(
    "differences", "The gradient without calculus",
    "Move one weight by h in both directions and compare J: that is its slope, nearly.",
    Differences, draw_differences,
    Question(
        "Does a smaller step h always make the difference more exact?",
        ("Yes: the smaller, the better.", "No: below some h it becomes worse again.",
         "No: h makes no difference."),
        1,
        "Where h is small both values of J are nearly equal, and rounding is divided by a very "
        "small number.",
    ),
)  # fmt: skip

ROOM = Room(
    2, "The graph of gradients",
    "Every number of a small network, forward and back, computed by hand before your eyes.",
    (
        Section(
            "Forward, then back",
            (
                "A network is a graph of small operations. Forward, each value is computed from "
                "those above it. Backward, each node receives the gradient of J by its value and "
                "passes a share on to each of its inputs: its own gradient times the slope of its "
                "operation.",
            ),
            SMALL, ("2.2", "2.3"),
        ),
        Section(
            "Each node once",
            (
                "Where paths meet, gradients are added before anything is passed on. This is the "
                "whole reason why a gradient of millions of weights costs about as much as the "
                "network itself.",
            ),
            REUSED, ("2.4", "2.5"),
        ),
        Section(
            "A check that needs no rule",
            (
                "Differences need two evaluations for each weight, too many for learning. They are "
                "how one checks that a gradient is right.",
            ),
            DIFFERENCES, ("2.1",),
        ),
    ),
    ("mlp", "digits"),
)  # fmt: skip
