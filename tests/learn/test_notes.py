"""Notes are kept with the run, read in the order of their harm, and joined for many runs."""

from types import SimpleNamespace

from cutaway.data.imageset import Finding
from cutaway.data.notable import SOME, notable
from cutaway.learn.notes import add_note, joined, note, read_notes


def test_a_note_is_kept_once_and_the_most_harmful_comes_first(tmp_path):
    run = SimpleNamespace(path=tmp_path)
    assert read_notes(tmp_path) == []
    add_note(run, "something-else", "Mind the step.")
    add_note(run, "imbalance", "Read the table.")
    add_note(run, "leak", "Look out.")
    add_note(run, "leak", "Look out.")
    assert [one["kind"] for one in read_notes(tmp_path)] == ["leak", "imbalance", "something-else"]
    assert read_notes(tmp_path)[0] == {"kind": "leak", "sentence": "Look out."}


def test_what_only_some_runs_note_says_so():
    both, one = note("leak", "Look out."), note("imbalance", "Read the table.")
    found = joined([[both], [both, one], [both]])
    assert found == [both, note("imbalance", "In 1 of 3: Read the table.")]
    assert joined([]) == []


def test_findings_of_one_kind_are_one_sentence():
    broken = [Finding("truncated", (f"{i}.jpg",), "Ends early.", True) for i in range(SOME + 2)]
    twice = [Finding("two-labels", ("a", "b"), "Two labels."), Finding("two-labels", ("c",), "No.")]
    handled = Finding("palette", ("x.png",), "Converted.")
    assert notable([handled, *broken, *twice]) == [
        ("two-labels", "Two labels. There are 1 more of the kind."),
        (
            "left-out",
            "5 files were left out: 0.jpg (truncated), 1.jpg (truncated), 2.jpg (truncated) "
            "and 2 more. Mend or delete them.",
        ),
    ]
