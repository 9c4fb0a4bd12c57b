"""The shape of a scalar's derivative by a matrix."""

from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import Part
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.randomness import generator

Scalar = Callable[[Float[Tensor, "n m"]], Float[Tensor, ""]]
STEP = 1e-5
"""Of central differences; their own error is about its square."""


def scalars(n: int, m: int, g: torch.Generator) -> dict[str, Scalar]:
    """Scalar functions of a matrix X of n rows and m columns, with numbers drawn for each."""

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    a, b, c, d = draw(n), draw(m), draw(n, n), draw(m, m)
    eye = torch.eye(m, dtype=torch.float64)
    return {
        "a' X b": lambda x: a @ x @ b,
        "tr(X' C X D)": lambda x: (x.T @ c @ x @ d).trace(),
        "log det(I + X' X)": lambda x: torch.logdet(eye + x.T @ x) + a @ x @ b,
        "sum of tanh(C X)": lambda x: (c @ x).tanh().sum(),
    }


def gradient(y: Scalar, x: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Autograd's, in the shape in which it keeps it."""
    s = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(y(s), s)
    return found


def off_definition(y: Scalar, x: Tensor, d: Float[Tensor, "m n"], g: torch.Generator) -> float:
    """How far dy is from tr(D dX) along a random dX, as a share of what it could be at most."""
    along = torch.randn(x.shape, generator=g, dtype=torch.float64)
    slope = (y(x + STEP * along) - y(x - STEP * along)) / (2 * STEP)
    return ((slope - (d @ along).trace()).abs() / (d.norm() * along.norm())).item()


def off_chain(
    y: Scalar, w: Float[Tensor, "k p"], x: Float[Tensor, "p m"]
) -> tuple[float, tuple[int, ...]]:
    """For Z = W X: how far (dy/dZ) W is from dy/dX, and X (dy/dZ) from dy/dW, all of them in the
    layout of the notes, as a share of their size; and the shape of the first product."""
    above = gradient(y, w @ x).T
    by_x, by_w = gradient(lambda s: y(w @ s), x).T, gradient(lambda s: y(s @ x), w).T
    products = ((above @ w, by_x), (x @ above, by_w))
    worst = max(((a - b).norm() / b.norm()).item() for a, b in products)
    return worst, tuple((above @ w).shape)


def laid_out(definition: Effect, chained: Effect, other: Effect, kept: Effect) -> Verdict:
    """Holds if the derivative laid out as [m x n] obeys its definition, dy = tr(D dX) (errors below
    1e-6, against differences), is what products of the chain rule give (below 1e-10), and is what
    autograd keeps; with limits if autograd keeps the other shape; does not hold if [m x n] fails
    either; undecided if the other arrangement passes as well (an error below 0.001 in square
    matrices), so that nothing here tells them apart."""
    if not other.value > 1e-3:
        return Verdict.UNDECIDED
    if not (definition.value < 1e-6 and chained.value < 1e-10):
        return Verdict.FAILS
    return Verdict.HOLDS if kept.value == 0 else Verdict.LIMITED


@claim(
    "2.9",
    says="The derivative of a scalar by a matrix X of [n x m] is a matrix of [m x n].",
    source="notes on statistics, week 4, p. 21",
    rule=laid_out,
    otherwise="The other convention, in which a derivative has the shape of X: dy is then the sum "
    "of the products of their numbers, and the chain rule multiplies transposed matrices.",
    baseline="The same numbers arranged as X is: in square matrices, where both can be put into "
    "dy = tr(D dX), that arrangement has to miss it.",
    doubt="Frameworks keep [n x m]. Which is right, and does it matter?",
    full={"replicates": 512, "most": 24},
)
def scalar_by_matrix(
    replicates: Replicates = 48, most: Annotated[int, Range(2, 64)] = 6, seed: Seed = 0
) -> Evidence:
    """Four scalar functions of random matrices, in float64. Their derivative in the layout of the
    notes is put into its definition, and dy is measured by differences, which know no layout; and
    into the chain rule for Z = W X. In square matrices the other arrangement is tried too, and
    small steps X - rate D are taken with the layout as it stands."""
    g = generator(seed, "2.9")
    sizes = [(2 + i % 2, 3 - i % 2, 2) for i in range(2)]
    sizes += (torch.randint(most, (replicates, 3), generator=g) + 1).tolist()
    errors, others = dict[str, list[float]](), dict[str, list[float]]()
    chained, kept, oblong = list[float](), 0, 0
    fell, turned = list[bool](), list[bool]()
    for n, m, k in sizes:
        x, w, square = (
            torch.randn(*shape, generator=g, dtype=torch.float64)
            for shape in ((n, m), (k, n), (n + 1, n + 1))
        )
        for name, y in scalars(n, m, g).items():
            found = gradient(y, x)
            errors.setdefault(name, []).append(off_definition(y, x, found.T, g))
            kept += n != m and found.shape != (m, n)
            oblong += n != m
        for y in scalars(k, m, g).values():
            worst, shape = off_chain(y, w, x)
            chained.append(worst if shape == (m, n) else 1.0)
        for name, y in scalars(n + 1, n + 1, g).items():
            found = gradient(y, square)
            others.setdefault(name, []).append(off_definition(y, square, found, g))
            for along, lower in ((found.T, fell), (found, turned)):
                lower.append(bool(y(square - 1e-4 / found.norm() * along) < y(square)))
    most_off = {name: (max(errors[name]), max(others[name])) for name in errors}
    fallen = [100 * sum(of) / len(of) for of in (fell, turned)]
    right, wrong = max(a for a, _ in most_off.values()), min(b for _, b in most_off.values())
    record = Record()
    record.effects(
        definition=exact("largest error of dy = tr(D dX), D being [m x n]", right),
        chained=exact("largest error of the chain rule in that layout", max(chained)),
        other=exact("the same arranged as X is, least of the functions", wrong),
        kept=exact(f"gradients that autograd keeps as [n x m], of {oblong} oblong ones", kept),
        fell=share("square X: steps along D as it stands that lower y", sum(fell), len(fell)),
        turned=share("steps along its transpose that do", sum(turned), len(turned)),
    )
    rows = [(name, a, b) for name, (a, b) in most_off.items()]
    record.table("Largest error of dy = tr(D dX)", rows, "y | D [m x n] | as X is [n x m]")
    _drawn(record, most_off)
    return record.because(f"""
        The layout of the notes is consistent: a row for a column (p. 20) becomes [m x n] for
        [n x m], dy is tr(D dX) to {right:.0e}, and (dy/dZ) W and
        X (dy/dZ) are the derivatives by X and by W to {max(chained):.0e}, shapes and all. The same
        numbers arranged as X is miss that definition by up to
        {max(b for _, b in most_off.values()):.1f} of what dy can be. Autograd keeps the other
        layout: {kept} of {oblong} gradients of oblong matrices are [n x m], so that X - rate x
        gradient can be formed. With D it cannot, unless X is square; and there it goes wrong
        without a word: {fallen[0]:.0f} % of small steps along D as it stands lowered y,
        {fallen[1]:.0f} % of those along its transpose. The page is right where the transpose is
        written into the update, as it is for a gradient that is a row.
    """)


def _drawn(record: Record, most_off: dict[str, tuple[float, float]]) -> None:
    """The largest error of each function in either arrangement."""
    parts = [
        Part(label, tuple(max(of[i], 1e-18) for of in most_off.values()))
        for i, label in enumerate(("[m x n]", "as X is"))
    ]
    title, caption = "Largest error of dy = tr(D dX)", "An error of 0 is drawn as 1e-18."
    record.bars(title, "relative error", most_off, *parts, log=True, caption=caption)
