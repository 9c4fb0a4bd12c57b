"""The lecture's six shapes of a loss, and what each does to methods of gradients."""

from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, part_of
from cutaway.lab.experiment import claim
from cutaway.lab.figures import SHARE, line
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.randomness import generator

Signs = Float[Tensor, "r pieces"]
Loss = Callable[[Float[Tensor, "r n"], Signs], Float[Tensor, "r n"]]
PIECE, REACH = 0.5, 4.0
"""The width of a piece between two jumps; starts lie this far from the floor at most."""
RATES = (0.03, 0.1, 0.3, 1.0)
METHODS = ("sgd", "momentum", "adam")


def bowl(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    """Round at the floor and nearly straight far away, so that the gradient of no place tells how
    far off the floor is: down w^2 / 2 a step of 1 arrives at once, from anywhere."""
    return (1 + w.square()).sqrt() - 1


def valleys(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    """A bowl with ripples as long as two pieces, which turn its slope round again and again."""
    return bowl(w, signs) + 0.3 * (1 - (torch.pi * w / PIECE).cos())


def plain(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    return 1 + 0 * w


def stairs(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    return 2 * bowl(_begins(w), signs) + 0 * w


def wall(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    """1 / |w|, and |w - 2| so that there is a floor; the wall stands behind it."""
    x = (w + REACH) / 2
    return 1 / x.abs() + (x - 2).abs()


def jumping(w: Float[Tensor, "r n"], signs: Signs) -> Float[Tensor, "r n"]:
    """Pieces whose slope is a bowl's times their sign, each of them above all those nearer to the
    floor; the innermost is the bowl's own."""
    begins = _begins(w)
    k = (begins / PIECE).round().nan_to_num().clamp(max=signs.shape[1] - 1).long()
    along = bowl(w, signs) - bowl(begins, signs)
    return 2 * bowl(begins, signs) + signs.gather(1, k) * along


def _begins(w: Tensor) -> Tensor:
    """Where the piece begins, seen from the floor."""
    return (w.detach().abs() / PIECE).floor() * PIECE


SHAPES: dict[str, tuple[Loss, bool]] = {
    "1 bowl": (bowl, False),
    "2 valleys": (valleys, False),
    "3 constant": (plain, False),
    "4 stairs": (stairs, False),
    "5 wall": (wall, False),
    "6 jumps, slopes as the bowl's": (jumping, False),
    "6 jumps, slopes by chance": (jumping, True),
}
"""With the number that the lecture's page gives them; whether signs are drawn."""


def landscapes(n: int, by_chance: bool, g: torch.Generator) -> Signs:
    """For each replicate the signs of the pieces' slopes; the innermost has the bowl's."""
    pieces = int(4 * REACH / PIECE)
    signs = torch.ones(n, pieces, dtype=torch.float64)
    if by_chance:
        signs[:, 1:] = 2.0 * torch.randint(2, (n, pieces - 1), generator=g) - 1
    return signs


def descended(
    loss: Loss, signs: Signs, starts: Float[Tensor, "r n"], method: str, rate: float, steps: int
) -> tuple[Float[Tensor, "r n"], Float[Tensor, " r"]]:
    """Where runs end, and how many steps (%) raised the loss, by replicate."""
    w = nn.Parameter(starts.clone())
    optimizer: torch.optim.Optimizer = torch.optim.Adam([w], rate)
    if method != "adam":
        optimizer = torch.optim.SGD([w], rate, momentum=0.9 if method == "momentum" else 0.0)
    rose, before = torch.zeros(len(starts), dtype=torch.float64), None
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(w, signs)
        value.sum().backward()
        if before is not None:
            rose += (value.detach() > before + 1e-12).double().mean(1)
        before = value.detach()
        optimizer.step()
    return w.detach(), 100 * rose / (steps - 1)


def arrived(w: Float[Tensor, "r n"]) -> Float[Tensor, " r"]:
    """Runs (%) that end in the innermost piece, by replicate; no number has not arrived."""
    return 100 * (w.abs() < PIECE).double().mean(1)


def disturbed(bowl: Effect, kept: Effect, turned: Effect) -> Verdict:
    """Where more than 90 % of the runs arrive in the bowl (the interval's lower end; else it is
    undecided): holds if jumps keep more than a tenth of them away whatever the slopes between are
    (upper ends below 90 %); with limits if they do so where slopes are turned round by chance, but
    with the bowl's slopes more than 90 % arrive; does not hold if more than 90 % arrive with both;
    else undecided."""
    if not bowl.low > 90:
        return Verdict.UNDECIDED
    away, there = [e.high < 90 for e in (kept, turned)], [e.low > 90 for e in (kept, turned)]
    if all(away):
        return Verdict.HOLDS
    if all(there):
        return Verdict.FAILS
    return Verdict.LIMITED if there[0] and away[1] else Verdict.UNDECIDED


@claim(
    "3.11",
    says="Where a loss jumps or changes abruptly, gradients have no consistent direction, "
    "optimisation is unstable and hardly converges.",
    source="statistics lecture, week 4, p. 9, examples of objective functions, the sixth",
    rule=disturbed,
    otherwise="Jumps that lead up towards the floor: then the lowest place is not where the slopes "
    "lead, however they agree.",
    baseline="The bowl, whose slopes are those between the jumps: each shape has the best of three "
    "methods and four rates, chosen on other starts. Of the starts themselves an eighth lies in "
    "the innermost piece.",
    doubt="A gradient is taken inside a piece, and does not know of a jump. Is it the jumps, or "
    "the slopes between them?",
    revised="2026-11-29: the first design had the bowl w^2 / 2, down which one step of 1 arrives "
    "from anywhere, so that on the turned slopes a run only had to wait for a piece that was not. "
    "The new bowl was run with the seeds 3, 4 and 5, unseen before.",
    full={"replicates": 128, "starts": 256, "steps": 2000},
)
def six_shapes(
    starts: Annotated[int, Range(8, 10_000)] = 64,
    steps: Steps = 150,
    replicates: Replicates = 16,
    seed: Seed = 0,
) -> Evidence:
    """Plain SGD, momentum and Adam go down the lecture's six shapes in one dimension, from places
    drawn about the floor. The sixth comes in two kinds of equal jumps: with a bowl's slopes between
    them, and with slopes that are turned round by chance, drawn anew for each replicate."""
    g = generator(seed, "3.11")
    places = REACH * (2 * torch.rand(2, replicates, starts, generator=g).double() - 1)
    grid = torch.linspace(-REACH, REACH, 2001).double().expand(replicates, -1)
    there, rows, paths = dict[str, Effect](), [], dict[str, Tensor]()
    for name, (loss, by_chance) in SHAPES.items():
        signs = landscapes(2 * replicates, by_chance, g).chunk(2)
        tried = {
            (method, rate): arrived(descended(loss, signs[0], places[0], method, rate, steps)[0])
            for method in METHODS
            for rate in RATES
        }
        score = {one: runs.mean().item() for one, runs in tried.items()}
        best = {m: -max((score[m, r], -r) for r in RATES)[1] for m in METHODS}
        each = {m: descended(loss, signs[1], places[1], m, r, steps) for m, r in best.items()}
        chosen = max(METHODS, key=lambda m: score[m, best[m]])
        there[name] = mean(f"runs that arrive, {name[2:]}", arrived(each[chosen][0]), "%", SHARE)
        toward = agreement(loss, signs[1], grid)
        rows.append((name, toward, *(arrived(w).mean() for w, _ in each.values()), chosen,
                     best[chosen], each[chosen][1].mean()))  # fmt: skip
        paths[name] = loss(grid[:1], signs[1][:1])[0]
    smooth, kept, turned = (there[k] for k in ("1 bowl", *list(SHAPES)[-2:]))
    apart = same_paths(places[1], steps)
    record = Record()
    record.effects(
        bowl=smooth,
        kept=kept,
        turned=turned,
        same=exact("furthest that jumps alone move the end of a run of plain SGD", apart),
    )
    columns = "shape | gradient leads to the floor (% of places) | sgd arrives (%) | momentum (%)"
    columns += " | adam (%) | best | its rate | steps that raise the loss (%)"
    record.table("Each at its best rate", rows, columns)
    title = "Runs that arrive, each shape at its best"
    record.bars(title, "runs (%)", there, part_of("runs", there.values()))
    curves = [line(name, grid[0], y) for name, y in paths.items()]
    record.curves("The shapes", "place w", "loss", *curves)
    return record.because(f"""
        A gradient sees the slope of the piece that it stands on and no jump: with a bowl's slopes
        between the jumps, plain SGD ends where it ends in the bowl, to {apart:g}, and
        {kept.value:.0f} % of the runs arrive ({smooth.value:.0f} % without jumps). Where slopes are
        turned round by chance, the gradient leads to the floor from {rows[-1][1]:.0f} % of the
        places, and at its best {turned.value:.0f} % ({turned.low:.0f} to {turned.high:.0f}) arrive.
        Ripples without any jump, the second shape, turn slopes round as well, and there
        {there["2 valleys"].value:.0f} % arrive. So what disturbs is that slopes disagree, which an
        abrupt loss may bring along; that it jumps does not.
    """)


def agreement(loss: Loss, signs: Signs, grid: Float[Tensor, "r n"]) -> float:
    """Places (%) from which the negative gradient leads towards the floor."""
    w = grid.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(w, signs).sum(), w)
    return 100 * (slope * grid > 0).double().mean().item()


def same_paths(starts: Float[Tensor, "r n"], steps: int) -> float:
    """The largest distance between the ends of plain SGD on a bowl without and with jumps."""
    ones = landscapes(len(starts), False, torch.Generator())
    ends = [descended(f, ones, starts, "sgd", 0.1, steps)[0] for f in (bowl, jumping)]
    return (ends[0] - ends[1]).abs().max().item()
