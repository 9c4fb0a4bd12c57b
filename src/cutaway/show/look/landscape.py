"""The loss around the weights, and how sharply it bends."""

from torch.nn import functional as F

from cutaway.lab.evidence import Table
from cutaway.lab.figures import Curves, Images, line
from cutaway.see.landscape import curvature, plane, random_direction
from cutaway.show.look.specimen import Specimen
from cutaway.show.look.view import View, rows_of
from cutaway.show.ramp import coloured

COUNT, BENT = 256, 128
"""Examples that the loss is of, and that its curvature is of."""
STEPS = 13
REACH = 1.0
LANCZOS = 24
LARGE = 20
"""Pixels that a place of the plane is wide."""


def view(specimen: Specimen) -> View:
    specimen.classifying("The loss")
    model, held = specimen.model, specimen.held.some(COUNT)
    first, second = (random_direction(model, seed) for seed in (0, 1))
    at = [REACH * (2 * i / (STEPS - 1) - 1) for i in range(STEPS)]

    def loss() -> float:
        return F.cross_entropy(specimen.answered(held.x), held.t).item()

    found = plane(model, loss, first, second, at, at)
    middle = STEPS // 2
    lines = Curves(
        "Loss along two random directions",
        "way, in lengths of the weights",
        "loss (nats)",
        (line("first", at, found[:, middle]), line("second", at, found[middle])),
        caption="Each filter of a direction is as long as the weights' own (Li et al. 2018).",
    )
    logs = found.clamp(min=1e-6).log()
    shares = (logs - logs.min()) / (logs.max() - logs.min()).clamp(min=1e-9)
    big = (coloured(shares) / 255).repeat_interleave(LARGE, 0).repeat_interleave(LARGE, 1)
    picture: Images = rows_of(
        "Loss over the plane of both",
        [[("the weights are in the middle", big)]],
        f"Dark {found.min().item():.3g}, bright {found.max().item():.3g} nats, equal ratios as "
        "equal steps.",
    )
    said = (
        f"The loss of {len(held)} examples it did not learn from, where all weights are moved. A "
        "wide dark middle: weights that need not be exact.",
    )
    return View("The landscape", said, (lines, picture, *_bends(specimen)))


def _bends(specimen: Specimen) -> tuple[Curves, Table]:
    few = specimen.held.some(BENT)
    values, weights = curvature(
        specimen.model, lambda: F.cross_entropy(specimen.model(few.x), few.t), LANCZOS
    )
    spectrum = Curves(
        "The Hessian's spectrum",
        "curvature of the loss",
        "share of directions (%)",
        (line("Lanczos", values, (100 * weights).clamp(min=1e-6), dots=True),),
        y_log=True,
        caption=f"{len(values)} values by Lanczos on {len(few)} examples: where the loss bends up "
        "(right of 0) and down, and how many directions do.",
    )
    rows = (
        ("largest curvature", round(values[-1].item(), 4)),
        ("smallest", round(values[0].item(), 4)),
        ("rate above which gradient descent diverges, 2 over the largest", 2 / values[-1].item()),
    )
    return spectrum, Table("Sharpness", ("what", "value"), rows)
