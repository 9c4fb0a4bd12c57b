"""Three units between a shadow and itself, and what each of them tells."""

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway import models
from cutaway.data.feed import to_float
from cutaway.data.generated.shadows import CELLS
from cutaway.data.sources import load
from cutaway.lab.evidence import Effect, Evidence, Record, Verdict, exact, mean, ratio
from cutaway.lab.experiment import claim
from cutaway.lab.figures import line, part
from cutaway.lab.settings import Range, Replicates, Seed, Steps
from cutaway.lab.tools.learning import minimise
from cutaway.learn.fleet.stack import Stack


def height_error(code: Float[Tensor, "n d"], height: Float[Tensor, "n"], k: int = 7) -> float:
    """Error (cells, root mean square) of a height that is read from the code alone: the mean height
    of the k other examples whose codes are nearest."""
    apart = torch.cdist(code, code)
    apart.fill_diagonal_(torch.inf)
    near = apart.topk(k, largest=False).indices
    return (height[near].mean(1) - height).square().mean().sqrt().item()


def encrypted(error: Effect, alone: Effect) -> Verdict:
    """Holds if the error of reconstruction is less than a fifth of the spread of the shadows and
    no unit alone tells the height: with the best one alone it is read with at least twice the error
    of all three (both intervals); with limits if only the first is so; does not hold if the error
    is above a half; else undecided."""
    if error.low > 50:
        return Verdict.FAILS
    if error.high >= 20:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if alone.low > 2 else Verdict.LIMITED


@claim(
    "7.1",
    says="An autoencoder with three hidden units reconstructs the shadows of things of any height, "
    "and no unit has a meaning of its own: the code is an encrypted generalisation.",
    source="MIT 6.034 lecture, autocoding",
    rule=encrypted,
    otherwise="A penalty that makes units independent or sparse: then single units may come to "
    "mean something.",
    full={"replicates": 64, "steps": 10_000},
)
def shadow_code(
    steps: Steps = 1500,
    lr: Annotated[float, Range(1e-5, 1)] = 0.03,
    replicates: Replicates = 12,
    seed: Seed = 0,
) -> Evidence:
    """Ten cells, three sigmoid units, ten cells learn 300 shadows. Then the height is read from all
    three units, and from each alone."""
    x = to_float(load("shadows").images)
    height = x.flatten(1).sum(1)
    nets = Stack([models.build("shadow_autoencoder", 1, 10, (CELLS,)) for _ in range(replicates)])

    def losses(_: int) -> Tensor:
        return (nets(x) - x).square().flatten(1).mean(1)

    history = minimise(losses, torch.optim.Adam(nets.parameters(), lr), steps)
    spread = (x - x.mean(0)).square().mean().sqrt()
    error = (100 * history[-1].sqrt() / spread).numpy()
    with torch.no_grad():
        codes = torch.stack([net.get_submodule("encoder")(x) for net in nets.networks])
    together = [height_error(code, height) for code in codes]
    each = [[height_error(code[:, [k]], height) for k in range(3)] for code in codes]
    best = [min(one) for one in each]
    components = torch.linalg.svdvals((x - x.mean(0)).flatten(1))
    linear = 100 * (components[3:].square().sum() / components.square().sum()).sqrt().item()
    figure = np.array([sorted(one) for one in each]).T
    record = Record()
    record.effects(
        error=mean("error, of the shadows' own spread", error, "%"),
        alone=ratio("height from the best unit, to that from all three", together, best),
        linear=exact("the same error, best three linear units", linear, "%"),
    )
    rows = [(r, a, *b) for r, (a, b) in enumerate(zip(together, each, strict=True))]
    columns = "replicate | all three | unit 1 | unit 2 | unit 3"
    record.table("Error of the height that is read (cells)", rows, columns)
    order = height.argsort()
    units = (line(f"unit {k + 1}", height[order], codes[0][order, k]) for k in range(3))
    record.curves("The three units of one network", "height (cells)", "output of the unit", *units)
    title = "Error of the height"
    groups = ("all three", "best unit", "second", "third")
    parts = part("all replicates", np.vstack([together, figure]))
    record.bars(title, "error of the height (cells)", groups, parts)
    return record.because(f"""
        The error is {error.mean():.1f} % of the spread of the shadows; the best linear code of
        three numbers leaves {linear:.1f} %. From all three units a height is read to
        {np.mean(together):.2f} cells, from the best alone to {np.mean(best):.2f}, from the worst to
        {figure[2].mean():.2f}. Each unit rises or falls in a band of heights and is flat in the
        others, so that it says something there and nothing elsewhere, and which band that is
        differs from start to start. 'Encrypted' goes far: with one cause behind the pictures every
        unit is a function of the height, and the three together lie along one curve.
    """)
