"""Several labels an image: what divides a cell, what an array says, what folders share."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import image, write
from hypothesis import given
from hypothesis import strategies as st

from cutaway.data.audit import audit
from cutaway.data.label_sets import separator, sets_of_cells, sets_of_rows
from cutaway.data.sources import load
from cutaway.errors import DataError

NAMES = st.text("abcdefg ", min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["1|3", "3|5", "5"], "|"),
        (["cat;dog", "dog", "cat"], ";"),
        (["cat, dog", "dog", "cat"], ","),
        (["crane, bird", "crane, machine"], ""),
        (["cat", "dog"], ""),
        (["a|b", "c|d"], ""),
        ([], ""),
    ],
)
def test_what_divides_a_cell(texts: list[str], sign: str) -> None:
    assert separator(texts) == sign


@given(st.lists(st.sets(NAMES, max_size=4), min_size=1, max_size=20), st.sampled_from("|;"))
def test_written_lists_are_read_back(sets: list[set[str]], sign: str) -> None:
    cells = [sign.join(sorted(some)) for some in sets]
    labels = sets_of_cells([*cells, f"x{sign}y", "x", "y"], several=True)
    assert labels is not None
    back = [{labels.names[k] for k in some or ()} for some in labels.sets]
    assert back == [*sets, {"x", "y"}, {"x"}, {"y"}]


def test_numbers_are_indices_of_known_names() -> None:
    labels = sets_of_cells([[0, 2], [1], []], known=["a", "b", "c"])
    assert labels is not None
    assert (labels.sets, labels.names) == ([(0, 2), (1,), ()], ["a", "b", "c"])
    with pytest.raises(DataError, match="Label '3' is not among the 3"):
        sets_of_cells([[3], [0]], known=["a", "b", "c"])


def test_captions_are_no_labels() -> None:
    lists = [[f"word {i}", f"word {i + 1}"] for i in range(300)]
    with pytest.raises(DataError, match="301 different labels for 300 images"):
        sets_of_cells(lists)


def test_rows_of_0_and_1() -> None:
    assert sets_of_rows(np.eye(3)) is None
    assert sets_of_rows(np.array([[1, 2], [0, 0]])) is None
    assert sets_of_rows(np.array([0, 1])) is None
    one_each = sets_of_rows(np.eye(2), several=True)
    assert one_each is not None
    assert one_each.sets == [(0,), (1,)]
    both = sets_of_rows(np.array([[1, 1], [0, 0]]), ["a", "b"])
    assert both is not None
    assert (both.sets, both.names) == ([(0, 1), ()], ["a", "b"])
    with pytest.raises(DataError, match="2 labels an image, and 1 names"):
        sets_of_rows(np.array([[1, 1], [0, 0]]), ["a"])


def test_folders_that_share_files(tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path, f"cat/{i}.png", image(8, 8, seed=i))
    os.link(
        tmp_path / "cat/0.png", write(tmp_path, "dog/x.png", image(8, 8, seed=9)).parent / "0.png"
    )
    write(tmp_path, "dog/1.png", image(8, 8, seed=1))
    write(tmp_path, "dog/2.png", image(8, 8, seed=77))  # of the same name, and another picture
    images = load(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    both = [
        name for name, row in zip(images.names, images.labels.tolist(), strict=True) if all(row)
    ]
    assert both == ["cat/0.png", "cat/1.png"]
    assert len(images) == 8
    assert "2 of the 8 files are in several folders" in images.findings[0].detail


def test_a_few_copies_in_other_folders_stay_contradictions(tmp_path: Path) -> None:
    for i in range(20):
        write(tmp_path, f"{'ab'[i % 2]}/{i}.png", image(8, 8, seed=i))
    write(tmp_path, "a/1.png", image(8, 8, seed=1))
    assert load(tmp_path).target.kind == "class"


def test_an_audit_of_labels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    rows = np.zeros((40, 5), int)
    rows[:20, 0], rows[:4, 1], rows[:, 3], rows[5:, 4] = 1, 1, 1, 1
    pixels[1], pixels[30] = pixels[0], pixels[0]
    report = audit(load((pixels, rows)))
    kinds = {finding.kind: finding.where for finding in report.findings}
    assert kinds["rare-label"] == ("label 2",)
    assert kinds["never-label"] == ("label 3",)
    assert kinds["always-label"] == ("label 4",)
    assert kinds["common-label"] == ("label 5",)
    assert len(kinds["two-labels"]) == 3
    assert "5 labels, 2.5 for each image" in report.summary()[0]
    assert report.counts["label 1"] == 20
