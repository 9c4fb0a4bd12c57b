"""Sorting by copying: nothing is moved, overwritten or copied twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, image

from cutaway.data.imageset import ImageSet
from cutaway.data.stream import Input
from cutaway.errors import UsageError
from cutaway.learn.answers import Answered
from cutaway.learn.grouping import Groups, sort_groups
from cutaway.learn.prediction import ClassPrediction, ValuePrediction
from cutaway.learn.sorting import Sorter


def answered(path: Path, label: str) -> Answered:
    prediction = ClassPrediction(name=str(path), top=((label, 1.0),))
    return Answered(Input(str(path), str(path)), None, prediction)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two of one name with another content."""
    paths = [tmp_path / "one" / "a.png", tmp_path / "two" / "a.png"]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(encoded(image(5, 5, seed=seed)))
    return paths


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_copies_into_class_folders(pictures, tmp_path):
    sorter, folder = Sorter(tmp_path / "sorted"), tmp_path / "sorted"
    for path in pictures:
        sorter.add(answered(path, "cat"))
    sorter.add(answered(pictures[0], "a/b"))
    sorter.add(answered(pictures[0], "a-b"))
    expected = ["a-b-2/a.png", "a-b/a.png", "cat/a-2.png", "cat/a.png"]
    assert files(folder) == expected
    assert (folder / "cat" / "a-2.png").read_bytes() == pictures[1].read_bytes()
    assert all(path.exists() for path in pictures)
    again = Sorter(folder)
    for path in pictures:
        again.add(answered(path, "cat"))
    assert files(folder) == expected


def test_what_is_there_is_not_overwritten(pictures, tmp_path):
    mine = tmp_path / "sorted" / "cat" / "a.png"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    Sorter(tmp_path / "sorted").add(answered(pictures[0], "cat"))
    assert mine.read_text() == "mine"
    assert files(tmp_path / "sorted") == ["cat/a-2.png", "cat/a.png"]


def test_groups_are_sorted_as_classes_are(pictures, tmp_path):
    images = ImageSet(
        torch.zeros(3, 5, 5, 1).byte(), torch.zeros(3).long(), ("?",), ["one/a", "two/a", "b"],
        sources=[*map(str, pictures), encoded(image(5, 5, seed=2))],
    )  # fmt: skip
    found = Groups(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.0]), "hand", {})
    for _ in range(2):  # the second time copies nothing
        sort_groups(tmp_path / "sorted", images, found)
        expected = ["group-01/a-2.png", "group-01/a.png", "group-02/b.png"]
        assert files(tmp_path / "sorted") == expected
    assert (tmp_path / "sorted/group-01/a.png").read_bytes() == pictures[0].read_bytes()
    with pytest.raises(UsageError, match="nothing can be copied"):
        sort_groups(tmp_path / "again", replace(images, sources=None), found)


def test_content_in_memory_gets_the_ending_of_its_format(tmp_path):
    prediction = ClassPrediction(name="photos/3", top=(("cat", 1.0),))
    content = encoded(image(5, 5, seed=0))
    Sorter(tmp_path).add(Answered(Input("photos/3", content), None, prediction))
    assert files(tmp_path) == ["cat/3.png"]


def test_a_broken_picture_stays_out(pictures, tmp_path):
    broken = ClassPrediction(name="a", error="It is empty.")
    Sorter(tmp_path / "sorted").add(Answered(Input("a", str(pictures[0])), None, broken))
    assert not (tmp_path / "sorted").exists()


def test_numbers_are_no_classes_and_a_folder_is_not_sorted_into_itself(pictures, tmp_path):
    value = ValuePrediction(name="a", values={"price": 1.0})
    with pytest.raises(UsageError, match="a class for each image"):
        Sorter(tmp_path / "sorted").add(Answered(Input("a", str(pictures[0])), None, value))
    with pytest.raises(UsageError, match="already"):
        Sorter(tmp_path).add(answered(pictures[0], "cat"))
