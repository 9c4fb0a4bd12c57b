"""The marks of a good architecture, each taken away by itself."""

from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.lab.chapters.generation.waves import (
    FLAT,
    FREQUENCY,
    INSIDE,
    OUTSIDE,
    Fits,
    Steps,
    Waves,
    truth,
)
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, over
from cutaway.lab.settings import Range, Replicates, Seed
from cutaway.lab.tools.clock import in_turn

RELUS = "five layers of ReLUs"
WIDTH = 32
"""Of the layer whose products are done one after the other, and at once."""


def needed(unable: Effect, able: Effect, needless: Effect, waiting: Effect) -> Verdict:
    """Each mark is taken away by itself, and counts if something is lost: the truth can be written
    down if one wave is within half of a flat line's error and missed if the best cubic is not; what
    is needless costs if its error outside the data is larger (interval of the ratio above 1), what
    is not parallel if the same products take longer one after the other (above 1). Holds if all
    three count; with limits if at least one counts and another shows that it costs nothing (an
    error below the half, an interval below 1); does not hold if none counts and all show that; else
    undecided."""
    bound = FLAT / 2
    lost = (
        unable.low > bound and able.high < bound,
        needless.low > 1,
        waiting.low > 1,
    )
    kept = unable.high < bound, needless.high < 1, waiting.high < 1
    if sum(lost) + sum(kept) < 3:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if all(lost) else Verdict.LIMITED if any(lost) else Verdict.FAILS


@claim(
    "7.12",
    says="A good architecture can express the true function, is not needlessly complex, and can be "
    "computed in parallel.",
    source="statistics week 4, page 37, the marks beside the search by gradients (7.10)",
    rule=needed,
    baseline="For the first mark a flat line, 0.7 from the wave; for the second the architecture "
    "with one wave and nothing else; for the third the same products done all at once, where 1 "
    "is no difference.",
    otherwise="Points without noise and many of them: then the waves that are not needed find "
    "nothing to follow. On a GPU the third mark weighs more.",
    doubt="Are these marks of what generalises, as the page says, or of what can be afforded?",
    evening={"points": 32, "replicates": 32, "steps": 2000},
    full={"points": 32, "replicates": 64, "steps": 5000},
)
def other_marks(
    points: Annotated[int, Range(4, 1000)] = 16,
    noise: Annotated[float, Range(0, 1)] = 0.1,
    waves: tuple[Annotated[int, Range(1, 64)], ...] = (1, 2, 4, 8, 16),
    length: Annotated[int, Range(16, 65_536)] = 512,
    steps: Steps = 400,
    replicates: Replicates = 8,
    seed: Seed = 0,
) -> Evidence:
    """One wave and a cubic, of four numbers each, are set as near to the truth as they can be.
    Then sums of more waves than needed learn noisy points between -1 and 1, each the best of 16
    starts by its training error. At last as many products are done one after the other, as a
    recurrent layer does them, and at once."""
    relu = Fits(RELUS, 64, WIDTH, steps, 4, seed, starts=2, reach=OUTSIDE)
    sums = {k: Fits(k, points, 0, steps, replicates, seed, starts=16, noise=noise) for k in waves}
    outside = {k: f.error(True) for k, f in sums.items()}
    few, many = min(waves), max(waves)
    times = torch.tensor([_times(length) for _ in range(replicates)])
    cubic, wave = _cubic(relu.grid), _wave(relu.grid)
    record = Record()
    record.effects(
        unable=exact("error of the best cubic that knows the truth everywhere", cubic),
        able=exact("error of one wave that does", wave),
        needless=ratio(f"error outside, {many} waves to {few}", outside[few], outside[many]),
        waiting=ratio("time, one after the other to at once", times[:, 1], times[:, 0]),
        relus=mean("error of ReLUs that know the truth everywhere", relu.error(True)),
    )
    rows = [(k, 3 * k + 1, f.misfit().mean(), f.error(False).mean(), f.error(True).mean())
            for k, f in sums.items()]  # fmt: skip
    columns = "waves | parameters | training error | error inside | error outside"
    record.table(f"{points} points with noise of {noise:g}", rows, columns)
    first, second = times.mean(0).tolist()
    products = [("one after the other", length, 1e3 * first), ("at once", 1, 1e3 * second)]
    record.table(f"{length} products with a matrix of {WIDTH} x {WIDTH}", products,
                 "products | that wait for each other | time (ms)")  # fmt: skip
    _figures(record, sums, waves)
    return record.because(f"""
        The best cubic is {cubic:.2f} from the truth, one wave, of as many numbers, {wave:.0e}. That
        a function can be expressed is needed and not enough: ReLUs that are told the truth
        everywhere come to {relu.error(True).mean().item():.2f}, and go straight where they are not
        (7.10). With {points} noisy points {many} waves fit their points best
        ({sums[many].misfit().mean().item():.3f} against {sums[few].misfit().mean().item():.3f} with
        {few}) and are {outside[many].mean().item():.2f} off outside, one wave
        {outside[few].mean().item():.2f}. The same products take {first / second:.0f} times as long
        one after the other on this processor. The third mark is one of cost alone: the recurrence
        of 7.10, which must wait at each step, follows the wave exactly and is the easiest to
        search.
    """)


def _cubic(x: Float[Tensor, "n"]) -> float:
    """Root mean square distance of the best cubic from the truth."""
    A = torch.stack([x**k for k in range(4)], 1).double()
    y = truth(x).double()[:, None]
    return (A @ torch.linalg.lstsq(A, y).solution - y).square().mean().sqrt().item()


@torch.no_grad()
def _wave(x: Float[Tensor, "n"]) -> float:
    """Root mean square distance of one wave, its numbers set, from the truth."""
    wave = Waves()
    for number, value in ((wave.w, FREQUENCY), (wave.b, 0.5), (wave.a, 1.0)):
        number.fill_(value)
    return (wave(x[:, None])[:, 0] - truth(x)).square().mean().sqrt().item()


@torch.no_grad()
def _times(length: int) -> list[float]:
    """Seconds of `length` products with one matrix: in a row, each of the last; and at once."""
    row = nn.RNN(WIDTH, WIDTH, batch_first=True)
    once = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh())
    x = torch.randn(1, length, WIDTH)
    return in_turn([lambda: row(x), lambda: once(x)], 5)


def _figures(record: Record, sums: dict[int, Fits], waves: tuple[int, ...]) -> None:
    """Errors by the number of waves, and one fit of the fewest and of the most."""
    series = [
        over(name, waves, torch.stack([f.error(part) for f in sums.values()]), ratios=True)
        for name, part in (("inside the data", False), ("outside", True))
    ]
    axes = "waves in the sum", "error"
    levels = {FLAT: "a flat line"}
    record.curves(
        "Waves that are not needed", *axes, *series, x_log=True, y_log=True, levels=levels
    )
    some = {k: sums[k] for k in (min(waves), max(waves))}
    grid = sums[min(waves)].grid[::4]
    fits = [line(f"waves: {k}", grid, f.y[0, 0, ::4]) for k, f in some.items()]
    fit = sums[min(waves)]
    known = line("points", fit.x[0, :, 0], fit.t[0, :, 0], dots=True)
    marks = {-INSIDE: "data", INSIDE: "data"}
    shown = (line("truth", grid, truth(grid)), *fits, known)
    record.curves("Through the same points", "x", "y", *shown, marks=marks)
