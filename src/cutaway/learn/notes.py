"""Notes: what must be known of a run before its figures are believed, kept in `notes.json`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cutaway.data.notable import rank
from cutaway.files import read_json, write_json
from cutaway.learn.evaluation import Evaluation

if TYPE_CHECKING:
    from cutaway.learn.run import Run

FILE = "notes.json"
WIDE = 0.2  # an interval of the accuracy so wide leaves open what the network is worth
Note = dict[str, str]
"""`kind`, a short stable name, and `sentence`: what it is and what to do, for a reader."""


def note(kind: str, sentence: str) -> Note:
    return {"kind": kind, "sentence": sentence}


def add_note(run: "Run", kind: str, sentence: str) -> None:
    """Keep a note; one that is there already is not kept twice.

    Raises RunError where it cannot be written.
    """
    notes, new = read_notes(run.path), note(kind, sentence)
    if new not in notes:
        write_json(run.path / FILE, [*notes, new])


def note_test(run: "Run", found: object) -> None:
    """Keep what a test says of its own figure: that it proves little, or nothing.

    Nothing is said of a set that is all there is, nor where classes are not told apart.
    """
    if not isinstance(found, Evaluation) or torch.equal(run.split.train, run.split.test):
        return
    low, high = found.interval
    counts = torch.bincount(found.targets, minlength=len(found.classes))
    commonest, share = found.classes[int(counts.argmax())], counts.max().item() / len(found)
    if low <= share:
        add_note(run, "baseline", (
            f"Always answering '{commonest}' would be right in {share:.1%} of the test, and the "
            f"network with {found.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}) does not "
            "show that it has learned more: train longer, at another --lr, or on more images."
        ))  # fmt: skip
    if high - low > WIDE:
        add_note(run, "few-tests", (
            f"The test has only {len(found)} images, so that the accuracy is known no better than "
            f"{low:.0%} to {high:.0%}: add images, or test on all of them in turn with --folds 5."
        ))  # fmt: skip


def read_notes(path: Path) -> list[Note]:
    """The notes of the run at a path, those on its data first, the most harmful of them first."""
    file = path / FILE
    notes: list[Note] = read_json(file) if file.exists() else []
    return sorted(notes, key=lambda one: rank(one["kind"]))


def joined(runs: Sequence[list[Note]]) -> list[Note]:
    """The notes of many runs: each kind once, with how many runs say so where not all do."""
    kinds: dict[str, list[str]] = {}
    for notes in runs:
        for kind, sentence in {one["kind"]: one["sentence"] for one in reversed(notes)}.items():
            kinds.setdefault(kind, []).append(sentence)
    found = []
    for kind, said in sorted(kinds.items(), key=lambda item: rank(item[0])):
        some = "" if len(said) == len(runs) else f"In {len(said)} of {len(runs)}: "
        found.append(note(kind, some + said[0]))
    return found
