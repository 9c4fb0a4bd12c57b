"""A classifier of a whole truth table: every input, its target and its prediction."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cutaway.data.imageset import ImageSet
from cutaway.errors import CutawayError
from cutaway.learn.classification import Classification
from cutaway.learn.run import Run
from cutaway.learn.task import at_rest
from cutaway.show.pages.base import Outcome, Page, Section, Subject, Tile, build_page
from cutaway.show.words import percent, plural

SECTIONS = (Section("table", "Truth table"),)
ROWS, INPUTS, CELLS = 64, 8, 120
SIDE, BEYOND = 50, 0.25
"""The side of the drawn plane in its own units, and its margin beyond the inputs 0 and 1."""


@dataclass(frozen=True)
class Row:
    name: str
    inputs: tuple[str, ...]
    wanted: str
    answered: str
    right: bool
    probability: float


@dataclass(frozen=True)
class Corner:
    """An input of two numbers as a point of the plane, with its target."""

    x: float
    y: float
    wanted: str
    on: bool
    right: bool


@dataclass(frozen=True)
class Plane:
    """The predictions everywhere in the plane, in 50 x 50 units.

    Attributes:
        path: where the last class is predicted.
        corners: the inputs.
        margin: from the edges to the inputs 0 and 1.
    """

    path: str
    corners: tuple[Corner, ...]
    size: int = SIDE
    margin: float = SIDE * BEYOND / (1 + 2 * BEYOND)


def fits(subject: Subject) -> bool:
    """Whether a classifier learned a set that is all there is, small enough for a table."""
    return subject.whole and len(subject.result) <= ROWS and len(subject.run.data.size) == 1


def page(subject: Subject, why: str = "") -> Page:
    """The page of a whole truth table.

    Args:
        why: what may stand behind rows that are answered wrongly.
    """
    result = subject.result
    assert isinstance(result, Classification)
    n, wrong = len(result), len(result) - result.correct
    lead = [
        f"The table's {plural(n, 'row')} are all the data there are: it was trained and tested on "
        "them, so this figure is exact and not an estimate."
    ]
    if wrong:
        sentence = f"{plural(wrong, 'row is', 'rows are')} predicted wrongly."
        lead.append(f"{sentence} {why}".strip())
    rows = table(result, subject.images)
    sure = all(row.probability in (0, 1) for row in rows)
    tiles = [Tile("Rows right", f"{result.correct} of {n}", percent(result.accuracy))]
    if not sure:
        note = "mean −ln p of the target, in nats"
        tiles.append(Tile("Loss", f"{result.loss:.4f}", note))
    outcome = Outcome(f"{result.correct} of {n}", "rows of the truth table right", lead, tiles)
    content = {"truth": rows, "sure": sure, "plane": plane(subject.run, result, subject.images)}
    return build_page(subject, outcome, SECTIONS, **content)


def table(result: Classification, images: ImageSet | None) -> list[Row]:
    """The rows in the table's own order."""
    rows = []
    for i in result.index.argsort().tolist():
        at, true, answer = int(result.index[i]), int(result.targets[i]), int(result.predicted[i])
        values = (images.images[at].flatten() / 255).tolist() if images else []
        rows.append(
            Row(
                images.names[at] if images else str(at),
                tuple(f"{v:.2g}" for v in values[:INPUTS]),
                result.classes[true], result.classes[answer], true == answer,
                result.probabilities[i, answer].item(),
            )
        )  # fmt: skip
    return rows


def plane(run: Run, result: Classification, images: ImageSet | None) -> Plane | None:
    """The predictions over the plane of two inputs; None for others or without the network."""
    if run.data.size != (2,) or run.data.channels != 1 or images is None:
        return None
    try:
        predictions = _predictions(run)
    except CutawayError:  # a network of one's own that was not handed in
        return None
    last = len(result.classes) - 1
    corners = []
    for i in result.index.argsort().tolist():
        a, b = (images.images[int(result.index[i])].flatten() / 255).tolist()
        true, right = int(result.targets[i]), bool(result.predicted[i] == result.targets[i])
        x, y = (round(_position(v), 2) for v in (a, b))
        corners.append(Corner(x, round(SIDE - y, 2), result.classes[true], true == last, right))
    return Plane(_area((predictions == last).flip(0)), tuple(corners))


def _area(cells: Tensor) -> str:
    """One path that covers the true cells: a rectangle for each stretch of a row."""
    unit, parts = SIDE / CELLS, []
    for row, line in enumerate(cells.int()):
        turns = torch.diff(line, prepend=line.new_zeros(1), append=line.new_zeros(1)).nonzero()
        for start, end in turns.view(-1, 2).tolist():
            width = (end - start) * unit
            parts.append(
                f"M{start * unit:.4g} {row * unit:.4g}h{width:.4g}v{unit:.4g}h-{width:.4g}z"
            )
    return "".join(parts)


def _position(value: float) -> float:
    """The position of an input on an axis of the plane."""
    return (value + BEYOND) / (1 + 2 * BEYOND) * SIDE


def _predictions(run: Run) -> Tensor:
    """The class predicted in each cell: rows are the second input from below, columns the first."""
    at = (torch.arange(CELLS) + 0.5) / CELLS * (1 + 2 * BEYOND) - BEYOND
    second, first = torch.meshgrid(at, at, indexing="ij")
    x = torch.stack([first.flatten(), second.flatten()], 1)[:, None]
    with run.runtime.session(), at_rest(run.model, run.runtime):
        output = run.model(run.data.normalise(x).to(run.runtime.device))
    predictions: Tensor = output.float().argmax(1).cpu()
    return predictions.view(CELLS, CELLS)
