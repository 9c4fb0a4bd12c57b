"""The loss around the weights, its curvature, gradient noise and decision boundaries."""

from collections.abc import Iterator
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from cutaway.figures import Axis, Curves, Images, line
from cutaway.lab.evidence import Table
from cutaway.see.boundary import between, plane_of
from cutaway.see.gradients import gradient_spectrum
from cutaway.see.landscape import curvature, plane, random_direction, sharpness
from cutaway.see.probe import answer
from cutaway.show.look.specimen import CannotShow, Examples, Specimen
from cutaway.show.look.view import View, parts, rows_of, squares

COUNT, BENT = 256, 128
"""Examples that the loss is of, and that its curvature is of."""
STEPS = 13
REACH = 1.0
LANCZOS = 24
RADIUS, SINGLE = 0.05, 64
"""The norm of a step for sharpness; examples whose gradients are taken one by one."""


def view(specimen: Specimen) -> View:
    specimen.require_classes()
    held = specimen.few(COUNT)
    text = (
        f"The loss of {len(held)} {specimen.source}, when all weights change along two "
        "directions. A wide dark middle is a flat minimum: small changes of the weights matter "
        "little."
    )
    items, lost = parts(
        {
            "The plane is": partial(_loss_plane, specimen, held),
            "The curvature is": partial(_curvature, specimen),
            "Single examples are": partial(_gradient_noise, specimen),
            "Places between examples are": partial(_decision_boundaries, specimen),
        }
    )
    return View("Loss landscape", (text, *lost), items)


def _loss_plane(specimen: Specimen, held: Examples) -> Iterator[Curves | Images]:
    model = specimen.model
    first, second = (random_direction(model, seed) for seed in (0, 1))
    at = [REACH * (2 * i / (STEPS - 1) - 1) for i in range(STEPS)]

    def loss() -> float:
        return F.cross_entropy(specimen.predict(held.x), held.t).item()

    losses = plane(model, loss, first, second, at, at)
    middle = STEPS // 2
    yield Curves(
        "Loss along two random directions",
        Axis("step, in norms of the weights"),
        Axis("loss (nats)"),
        (line("first", at, losses[:, middle]), line("second", at, losses[middle])),
        caption="Each filter of a direction has the norm of the network's own filter (Li et al. "
        "2018).",
    )
    logs = losses.clamp(min=1e-6).log()
    shares = (logs - logs.min()) / (logs.max() - logs.min()).clamp(min=1e-9)
    yield rows_of(
        "Loss over the plane of both directions",
        [[("the weights are in the middle", squares(shares))]],
        f"Dark {losses.min().item():.3g}, bright {losses.max().item():.3g} nats, on a log scale.",
    )


def _curvature(specimen: Specimen) -> tuple[Curves, Table]:
    few = specimen.few(BENT)

    def loss() -> Tensor:
        return F.cross_entropy(answer(specimen.model, few.x), few.t)

    values, weights = curvature(specimen.model, loss, LANCZOS)
    spectrum = Curves(
        "The Hessian's spectrum",
        Axis("curvature of the loss"),
        Axis("share of directions (%)", "log"),
        (line("Lanczos", values, (100 * weights).clamp(min=1e-6), dots=True),),
        caption=f"{len(values)} values by Lanczos on {len(few)} examples: in which share of the "
        "directions the loss curves up (right of 0) or down, and how strongly.",
    )
    step = sharpness(specimen.model, loss, RADIUS, steps=1).rise
    rows = (
        ("largest curvature", values[-1].item()),
        ("smallest", values[0].item()),
        (
            "learning rate above which gradient descent diverges, 2 / largest curvature",
            2 / values[-1].item(),
        ),
        (f"rise of the loss after a step of {RADIUS} up the gradient (nats)", step),
    )
    return spectrum, Table("Sharpness", ("what", "value"), rows)


def _gradient_noise(specimen: Specimen) -> Iterator[Table]:
    """The spectrum and noise scale of single examples' gradients."""
    few = specimen.few(SINGLE)
    if len(few) < 2:
        raise CannotShow("Gradients of a single example differ from nothing: give more.")
    spectrum = gradient_spectrum(specimen.model, few.x, few.t)
    shares = spectrum.values / spectrum.values.sum().clamp(min=1e-30)
    rows = (
        ("share of the noise in its first direction (%)", 100 * shares[0].item()),
        ("in the first ten (%)", 100 * shares[:10].sum().item()),
        ("noise scale (examples)", spectrum.noise_scale),
    )
    yield Table(f"Gradients of {len(few)} single examples", ("what", "value"), rows)


def _decision_boundaries(specimen: Specimen) -> Iterator[Images | Curves]:
    """Predictions between examples, and over the plane through three."""
    t, shown = specimen.output.argmax(1).tolist(), specimen.shown
    others = [next((i for i, k in enumerate(t) if k == new), 0) for new in dict.fromkeys(t)][1:3]
    if len(others) < 2 or shown.x.ndim != 4:
        return
    a, b, c = (shown.x[i] for i in (0, *others))
    path = between(specimen.model, a, b)
    met = path.probabilities.amax(0).argsort(descending=True)[:4].tolist()
    way = 100 * path.shares
    yield Curves(
        f"From {shown.names[0]} to {shown.names[others[0]]}",
        Axis("position (%)"), Axis("probability (%)"),
        tuple(line(specimen.classes[k], way, 100 * path.probabilities[:, k]) for k in met),
    )  # fmt: skip
    classes = plane_of(specimen.model, a, b, c).classes.cpu()
    there, index = classes.unique(return_inverse=True)
    drawn = squares(index / max(1, len(there) - 1))
    names = ", ".join(specimen.classes[k] for k in there.tolist())
    tiles = [(shown.names[i], shown.pictures[i]) for i in (0, *others)]
    title = "Predictions over the plane through three examples"
    yield rows_of(title, [[*tiles, (f"dark to bright: {names}", drawn)]])
