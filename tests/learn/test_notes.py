"""Notes are kept with the run, read in the order of their harm, and joined for many runs."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.command import cutaway
from helpers.drawn_classes import shapes
from PIL import Image

from cutaway.data.finding_notes import MAX_NAMES, notable
from cutaway.data.imageset import Finding
from cutaway.learn.classification import Classification
from cutaway.learn.fit import fit
from cutaway.learn.notes import add_note, merge_notes, note, note_test, read_notes
from cutaway.learn.recipe import Recipe
from cutaway.show.tables import run_rows


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
    found = merge_notes([[both], [both, one], [both]])
    assert found == [both, note("imbalance", "In 1 of 3: Read the table.")]
    assert merge_notes([]) == []


def judged(tmp_path, targets, answers):
    """The notes of a run whose test came to these answers."""
    run = SimpleNamespace(
        path=tmp_path, split=SimpleNamespace(train=torch.arange(3), test=torch.arange(9))
    )
    p = torch.eye(2)[torch.tensor(answers)]
    note_test(run, Classification(("a", "b"), torch.arange(len(p)), torch.tensor(targets), p))
    return {one["kind"]: one["sentence"] for one in read_notes(tmp_path)}


def test_a_network_that_says_the_commonest_class_is_found_out(tmp_path):
    found = judged(tmp_path, [0] * 150 + [1] * 50, [0] * 200)
    assert found.keys() == {"baseline"}
    assert "Always predicting 'a' would have an accuracy of 75.0%" in found["baseline"]


def test_a_small_test_says_so(tmp_path):
    found = judged(tmp_path, [0] * 6 + [1] * 6, [0] * 6 + [1] * 6)
    assert found.keys() == {"few-tests"}
    assert "only 12 images" in found["few-tests"]


def test_a_good_network_on_many_images_has_no_note(tmp_path):
    assert judged(tmp_path, [0, 1] * 100, [0, 1] * 100) == {}


@pytest.fixture
def divided(tmp_path):
    """A division of a user's own: another class in its test, a copy, a broken file."""
    draw = np.random.default_rng(0)
    for name, count in [("train/cat", 14), ("train/dog", 14), ("test/cat", 6), ("test/wolf", 6)]:
        (tmp_path / name).mkdir(parents=True)
        for i in range(count):
            pixels = draw.integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    shutil.copy(tmp_path / "train/cat/3.png", tmp_path / "test/cat/copy.png")
    (tmp_path / "train/dog/x.png").write_bytes(b"broken")
    return tmp_path


def test_train_ends_with_what_audit_finds(divided, tmp_path):
    wish = ["--epochs", 1, "--out", tmp_path / "run"]
    found = cutaway("train", "lenet5", divided, *wish, "--image-size", 28, "--json").json
    kinds = [one["kind"] for one in found["notes"]]
    assert kinds[:3] == ["leak", "untrained-class", "baseline"]
    assert {"untested-class", "few-tests", "left-out"} <= set(kinds)
    said = {one["kind"]: one["sentence"] for one in found["notes"]}
    assert "no image of 'wolf', though the others have 6" in said["untrained-class"]
    assert "has no image of 'dog'" in said["untested-class"]
    assert not any("group more finely" in sentence for sentence in said.values())
    audited = cutaway("audit", divided, "--image-size", 28, "--json").json["findings"]
    details = " ".join(one["detail"] for one in audited)
    assert all(said[k] in details for k in ("leak", "untrained-class", "untested-class"))
    shown = cutaway("resume", tmp_path / "run").said
    assert shown.index("Note:") < shown.index("test accuracy")
    assert "more: see the report" in shown


@pytest.mark.parametrize(
    ("val", "said"),
    [
        (0.1, "The threshold of --cost 20 rests on 6 validation images, 3 of them of 'square'"),
        (0.0, "--cost 20 changes nothing: its threshold takes validation images of both classes"),
        (0.4, ""),
    ],
)
def test_a_threshold_for_a_cost_says_on_how_few_images_it_rests(tmp_path, val, said):
    recipe = Recipe(
        model="mlp", epochs=1, task_options={"cost": 20}, val=val, model_options={"widths": "8"}
    )
    run = fit(recipe, shapes(60), out=tmp_path / "run")
    notes = [one["sentence"] for one in run.notes if one["kind"] == "few-for-cost"]
    assert len(notes) == bool(said)
    assert not said or notes[0].startswith(said)
    rows = run_rows(run)
    assert ("threshold" in rows) == bool(val)
    assert not val or rows["threshold"].startswith("'square' from a probability of ")


def test_findings_of_one_kind_are_one_sentence():
    broken = [
        Finding("truncated", (f"{i}.jpg",), "Ends early.", True) for i in range(MAX_NAMES + 2)
    ]
    twice = [Finding("two-labels", ("a", "b"), "Two labels."), Finding("two-labels", ("c",), "No.")]
    handled = Finding("palette", ("x.png",), "Converted.")
    assert notable([handled, *broken, *twice]) == [
        (
            "two-labels",
            "a and b are alike but of several classes (1 more such): correct the labels, or delete "
            "the copies.",
        ),
        (
            "left-out",
            "5 files were left out: 0.jpg (truncated), 1.jpg (truncated), 2.jpg (truncated) "
            "and 2 more. Mend or delete them.",
        ),
    ]
