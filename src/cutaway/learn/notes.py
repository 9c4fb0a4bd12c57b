"""Notes: what must be known of a run before its figures are believed, kept in `notes.json`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cutaway.data.finding_notes import rank
from cutaway.files import read_json, write_json
from cutaway.learn.evaluation import Evaluation

if TYPE_CHECKING:
    from cutaway.learn.run import Run

FILE = "notes.json"
Note = dict[str, str]
"""`kind`, a short stable name, and `sentence`: what it is and what to do, for a reader."""


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
