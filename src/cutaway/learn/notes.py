"""Notes: what must be known of a run before its figures are believed, kept in `notes.json`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cutaway.data.finding_notes import rank
from cutaway.data.imageset import ImageSet
from cutaway.data.target import Classes
from cutaway.files import read_json, write_json
from cutaway.learn.classifier import Classifier
from cutaway.learn.evaluation import Evaluation

if TYPE_CHECKING:
    from cutaway.learn.run import Run

FILE = "notes.json"
Note = dict[str, str]
"""`kind`, a short stable name, and `sentence`: what it is and what to do, for a reader."""


FEW_FOR_COST = 10
"""Validation images of a class below which a threshold for two classes is in doubt."""
TELLING = ("plan", "augmentation", "learning rate", "multi-label", "one-hot", "labels-fixed")
"""Kinds that tell what was chosen or done, and warn of nothing."""


def note(kind: str, sentence: str) -> Note:
    return {"kind": kind, "sentence": sentence}


def telling(one: Note) -> bool:
    """Whether a note only tells what was chosen or done."""
    return one["kind"] in TELLING


def add_note(run: "Run", kind: str, sentence: str) -> None:
    """Keep a note; one that is there already is not kept twice.

    Raises RunError where it cannot be written.
    """
    notes, new = read_notes(run.path), note(kind, sentence)
    if new not in notes:
        write_json(run.path / FILE, [*notes, new])


def note_test(run: "Run", evaluation: Evaluation) -> None:
    """Keep what a test says against its own figures: that they prove little, or nothing.

    Nothing is said of a set that is all there is.
    """
    if torch.equal(run.split.train, run.split.test):
        return
    for kind, sentence in evaluation.doubts():
        add_note(run, kind, sentence)


def note_interventions(run: "Run") -> None:
    """Keep a note where somebody reached in: the recipe alone does not give this result."""
    if made := run.interventions:
        times = "Once" if len(made) == 1 else f"{len(made)} times"
        add_note(run, "interventions", (
            f"{times} somebody changed something by hand while it learned, so that its recipe "
            "alone does not give this result: see the changes below."
        ))  # fmt: skip


def note_cost(run: "Run", images: ImageSet) -> None:
    """Keep a note where few validation images, or none, gave the threshold of `--cost`."""
    task, target = run.task, run.data.target
    if not isinstance(task, Classifier) or not task.miss_cost or not isinstance(target, Classes):
        return
    positive, val = target.positive, images.targets[run.split.val]
    found, others = int((val == positive).sum()), int((val == 1 - positive).sum())
    name, other = target.names[positive], target.names[1 - positive]
    if not task.decision:
        sentence = (
            f"--cost {task.miss_cost:g} changes nothing: its threshold takes validation images of "
            f"both classes, and there were {found} of '{name}' and {others} of '{other}'. Train "
            "with a larger --val."
        )
    elif min(found, others) < FEW_FOR_COST:
        sentence = (
            f"The threshold of --cost {task.miss_cost:g} rests on {found + others} validation "
            f"images, {found} of them of '{name}', so others would give quite another: add images, "
            "or train with a larger --val."
        )
    else:
        return
    add_note(run, "few-for-cost", sentence)


def read_notes(path: Path) -> list[Note]:
    """The notes of the run at a path, those on its data first, the most harmful of them first."""
    file = path / FILE
    notes: list[Note] = read_json(file) if file.exists() else []
    return sorted(notes, key=lambda one: rank(one["kind"]))


def merge_notes(runs: Sequence[list[Note]]) -> list[Note]:
    """Merge the notes of many runs: each kind once, with how many runs say so where not all do."""
    kinds: dict[str, list[str]] = {}
    for notes in runs:
        for kind, sentence in {one["kind"]: one["sentence"] for one in reversed(notes)}.items():
            kinds.setdefault(kind, []).append(sentence)
    joint = []
    for kind, said in sorted(kinds.items(), key=lambda item: rank(item[0])):
        some = "" if len(said) == len(runs) else f"In {len(said)} of {len(runs)}: "
        joint.append(note(kind, some + said[0]))
    return joint
