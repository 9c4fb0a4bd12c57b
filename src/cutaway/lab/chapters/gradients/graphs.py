"""Graphs of any shape, differentiated by hand."""

from typing import Annotated

import torch

from cutaway.byhand import Graph, check
from cutaway.byhand.check import Checked
from cutaway.byhand.operations import Add, Affine, Concatenate, Multiply, Sum, Tanh
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.randomness import generator


def graphs_agree(autograd: Effect, differences: Effect, alive: Effect) -> Verdict:
    """Holds if every gradient of every graph, by hand, equals autograd's (relative error below
    1e-10) and the slope measured by central differences (below 1e-3); undecided if a graph has no
    gradient but 0, on which all would agree; else it does not hold."""
    if not alive.value > 0:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if autograd.value < 1e-10 and differences.value < 1e-3 else Verdict.FAILS


@claim(
    "2.3",
    says="Backpropagation goes through any directed acyclic graph: branches, merges, shared "
    "weights, residual connections, concatenations.",
    source="notes on statistics, week 4, p. 15 to 31",
    rule=graphs_agree,
    otherwise="A graph whose gradients differ; a cycle is outside the claim.",
    baseline="Autograd, and slopes that are measured by going forward twice and know no gradient. "
    "A gradient of zeros would miss both by 100 %.",
    revised="2026-11-29: the rule did not ask whether a graph has a gradient at all. As it is now "
    "it was run with the seeds 3, 4 and 5, unseen before.",
    full={"replicates": 256, "nodes": 40},
)
def any_graph(
    replicates: Replicates = 24, nodes: Annotated[int, Range(3, 200)] = 14, seed: Seed = 0
) -> Evidence:
    """Four graphs with one feature each, and random ones in which each node takes any of those
    before it, are differentiated by hand, by autograd and by central differences, in float64."""
    x = torch.randn(3, 4, generator=generator(seed, "2.3", "x")).double()
    named = {name: make(generator(seed, "2.3", name)) for name, make in FEATURES.items()}
    drawn = [random_graph(nodes, generator(seed, "2.3", k)) for k in range(replicates)]
    checks = {name: check(graph, x, seed=seed) for name, graph in named.items()}
    others = [check(graph, x, differences=4, seed=seed) for graph in drawn]
    every = [*checks.values(), *others]
    rows = [(name, one.nodes, one.autograd, one.differences) for name, one in checks.items()]
    most = max(one.autograd for one in others), max(one.differences for one in others)
    rows.append((f"{replicates} random ones", sum(one.nodes for one in others), *most))
    names, counts, autograd, differences = zip(*rows, strict=True)
    record = Record()
    record.effects(
        autograd=exact("largest relative error against autograd", max(autograd)),
        differences=exact("against central differences", max(differences)),
        alive=exact("least of the graphs' largest gradients", min(map(_most, every))),
    )
    record.table("Graphs differentiated by hand", rows, "graph | nodes | autograd | differences")
    parts = [
        Part("against autograd", tuple(max(error, 1e-18) for error in autograd)),
        Part("against differences", tuple(max(error, 1e-18) for error in differences)),
    ]
    title, caption = "Largest relative error", "An error of 0 is drawn as 1e-18."
    record.bars(title, "relative error", names, *parts, log=True, caption=caption)
    return record.because(f"""
        A node needs to know its own derivative, no more. Where a value goes several ways, the
        gradients that come back are added; a shared weight is such a value, a residual connection
        is an addition, a concatenation cuts its gradient into parts. By hand all {sum(counts)}
        nodes agree with autograd to {max(autograd):.0e}, and with differences, which know nothing
        of the graph, to {max(differences):.0e}.
    """)


def _most(checked: Checked) -> float:
    """A graph's largest gradient."""
    return max((row.gradient for row in checked.rows), default=0.0)


def _begun(g: torch.Generator, weights: int = 1) -> Graph:
    """A graph with an input x (n, 4) and square weights u0, u1, ..."""
    graph = Graph(torch.float64)
    graph.input("x")
    for k in range(weights):
        graph.parameter(f"u{k}", torch.randn(4, 4, generator=g).double() / 2)
    return graph


def _branch(g: torch.Generator) -> Graph:
    graph = _begun(g, 2)
    graph.add("s", Affine(), "x", "u0", None)
    graph.add("a", Tanh(), "s")
    graph.add("b", Affine(), "s", "u1", None)
    graph.add("y", Multiply(), "a", "b")
    graph.add("J", Sum(), "y")
    return graph


def _shared(g: torch.Generator) -> Graph:
    graph, z = _begun(g), "x"
    for k in range(3):
        z = graph.add(f"z{k}", Tanh(), graph.add(f"s{k}", Affine(), z, "u0", None))
    graph.add("J", Sum(), z)
    return graph


def _residual(g: torch.Generator) -> Graph:
    graph, z = _begun(g, 3), "x"
    for k in range(3):
        bent = graph.add(f"f{k}", Tanh(), graph.add(f"s{k}", Affine(), z, f"u{k}", None))
        z = graph.add(f"z{k}", Add(), bent, z)
    graph.add("J", Sum(), z)
    return graph


def _concatenated(g: torch.Generator) -> Graph:
    graph = _begun(g, 2)
    a, b = (graph.add(f"s{k}", Affine(), "x", f"u{k}", None) for k in range(2))
    both = graph.add("both", Concatenate(1), a, b)
    graph.add("J", Sum(), graph.add("y", Multiply(), both, both))
    return graph


FEATURES = {
    "branch and merge": _branch,
    "shared weight": _shared,
    "residual": _residual,
    "concatenation": _concatenated,
}


def random_graph(nodes: int, g: torch.Generator) -> Graph:
    """Each node is one of four operations on any of the nodes before it; the last is their sum."""
    graph, known = _begun(g, 3), ["x"]

    def pick(among: int) -> int:
        return int(torch.randint(among, (1,), generator=g))

    for k in range(nodes):
        a, b = known[pick(len(known))], known[pick(len(known))]
        kind = pick(4)
        if kind == 0:
            known.append(graph.add(f"n{k}", Affine(), a, f"u{pick(3)}", None))
        elif kind == 1:
            known.append(graph.add(f"n{k}", Tanh(), a))
        elif kind == 2:
            known.append(graph.add(f"n{k}", Add(), a, b))
        else:
            bent = graph.add(f"t{k}", Tanh(), a)
            known.append(graph.add(f"n{k}", Multiply(), bent, b))
    whole = graph.add("linear", Affine(), "x", "u0", None)
    for k, name in enumerate(known[1:]):
        whole = graph.add(f"sum{k}", Add(), whole, name)
    graph.add("J", Sum(), whole)
    return graph
