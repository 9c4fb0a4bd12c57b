"""The images behind a confusion matrix: those of each cell with mistakes, and of each class."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from cutaway.data.imageset import ImageSet
from cutaway.learn.classification import Classification
from cutaway.show.pictures import Guess, Picture, Signal, example, guess

IN_A_CELL, HARDEST = 8, 4
"""Mistakes of a cell, and hardest right ones of a class, that are shown at most."""
THUMBNAIL = 96
"""Larger images are reduced to this many pixels a side."""
BUDGET, FRAME, REPEATED = 600_000, 600, 6
"""Characters that they may add to a page in all; those of a card without its picture and names; and
how often its names are repeated."""

Place = tuple[int, int]
"""A cell: the number of its true class and of its answer."""


@dataclass(frozen=True)
class Shot:
    """One image: its answer, and the true class or the next best, with their probabilities.

    Attributes:
        at: its position in the set.
        shared: whether the page has the picture elsewhere, with the position in its id.
    """

    at: int
    name: str
    picture: Picture | Signal
    shared: bool
    guesses: tuple[Guess, ...]


@dataclass(frozen=True)
class Cell:
    """Images of one class with one answer: the surest mistakes, or the least sure right ones."""

    id: str
    truth: str
    answer: str
    count: int
    shots: tuple[Shot, ...]

    @property
    def right(self) -> bool:
        return self.truth == self.answer

    @property
    def more(self) -> int:
        return self.count - len(self.shots)


@dataclass(frozen=True)
class ClassImages:
    """The images of a class, a cell for each answer, the commonest mistake first.

    Attributes:
        taken: cells of other classes whose images are taken for this one.
    """

    id: str
    name: str
    count: int
    wrong: int
    cells: tuple[Cell, ...]
    taken: tuple[Cell, ...]


@dataclass(frozen=True)
class Confusions:
    """What a matrix, its rows of classes and its pairs open.

    Attributes:
        cells: the id of each cell with images on the page; `rows`, that of each class by its name;
            `pairs`, that of each mistake by the names of its classes.
    """

    classes: tuple[ClassImages, ...] = ()
    cells: Mapping[Place, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], str] = field(default_factory=dict)


def confusions(
    result: Classification, images: ImageSet, shown: Mapping[int, Picture | Signal]
) -> Confusions:
    """The images of every cell: each gets one more in turn, as long as the page can bear them.

    Args:
        shown: pictures that the page has already, by position.
    """
    members = _members(result)
    cells = {
        (k, j): Cell(
            f"class-{k}-as-{j}", result.classes[k], result.classes[j], len(members[k, j]), shots
        )
        for (k, j), shots in _shots(result, images, members, shown).items()
    }
    classes = [_class(result, k, cells) for k in dict.fromkeys(k for k, _ in sorted(cells))]
    return Confusions(
        tuple(classes),
        {place: cell.id for place, cell in cells.items()},
        {one.name: one.id for one in classes},
        {(cell.truth, cell.answer): cell.id for cell in cells.values()},
    )


def _members(result: Classification) -> dict[Place, list[int]]:
    """The rows of each cell: of mistakes the surest first, of right answers the least sure."""
    sure, right = result.probabilities.max(1).values, result.predicted == result.targets
    order = torch.where(right, sure, -sure).argsort(stable=True)
    pairs = zip(result.targets[order].tolist(), result.predicted[order].tolist(), strict=True)
    members: dict[Place, list[int]] = defaultdict(list)
    for row, place in zip(order.tolist(), pairs, strict=True):
        members[place].append(row)
    return members


def _in_turn(members: Mapping[Place, Sequence[int]]) -> Iterator[tuple[Place, int]]:
    """First a row of each cell, then a second one: common mistakes come first, right ones last."""
    limits = {
        (k, j): min(len(rows), HARDEST if k == j else IN_A_CELL) for (k, j), rows in members.items()
    }
    order = sorted(members, key=lambda at: (at[0] == at[1], -len(members[at]), at))
    for turn in range(IN_A_CELL):
        yield from ((place, members[place][turn]) for place in order if turn < limits[place])


def _shots(
    result: Classification,
    images: ImageSet,
    members: Mapping[Place, Sequence[int]],
    shown: Mapping[int, Picture | Signal],
) -> dict[Place, tuple[Shot, ...]]:
    shots: dict[Place, tuple[Shot, ...]] = {}
    left = BUDGET
    for place, row in _in_turn(members):
        shot = _shot(result, images, row, shown)
        left -= _size(shot)
        if left < 0:
            break
        shots[place] = (*shots.get(place, ()), shot)
    return shots


def _size(shot: Shot) -> int:
    """The characters that an image adds to the page, roughly."""
    names = len(shot.name) + sum(len(guess.label) for guess in shot.guesses)
    own = 0 if shot.shared else len(getattr(shot.picture, "address", ""))
    return FRAME + REPEATED * names + own


def _shot(
    result: Classification, images: ImageSet, row: int, shown: Mapping[int, Picture | Signal]
) -> Shot:
    at, true = int(result.index[row]), int(result.targets[row])
    best = result.probabilities[row].topk(min(2, len(result.classes))).indices.tolist()
    second = best[1:] if best[0] == true else [true]
    guesses = tuple(guess(result, row, label) for label in [best[0], *second])
    picture = shown.get(at) or example(images.images[at], THUMBNAIL)
    return Shot(at, images.names[at], picture, at in shown, guesses)


def _class(result: Classification, k: int, cells: Mapping[Place, Cell]) -> ClassImages:
    own = [cell for (true, _), cell in cells.items() if true == k]
    counts = result.confusion[k]
    total = int(counts.sum())
    return ClassImages(
        f"class-{k}", result.classes[k], total, total - int(counts[k]),
        tuple(sorted(own, key=lambda cell: (cell.right, -cell.count))),
        tuple(cell for (true, answer), cell in cells.items() if answer == k != true),
    )  # fmt: skip
