"""Room 3: ways down a surface, and how long a step may be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.figures import Axis, Curves, Plane
from cutaway.figures.build import line
from cutaway.lab.chapters.optimisation.momentum import by_momentum
from cutaway.lab.chapters.optimisation.shapes import bowl, stairs, valleys
from cutaway.learn.optim import Closure
from cutaway.learn.optim.newton import Newton
from cutaway.settings import setting
from cutaway.studio.rooms.base import Figures, Piece, Question, Room, Section

REACH, GRID, BANDS = 2.0, 96, 14
"""The plane goes so far from the floor; places a side; heights that are told apart."""
FAR = 1e6
"""Who is as far away as this has left for good."""
STEEPEST = 98.0
"""The valley's curvature across; along it is 1."""
Place = Float[Tensor, "*n 2"]
Surface = Callable[[Place], Float[Tensor, "*n"]]


def from_lab(shape: Callable[[Tensor, Tensor], Tensor]) -> Surface:
    """One of the lab's shapes, which are of one number each, in two."""

    def surface(w: Place) -> Float[Tensor, "*n"]:
        flat = w.reshape(-1, 2)
        return shape(flat, torch.ones(len(flat), 1, dtype=w.dtype)).sum(-1).view(w.shape[:-1])

    return surface


def valley(w: Place) -> Tensor:
    return (w[..., 0].square() + STEEPEST * w[..., 1].square()) / 2


def saddle(w: Place) -> Tensor:
    """Down along the second axis and up along the first; floors at (0, 1) and (0, -1)."""
    return w[..., 0].square() / 2 + w[..., 1].square() * (w[..., 1].square() - 2) / 4


SURFACES: dict[str, Surface] = {
    "bowl": from_lab(bowl), "valley": valley, "ripples": from_lab(valleys), "saddle": saddle,
    "stairs": from_lab(stairs),
}  # fmt: skip
METHODS = ("plain", "momentum", "adam", "newton")


@dataclass(frozen=True)
class Way:
    """The settings of a way down."""

    surface: str = setting("valley", "The loss of two weights.", choices=tuple(SURFACES))
    method: str = setting("plain", "How a step follows from the gradient.", choices=METHODS)
    rate: float = setting(0.02, "The length of a step for a gradient of 1.", low=1e-4, high=3.0)
    momentum: float = setting(0.8, "The share of the last step that is kept.", low=0.0, high=0.99)
    steps: int = setting(60, "How many steps are taken.", low=1, high=400)
    x: float = setting(-1.6, "Where it begins: first weight.", low=-REACH, high=REACH)
    y: float = setting(1.4, "Where it begins: second weight.", low=-REACH, high=REACH)


@dataclass(frozen=True)
class Jump(Way):
    """The same, where a step is Newton's."""

    method: str = setting("newton", "How a step follows from the gradient.", choices=METHODS)
    steps: int = setting(1, "How many steps are taken.", low=1, high=400)


def descent(way: Way) -> tuple[Place, Float[Tensor, " t"]]:
    """Each place on the way down and the loss there; it ends early where it leaves for good."""
    surface = SURFACES[way.surface]
    w = nn.Parameter(torch.tensor([way.x, way.y], dtype=torch.float64))
    step = stepper(way, surface, w)
    path = [w.detach().clone()]
    for _ in range(way.steps):
        step()
        if not w.detach().abs().max() < FAR:
            break
        path.append(w.detach().clone())
    places = torch.stack(path)
    return places, surface(places)


def stepper(way: Way, surface: Surface, w: nn.Parameter) -> Callable[[], Any]:
    """What takes a step. Newton's takes no notice of the rate."""
    closure = Closure(lambda _: [surface(w)], [w])
    if way.method == "newton":
        newton = Newton([w], damping=0.0)
        return lambda: newton.step(closure)
    optimizer: torch.optim.Optimizer = torch.optim.Adam([w], way.rate)
    if way.method != "adam":
        beta = way.momentum if way.method == "momentum" else 0.0
        optimizer = torch.optim.SGD([w], way.rate, momentum=beta)

    def step() -> None:
        optimizer.zero_grad()
        surface(w).backward()
        optimizer.step()

    return step


def draw_way(way: Way) -> Figures:
    path, losses = descent(way)
    yield [seen_from_above(way, path), over_steps(way, losses)]


def seen_from_above(way: Way, path: Place) -> Plane:
    low = float(SURFACES[way.surface](path[-1]))
    told = f"After {len(path) - 1} steps: loss {low:.3g} at ({path[-1, 0]:.3g}, {path[-1, 1]:.3g})."
    if len(path) <= way.steps:
        told = f"It diverges: after {len(path) - 1} steps it is more than {FAR:g} away."
    kept = path.clamp(-REACH, REACH)
    return Plane(
        "From above", Axis("first weight"), Axis("second weight"), (-REACH, -REACH),
        (REACH, REACH), GRID, bytes(GRID * GRID), heights(SURFACES[way.surface]),
        ("stronger colour: higher loss",), ((way.x, way.y, 1),), told,
        lines=(replace(line("path", kept[:, 0], kept[:, 1]), role="best"),),
    )  # fmt: skip


def heights(surface: Surface) -> bytes:
    """The surface as bands: equal areas have equal shares of the colours."""
    side = torch.linspace(-REACH, REACH, GRID, dtype=torch.float64)
    y, x = torch.meshgrid(side, side, indexing="ij")
    z = surface(torch.stack([x, y], -1)).detach().flatten()
    ends = z.quantile(torch.linspace(0, 1, BANDS + 1, dtype=z.dtype)[1:-1])
    return (torch.bucketize(z, ends) * (255 // (BANDS - 1))).to(torch.uint8).numpy().tobytes()


def over_steps(way: Way, losses: Float[Tensor, " t"]) -> Curves:
    least = 0.0 if way.surface != "saddle" else -0.25
    series = line("loss", range(len(losses)), losses - least)
    return Curves("Loss", Axis("step", whole=True), Axis("above the floor", "auto"), (series,),
                  form="flat")  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """The settings of two directions of one valley."""

    rate: float = setting(0.02, "The step size.", low=0.001, high=0.05)
    momentum: float = setting(0.99, "The share of the last step that is kept.", low=0.0, high=0.99)
    steps: int = setting(200, "How many steps are taken.", low=10, high=1000)


def draw_rates(rates: Rates) -> Figures:
    ends = torch.tensor([1.0, STEEPEST], dtype=torch.float64)
    steps = range(rates.steps + 1)
    figures = []
    for i, name in enumerate(("Along the valley: curvature 1", "Across it: curvature 98")):
        paths = [
            (f"momentum {b:g}", by_momentum(rates.rate, ends, b, rates.steps)[:, i])
            for b in sorted({0.0, rates.momentum})
        ]
        series = tuple(line(label, steps, path.clamp(-3, 3)) for label, path in paths)
        gone = [label for label, path in paths if not (isfinite(path[-1]) and abs(path[-1]) < 3)]
        caption = (
            f"{' and '.join(gone)}: it diverges; what is beyond 3 is drawn at 3." if gone else ""
        )
        figures.append(
            Curves(name, Axis("step", whole=True), Axis("distance from the floor"), series,
                   ((0.0, ""),), caption=caption, form="flat")
        )  # fmt: skip
    yield figures


WAY = Piece(
    "way", "A way down",
    "The map shows a loss over two weights. Choose a surface and a method; click on the map, or "
    "type, to begin elsewhere.",
    Way, draw_way,
    Question(
        "Plain descent begins in a valley that is 98 times as steep across as along. The step size "
        "is 0.02. What will the path look like?",
        ("It goes straight to the floor.", "It swings from wall to wall and creeps along.",
         "It leaves the map."),
        1,
        "Across the valley each step multiplies the distance by 1 - 0.02 x 98 = -0.96: it changes "
        "sides and shrinks slowly. Along the valley the factor is 0.98.",
    ),
    place=("x", "y"),
)  # fmt: skip
RATES = Piece(
    "rates", "Step size and momentum",
    "The same valley, each direction by itself. Move the step size past 2 / 98 = 0.0204 with a "
    "momentum of 0; then look for the longest step that momentum allows.",
    Rates, draw_rates,
    Question(
        "With a step size of 0.02 and a momentum of 0.99, what happens along the flat direction?",
        ("It arrives sooner, without swinging.", "It stays where it is.",
         "It shoots past the floor and swings for a long time."),
        2,
        "A momentum of 0.99 keeps nearly all of the speed: even the flat direction becomes a "
        "pendulum, whose swings shrink by the root of 0.99 a step.",
    ),
)  # fmt: skip
NEWTON = Piece(
    "newton", "Newton's jump",
    "A step of Newton's method divides the gradient by the curvature, in every direction at once. "
    "Try it on the other surfaces, with more steps.",
    Jump, draw_way,
    Question(
        "How many steps does Newton's method need in this valley, from any start?",
        ("One.", "Two, one for each weight.", "About as many as momentum."),
        0,
        "The valley is a quadratic, and the step solves a quadratic exactly. On surfaces that are "
        "not, each step is only as good as the quadratic that fits there.",
    ),
    place=("x", "y"),
)  # fmt: skip

ROOM = Room(
    3, "Down a surface",
    "Steps, momentum and curvature: why one path swings, another creeps and a third flies away.",
    (
        Section(
            "The gradient knows one place",
            (
                "Learning changes weights so that a loss falls. The gradient says in which "
                "direction the loss grows fastest at the present place, and nothing about the "
                "rest. Plain descent takes a step against it, as long as the gradient is steep.",
                "Two weights are enough to see what becomes of that. A real network has millions, "
                "but along any two directions its loss is a surface like these.",
            ),
            WAY, ("3.1", "3.7", "3.8"),
        ),
        Section(
            "How long a step may be",
            (
                "In a direction of curvature c a step of size r multiplies the distance from the "
                "floor by 1 - rc. Below r = 1/c it shrinks from one side, up to 2/c it swings and "
                "shrinks, and beyond 2/c it grows. The steepest direction sets the limit, and the "
                "flattest one has to live with it.",
                "Momentum adds a share of the last step to the next. Swings cancel and steps in "
                "one direction add up; too much of it makes swings of its own.",
            ),
            RATES, ("3.5", "3.6"),
        ),
        Section(
            "Dividing by the curvature",
            (
                "If steep and flat directions are the trouble, divide by the curvature. Newton's "
                "method does; for n weights the curvature is a table of n x n numbers, which has "
                "to be computed and solved. That is why large networks learn with cheaper methods.",
            ),
            NEWTON, ("3.2",),
        ),
    ),
)  # fmt: skip
