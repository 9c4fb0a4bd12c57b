"""Minima: one on a convex loss; elsewhere the width decides where runs end."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, jacrev, vmap
from torch.nn.functional import cross_entropy

from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, share
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, shares
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.lab.tools.samples import samples
from cutaway.learn.fleet.stack import Stack
from cutaway.learn.optim import Closure
from cutaway.learn.optim.lbfgs import AnyOrderLBFGS
from cutaway.models.mlp import MLP
from cutaway.randomness import generator

POINTS = 64
TEACHER = 3
"""Hidden units of the network that the others imitate."""
RIDGE = 1e-2
ZERO, REST = 1e-5, 1e-5
"""A loss that counts as 0, where the goal's variance is 1; a gradient that counts as none."""


def where_they_end(convex: Effect, narrow: Effect, wide: Effect) -> Verdict:
    """Holds if convex runs end within 0.001 of each other's loss and above 99 % of the others (the
    intervals' lower ends) above the global minimum, narrow or wide; with limits if convex runs do
    and more than 10 % of the narrowest networks end above it, but fewer than 50 % of the widest
    (upper end); does not hold if convex runs part, or fewer than 10 % of the narrowest end above;
    else undecided."""
    if convex.value > 1e-3 or narrow.high < 10:
        return Verdict.FAILS
    if min(narrow.low, wide.low) > 99:
        return Verdict.HOLDS
    return Verdict.LIMITED if narrow.low > 10 and wide.high < 50 else Verdict.UNDECIDED


@claim(
    "3.7",
    says="On a convex loss every start reaches the same minimum; otherwise runs end in local "
    "minima, over 99.9 % of them.",
    source="statistics lecture, week 4, gradient descent and convex functions",
    rule=where_they_end,
    otherwise="Goals that no network of that width can meet, whose global minimum is not known; a "
    "search that does not stop at the first rest.",
    baseline="A global minimum that is known to be 0, since the goals are the answers of a network "
    "of three hidden units; for the convex loss the end of the first start.",
    doubt="Whether runs end in local minima depends on how much wider the network is than it need "
    "be; 99.9 % is given without a source.",
    full={"replicates": 256, "steps": 3000, "polish": 200, "widths": (3, 4, 6, 12, 24, 48)},
)
def ends(
    widths: tuple[Annotated[int, Range(3, 256)], ...] = (3, 4, 6, 12),
    steps: Steps = 500,
    polish: Annotated[int, Range(1, 10_000)] = 60,
    replicates: Replicates = 32,
    seed: Seed = 0,
) -> Evidence:
    """Softmax regression on digits from far apart random starts: a convex loss. Then networks of
    several widths imitate random networks of three hidden units at 64 points, so that the global
    minimum is known to be 0: Adam, then Levenberg and Marquardt's steps until they rest. A rest
    where the Hessian has no negative eigenvalue is a minimum."""
    starts, losses, apart = convex_ends(seed)
    fits = [imitated(m, steps, polish, replicates, seed) for m in widths]
    above = [int((loss > ZERO).sum()) for loss, *_ in fits]
    kinds = [counts(*one) for one in fits]
    names = ("global minimum", "local minimum", "saddle", "still moving")
    narrow, wide = (
        share(f"networks of {m} units above the global minimum", n, replicates)
        for m, n in ((widths[0], above[0]), (widths[-1], above[-1]))
    )
    record = Record()
    record.effects(
        convex=exact("largest difference of the convex ends", losses.max() - losses.min()),
        narrow=narrow,
        wide=wide,
    )
    rows = [
        (k, *map(float, row)) for k, row in enumerate(zip(starts, losses, apart, strict=True), 1)
    ]
    columns = "start | loss there | loss at the end | weights from the first's"
    record.table("Softmax regression", rows, columns)
    cells = [
        (m, *kind, loss[loss > ZERO].median().item() if n else None)
        for m, kind, (loss, *_), n in zip(widths, kinds, fits, above, strict=True)
    ]
    record.table(
        f"Imitating {TEACHER} units", cells, ("hidden units", *names, "median loss of the rest")
    )
    _drawn(record, widths, names, kinds, [loss for loss, *_ in fits], replicates)
    return record.because(f"""
        The convex half is right: {len(losses)} starts whose losses lay between {starts.min():.1f}
        and {starts.max():.1f} ended within {losses.max() - losses.min():.0e} of each other, and
        their weights within {apart.max():.0e}. The other half holds for networks that are barely
        wide enough: of {replicates} with {widths[0]} units, as many as the teacher has, {above[0]}
        ended above the global minimum, {kinds[0][1]} of them at rest in a true local minimum,
        {kinds[0][3]} still sliding down slopes that hardly slope. With {widths[-1]} units, which
        are {4 * widths[-1] + 1} weights for {POINTS} points, {above[-1]} did. So 99.9 % is no law:
        where runs end is a matter of width, and networks in use are wide for their task. What
        cannot be told there is whether a loss near 0 is the same minimum; there are whole surfaces
        of them.
    """)


def _drawn(
    record: Record,
    widths: tuple[int, ...],
    names: tuple[str, ...],
    kinds: list[tuple[int, int, int, int]],
    losses: list[Tensor],
    replicates: int,
) -> None:
    """Record the kinds of places where runs end, and their losses."""
    series = [
        shares(name, widths, [k[i] for k in kinds], replicates) for i, name in enumerate(names)
    ]
    record.curves(
        "Where runs end", "hidden units", "runs (%)", *series, x_log=True, levels={99.9: "99.9 %"}
    )
    curves = [
        line(
            f"{m} units",
            100 * torch.arange(1, replicates + 1) / replicates,
            loss.sort().values.clamp(min=1e-14),
        )
        for m, loss in zip(widths, losses, strict=True)
    ]
    title = "Losses at the ends, sorted"
    record.curves(title, "runs (%)", "loss", *curves, y_log=True, levels={ZERO: "counts as 0"})


def convex_ends(
    seed: int, n: int = 8
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Losses at random starts and where L-BFGS ends, and how far those weights are from the
    first's."""
    learned, _ = samples(load("digits"), seed, train=400)
    x, weights, losses = learned.x.double(), [], []
    for k in range(n):
        net = MLP(64, [], 10).double()
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(torch.randn(p.shape, generator=generator(seed, "3.7", k)))

        def loss(_: bool = True, net: MLP = net) -> list[Tensor]:
            pull = sum(p.square().sum() for p in net.parameters())
            return [cross_entropy(net(x), learned.t) + RIDGE / 2 * pull]

        losses.append(loss()[0].item())
        optimizer = AnyOrderLBFGS(
            net.parameters(),
            max_iter=300,
            tolerance_grad=1e-9,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )
        optimizer.step(Closure(loss, list(net.parameters())))
        losses.append(loss()[0].item())
        weights.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    apart = torch.stack([(w - weights[0]).norm() for w in weights])
    return torch.tensor(losses[::2]), torch.tensor(losses[1::2], dtype=torch.float64), apart


def imitated(
    width: int, steps: int, polish: int, replicates: int, seed: int
) -> tuple[Float[Tensor, " r"], Float[Tensor, " r"], Float[Tensor, " r"]]:
    """Each network's loss at its end, the gradient's norm and the Hessian's least eigenvalue.

    Each has a teacher of its own, whose answers are brought to mean 0 and variance 1.
    """
    g = generator(seed, "3.7", "points")
    x = torch.randn(POINTS, 1, 1, 2, generator=g, dtype=torch.float64)
    teachers = Stack([MLP(2, [TEACHER], 1, "tanh").double() for _ in range(replicates)])
    with torch.no_grad():
        for p in teachers.parameters():
            p.copy_(2 * torch.randn(p.shape, generator=g, dtype=torch.float64))
        y = teachers(x).squeeze(-1)
        y = (y - y.mean(1, keepdim=True)) / y.std(1, correction=0, keepdim=True)
    nets = Stack([MLP(2, [width], 1, "tanh").double() for _ in range(replicates)])
    optimizer = torch.optim.Adam(nets.parameters(), 0.05)

    def losses(step: int) -> Tensor:
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
        return (nets(x).squeeze(-1) - y).square().mean(1)

    minimise(losses, optimizer, steps)
    flat = torch.stack(
        [torch.cat([p.detach().flatten() for p in net.parameters()]) for net in nets.networks]
    )
    return Imitation(nets.networks[0], x, y).rested(flat, polish)


class Imitation:
    """Residuals of many networks of one shape, as functions of their flat weights.

    Attributes:
        y: each network's goals.
    """

    def __init__(self, net: torch.nn.Module, x: Float[Tensor, "n 1 1 k"], y: Float[Tensor, "r n"]):
        self.x, self.y = x, y
        self._empty = net
        self._shapes = {name: p.shape for name, p in net.named_parameters()}

    def residuals(self, w: Float[Tensor, " p"], y: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        parts = w.split([shape.numel() for shape in self._shapes.values()])
        named = {k: v.view(s) for (k, s), v in zip(self._shapes.items(), parts, strict=True)}
        answer: Tensor = functional_call(self._empty, named, (self.x,))
        return answer[:, 0] - y

    def loss(self, w: Float[Tensor, " p"], y: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        return self.residuals(w, y).square().mean()

    def rested(
        self, w: Float[Tensor, "r p"], steps: int
    ) -> tuple[Float[Tensor, " r"], Float[Tensor, " r"], Float[Tensor, " r"]]:
        """Levenberg-Marquardt steps, each network with a damping of its own, kept where the loss
        falls; then loss, gradient and least curvature."""
        damping = torch.full_like(w[:, 0], 1e-3)
        eye = torch.eye(w.shape[1], dtype=w.dtype)
        error, jacobian = vmap(self.residuals), vmap(jacrev(self.residuals))
        e = error(w, self.y)
        for _ in range(steps):
            j = jacobian(w, self.y)
            b = j.mT @ j + damping[:, None, None] * eye
            trial = w - torch.linalg.solve(b, (j.mT @ e[..., None]))[..., 0]
            tried = error(trial, self.y)
            better = tried.square().sum(1) < e.square().sum(1)
            w, e = (torch.where(better[:, None], a, b) for a, b in ((trial, w), (tried, e)))
            damping = torch.where(better, damping / 5, damping * 5).clamp(1e-12, 1e6)
        n = self.y.shape[1]
        slope = 2 / n * (jacobian(w, self.y).mT @ e[..., None])[..., 0]
        bend = vmap(jacrev(jacrev(self.loss)))(w, self.y)
        return e.square().mean(1), slope.norm(dim=1), torch.linalg.eigvalsh(bend)[:, 0]


def counts(
    loss: Float[Tensor, " r"], slope: Float[Tensor, " r"], least: Float[Tensor, " r"]
) -> tuple[int, int, int, int]:
    """At the global minimum, in a local one, at a saddle, still moving."""
    above, rests = loss > ZERO, slope < REST
    bent = least < -REST
    kinds = (~above, above & rests & ~bent, above & rests & bent, above & ~rests)
    return tuple(int(kind.sum()) for kind in kinds)  # type: ignore[return-value]
