"""Corrected labels change what they name, say how many, and nothing else."""

from pathlib import Path

import pytest
import torch

from cutaway.data.corrections import corrected, filled_in
from cutaway.data.imageset import ImageSet
from cutaway.errors import CutawayError

HEAD = "image,label,suggested,confidence,correct_label\n"


def images() -> ImageSet:
    pixels = torch.arange(6 * 4, dtype=torch.uint8).view(6, 2, 2, 1)
    names = [f"cat/{i}, left.png" for i in range(6)]
    return ImageSet(pixels, torch.tensor([0, 0, 0, 1, 1, 1]), ("cat", "dog"), names)


def table(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "labels.csv"
    path.write_text(head + "\n".join(rows) + "\n")
    return path


def test_labels_are_changed_and_counted(tmp_path):
    path = table(
        tmp_path,
        '"cat/1, left.png",cat,dog,0.98,dog',
        '"cat/2, left.png",cat,dog,0.61,',
        '"cat/4, left.png",dog,cat,0.55, dog ',
    )
    before = images()
    after = corrected(before, path)
    assert after.targets.tolist() == [0, 1, 0, 1, 1, 1]
    assert before.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert after.fingerprint != before.fingerprint
    (finding,) = after.findings
    assert (finding.kind, finding.where) == ("labels-fixed", ("cat/1, left.png",))
    assert finding.detail == f"1 label was corrected by {path}."


def test_two_columns_are_enough(tmp_path):
    path = table(tmp_path, '"cat/0, left.png";dog', head="image;correct_label\n")
    assert corrected(images(), path).targets.tolist() == [1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (['"cat/1, left.png",,,,Dog'], HEAD, "the class 'Dog', which is not among those of the"),
        (["cat/9.png,,,,dog"], HEAD, "corrects cat/9.png, which is not among the images"),
        (["a,,,,dog", "b,,,,cat"], HEAD, "corrects a (and 1 more), which is not among"),
        (["a,,,,dog", "a,,,,cat"], HEAD, "gives a two classes, 'dog' and 'cat': keep one"),
        (["a,,,,"], HEAD, "corrects nothing: write the right class of an image into its column"),
        (["a,dog"], "image,label\n", "has no column 'correct_label'"),
    ],
)
def test_what_cannot_be_corrected_is_a_sentence(tmp_path, rows, head, said):
    path = table(tmp_path, *rows, head=head)
    with pytest.raises(CutawayError) as failure:
        corrected(images(), path)
    assert said in str(failure.value)


def test_no_file_and_no_classes(tmp_path):
    with pytest.raises(CutawayError, match="There is no file"):
        corrected(images(), tmp_path / "none.csv")
    numbers = images().with_values(torch.rand(6, 1), ["price"])
    with pytest.raises(CutawayError, match="corrects classes, and these have numbers"):
        corrected(numbers, table(tmp_path, "a,,,,dog"))


def test_only_a_table_of_suspects_without_corrections_holds_nothing_of_a_person(tmp_path):
    assert not filled_in(table(tmp_path))
    assert not filled_in(table(tmp_path, "cat/1,cat,dog,0.98,", "cat/2,cat,dog,0.9,"))
    assert filled_in(table(tmp_path, "cat/1,cat,dog,0.98,", "cat/2,cat,dog,0.9,cat"))
    assert filled_in(table(tmp_path, "cat/1;cat;dog;0.98;", head=HEAD.replace(",", ";")))
    assert filled_in(table(tmp_path, "1,2", head="a,b\n"))
