"""Derivatives by differences, and the shapes of derivatives."""

from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.functional import jacobian

from cutaway.byhand import Graph, by_chain
from cutaway.byhand.operations import Affine, MeanSquaredError, Tanh
from cutaway.byhand.witness import replay
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.randomness import generator

WIDTHS = (6, 8, 8, 3)
STEPS = tuple(10.0**-k for k in range(1, 14))


def perceptron(g: torch.Generator, dtype: torch.dtype) -> Graph:
    """J of a random perceptron with tanh units, and its inputs x and t."""
    graph, z = Graph(dtype), "x"
    graph.input("x")
    graph.input("t")
    for k, (a, b) in enumerate(pairwise(WIDTHS)):
        graph.parameter(f"u{k}", torch.randn(b, a, generator=g, dtype=torch.float64) / a**0.5)
        z = graph.add(f"s{k}", Affine(), z, f"u{k}", None)
        z = graph.add(f"z{k}", Tanh(), z)
    graph.add("J", MeanSquaredError(), z, "t")
    return graph.to(dtype)


def slope_errors(
    g: torch.Generator, dtype: torch.dtype = torch.float64
) -> dict[str, Float[Tensor, "steps"]]:
    """Relative errors of differences along a random direction of the first weights, by step."""
    graph = perceptron(g, dtype)
    graph.forward(*(torch.randn(4, n, generator=g, dtype=torch.float64) for n in (6, 3)))
    gradient = graph.backward()["u0"]
    along = torch.randn(gradient.shape, generator=g, dtype=torch.float64).to(dtype)
    along = along / along.norm() + gradient / gradient.norm()  # so that the slope is not near 0
    true = (gradient.double() * along.double()).sum().item()
    u, J = graph.values["u0"], graph.values["J"].item()
    relative: dict[str, list[float]] = {"central": [], "forward": []}
    for h in STEPS:
        there, back = (replay(graph, "u0", u + s * along).item() for s in (h, -h))
        relative["central"].append(abs((there - back) / (2 * h) - true) / abs(true))
        relative["forward"].append(abs((there - J) / h - true) / abs(true))
    return {name: torch.tensor(errors).double() for name, errors in relative.items()}


def v_shaped(best: Effect, order: Effect, rounding: Effect) -> Verdict:
    """Holds if central differences in double precision come within 1e-8 of backpropagation (mean of
    the best steps, upper end), their error falls as h^2 at first (order between 1.9 and 2.1) and
    grows as 1/h at last (power between -1.3 and -0.7); with limits if they come within 1e-8, but
    one of the powers is another for certain; does not hold if they do not come within 1e-8 for
    certain (lower end); else undecided."""
    if not best.low <= -8:
        return Verdict.FAILS
    powers = ((order, 1.9, 2.1), (rounding, -1.3, -0.7))
    if best.high > -8:
        return Verdict.UNDECIDED
    if all(low < e.low <= e.high < high for e, low, high in powers):
        return Verdict.HOLDS
    other = any(e.high < low or e.low > high for e, low, high in powers)
    return Verdict.LIMITED if other else Verdict.UNDECIDED


@claim(
    "2.1",
    says="Numerical differentiation agrees with backpropagation.",
    source="study notes, numerical differentiation and backpropagation",
    rule=v_shaped,
    otherwise="Numbers of fewer digits: in single precision the best error is ten thousand times "
    "larger, and a kink of ReLU within a step spoils it.",
    baseline="Forward differences, which need half as many evaluations: their error falls as h "
    "only. A slope that is a hundredth wrong would show as an error of 1e-2 at every step.",
    revised="2026-11-29: the rule said that it does not hold, or holds with limits, where an "
    "interval was too wide to tell. As it is now it was run with the seeds 3, 4 and 5, unseen "
    "before.",
    full={"replicates": 512},
)
def differences(replicates: Replicates = 48, seed: Seed = 0) -> Evidence:
    """The slope of the loss of random perceptrons along a random direction, by backpropagation and
    by central and forward differences, with steps h from 0.1 to 1e-13."""
    draws = range(replicates)
    double = [slope_errors(generator(seed, "2.1", k)) for k in draws]
    single = [slope_errors(generator(seed, "2.1", k), torch.float32) for k in draws]
    tiny = torch.finfo(torch.float64).eps
    central, forward = (
        torch.stack([d[k] for d in double]).clamp(min=tiny).log10() for k in ("central", "forward")
    )
    coarse = torch.stack([d["central"] for d in single]).clamp(min=tiny).log10()
    h = torch.tensor(STEPS).double().log10()
    best = central.amin(1)
    at = int(central.mean(0).argmin())

    def power(i: int, k: int) -> Float[Tensor, "r"]:
        return (central[:, i] - central[:, k]) / (h[i] - h[k])

    curves = {"central, double": central, "forward, double": forward, "central, single": coarse}
    record = Record()
    record.effects(
        best=mean("best error of central differences (power of 10)", best),
        order=mean("power of h with which it falls, from h = 0.1 to 0.001", power(0, 2)),
        rounding=mean("power of h with which it grows, from h = 1e-8 to 1e-13", power(7, 12)),
        single=mean("best error in single precision", coarse.amin(1)),
    )
    rows = [
        (f"1e-{k + 1}", *(c[:, k].mean().item() for c in curves.values()))
        for k in range(len(STEPS))
    ]
    record.table("Mean error, as a power of 10", rows, ("h", *curves))
    series = [over(name, STEPS, c.T) for name, c in curves.items()]
    record.curves(
        "Error against the step", "step h", "relative error (power of 10)", *series, x_log=True
    )
    return record.because(f"""
        Two errors pull in opposite ways. What the difference leaves out of Taylor's series shrinks
        as h^2 for central differences (measured:
        {((central[:, 0] - central[:, 2]) / 2).mean():.2f}), as h for forward ones; what rounding
        adds to two nearly equal numbers grows as 1/h. Between them lies the best step, here
        {STEPS[at]:.0e}, with an error of {10 ** best.mean().item():.0e}. A difference can check a
        gradient to about ten digits of sixteen (in single precision to
        {10 ** coarse.amin(1).mean().item():.0e}), and costs two forward passes for each parameter.
    """)


def shaped(wrong: Effect, chained: Effect) -> Verdict:
    """Holds if every derivative has the shape that is claimed and the chain's products equal the
    Jacobian of the whole (within 1e-10; no number is no equality); else it does not hold."""
    return Verdict.HOLDS if wrong.value == 0 and chained.value <= 1e-10 else Verdict.FAILS


@claim(
    "2.6",
    says="The derivative of a scalar by a column x of n numbers is a row [1 x n], of a vector of m "
    "a Jacobian [m x n], and by the chain rule these are multiplied.",
    source="notes on statistics, week 4, p. 20 to 22",
    rule=shaped,
    otherwise="The other convention, in which the derivative has the shape of x: then the chain "
    "rule multiplies in the opposite order.",
    baseline="The Jacobian of the whole, by hand and by autograd, to which the product has to be "
    "equal; where the three sizes differ, a product in the other order cannot be formed.",
    full={"replicates": 1000},
)
def shapes(
    replicates: Replicates = 64, most: Annotated[int, Range(1, 64)] = 9, seed: Seed = 0
) -> Evidence:
    """Two layers z = f(u), u = g(x) of random sizes: the Jacobian of each is written out, and their
    product is compared with that of the whole, by hand and by autograd. The first is the example of
    the notes, |z| = 1, |u| = 2, |x| = 4."""
    g = generator(seed, "2.6")
    sizes = [(1, 2, 4), *torch.randint(1, most + 1, (replicates, 3), generator=g).tolist()]
    rows, errors, wrong, transposed = [], [], 0, 0
    for m, p, n in sizes:
        v, w = (torch.randn(*s, generator=g, dtype=torch.float64) for s in ((p, n), (m, p)))
        x = torch.randn(n, generator=g, dtype=torch.float64)
        inner = jacobian(lambda a, v=v: (v @ a).tanh(), x)
        outer = jacobian(lambda u, w=w: w @ u, (v @ x).tanh())
        whole = _by_hand(x, v, w)
        wrong += (inner.shape, outer.shape, whole.shape) != ((p, n), (m, p), (m, n))
        errors.append((outer @ inner - whole).abs().max().item())
        column = x[:, None].clone().requires_grad_()
        (w @ (v @ column).tanh()).sum().backward()
        assert column.grad is not None
        transposed += column.grad.shape != (1, n) and n > 1
        rows.append((f"{m} x {p}", f"{p} x {n}", f"{m} x {n}", errors[-1]))
    record = Record()
    record.effects(
        wrong=exact("derivatives of another shape than claimed", wrong),
        chained=exact("largest difference of product and whole", max(errors)),
        transposed=exact("gradients that PyTorch keeps as columns, not rows", transposed),
    )
    record.table("The first of them", rows[:6], "dz/du | du/dx | dz/dx | difference")
    layer = [2**k for k in range(1, 11)]
    series = [
        line("a row sent down", layer, [10 * n**2 for n in layer]),
        line("matrices multiplied", layer, [9 * n**3 + n**2 for n in layer]),
    ]
    title = "A scalar's derivative through 10 layers"
    record.curves(title, "numbers a layer", "products", *series, x_log=True, y_log=True)
    return record.because(f"""
        All {3 * len(sizes)} Jacobians have the shapes that the notes give, and products of them
        equal the whole to {max(errors):.0e}: [1 x 2] times [2 x 4] is [1 x 4]. What a framework
        keeps is another convention: PyTorch's .grad of a column [n x 1] is a column too
        ({transposed} of {len(sizes)} cases, the others having n = 1), the row turned round, so that
        x - rate * x.grad makes sense. And nobody writes the matrices out: a row that is sent down
        through L layers of n costs L n^2 products, the matrices themselves L n^3.
    """)


def _by_hand(x: Tensor, v: Tensor, w: Tensor) -> Tensor:
    """The Jacobian of W tanh(V x) by x, node by node."""
    graph = Graph(torch.float64)
    graph.input("x")
    graph.parameter("v", v)
    graph.parameter("w", w)
    graph.add("s", Affine(), "x", "v", None)
    graph.add("z", Affine(), graph.add("u", Tanh(), "s"), "w", None)
    return by_chain(graph, x[None], wrt="x")
