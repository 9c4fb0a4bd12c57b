"""A division that the source brings is kept whole, or refused: never half of it, never dropped."""

from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, image, write

from cutaway.data.class_names import class_names
from cutaway.data.sources import load
from cutaway.data.split import SHARES, split
from cutaway.data.stratify import TEST, VAL
from cutaway.errors import DataError, UsageError
from cutaway.learn.recipe import Recipe


def table(root: Path, column: str, words: list[str]) -> Path:
    for i in range(len(words)):
        write(root, f"{i}.png", image(8, 8, seed=i))
    rows = [f"{i}.png,{'cat' if i % 2 else 'dog'},{word}" for i, word in enumerate(words)]
    return write(root, "t.csv", "\n".join([f"file,label,{column}", *rows]).encode())


def fill(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        write(root, name, image(8, 8, seed=i))
    return root


BOTH = ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train", "train", "Test ", "TESTING"], [0, 0, 2, 2]),
        (["training", "dev", "Validation", "eval"], [0, 1, 1, 2]),
    ],
)
@pytest.mark.parametrize("column", ["split", "data set", "Usage", "whatever"])
def test_the_usual_words_divide_a_table(tmp_path, column, words, parts):
    loaded = load(table(tmp_path, column, words)).parts
    assert loaded is not None
    assert loaded.tolist() == parts


@pytest.mark.parametrize("column", ["split", "Usage"])
@pytest.mark.parametrize(("word", "named"), [("holdout", r"\('holdout'\)"), ("", r"\(empty\)")])
def test_a_row_in_other_words_is_refused_by_name(tmp_path, column, word, named):
    path = table(tmp_path, column, ["train", "train", "test", word])
    with pytest.raises(DataError, match=rf"not in 1 row: 3\.png {named}\. Write one of train"):
        load(path)


@pytest.mark.parametrize("words", [list("0122"), list("aabb")])
def test_a_split_column_in_unknown_words_is_refused(tmp_path, words):
    with pytest.raises(DataError, match=r"column 'split' .* not in 4 rows"):
        load(table(tmp_path, "split", words))


def test_words_that_only_speak_of_parts_are_refused(tmp_path):
    path = table(tmp_path, "usage", ["Training", "Training", "PublicTest", "PrivateTest"])
    with pytest.raises(DataError, match=r"not in 2 rows: 2.png \('PublicTest'\)"):
        load(path)


def test_flags_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"'is_valid' .* by yes and no"):
        load(table(tmp_path, "is_valid", ["True", "False", "False", "True"]))


def test_two_columns_that_divide_differently_are_refused(tmp_path):
    words = ["train,test", "train,train", "test,train", "test,test"]
    with pytest.raises(DataError, match=r"several columns: one, two. Call the one .* 'split'"):
        load(table(tmp_path, "one,two", words))
    assert load(table(tmp_path, "one,split", words)).parts.tolist() == [2, 0, 0, 2]


@pytest.mark.parametrize(
    ("column", "words"),
    [("part", ["hand", "foot", "hand", "foot"]), ("split", [f"s{i}" for i in range(12)])],
)
def test_a_column_that_divides_nothing_is_said(tmp_path, column, words):
    images = load(table(tmp_path, column, words))
    assert images.parts is None
    (finding,) = images.findings
    assert (finding.kind, finding.left_out) == ("no-split", False)
    assert f"'{column}' holds" in finding.detail


def test_words_elsewhere_divide_nothing(tmp_path):
    images = load(table(tmp_path, "place,weather", ["train,wet", "tram,dry", "bus,wet", "car,dry"]))
    assert images.parts is None
    assert images.findings == ()


def test_a_test_part_without_labels_is_said(tmp_path):
    path = table(tmp_path, "split", ["train", "train", "train", "test"])
    path.write_text(path.read_text().replace("3.png,cat", "3.png,"))
    kinds = [finding.kind for finding in load(path).findings]
    assert kinds == ["empty-part", "unlabelled"]


@pytest.mark.parametrize("word", ["holdout", None])
def test_parquet_is_read_alike(tmp_path, word):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = [encoded(image(8, 8, seed=i)) for i in range(4)]
    columns = {"image": cells, "label": [0, 1, 0, 1]}
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns | {"split": ["train", "train", "test", "test"]}), path)
    assert load(path).parts.tolist() == [0, 0, 2, 2]
    pq.write_table(pa.table(columns | {"split": ["train", "train", "test", word]}), path)
    with pytest.raises(DataError, match=r"not in 1 row: x/3"):
        load(path)


@pytest.mark.parametrize("name", ["testing", "Eval", "test_set", "seg_test/seg_test"])
def test_the_usual_names_divide_a_folder(tmp_path, name):
    train = "seg_train/seg_train" if "seg" in name else "Training"
    images = load(fill(tmp_path, f"{train}/a/1.png", f"{train}/b/2.png", f"{name}/b/3.png"))
    assert images.classes == ("a", "b")
    assert images.parts.tolist() == [0, 0, 2]


def test_a_folder_beside_the_parts_is_refused(tmp_path):
    fill(tmp_path, *BOTH, "holdout/cat/5.png")
    with pytest.raises(
        DataError, match=r"holdout beside them is not the name of a part.* one of train"
    ):
        load(tmp_path)


def test_a_folder_beside_the_only_part_is_refused(tmp_path):
    fill(tmp_path, *BOTH[:2], "holdout/cat/5.png", "holdout/dog/6.png")
    with pytest.raises(DataError, match=r"divided into train, and holdout beside"):
        load(tmp_path)


def test_a_folder_without_pictures_may_stand_beside_the_parts(tmp_path):
    write(fill(tmp_path, *BOTH), "notes/read me.txt", b"x")
    assert load(tmp_path).parts.tolist() == [0, 0, 2, 2]


def test_two_folders_of_one_part_are_refused(tmp_path):
    fill(tmp_path, *BOTH, "training/cat/5.png")
    with pytest.raises(DataError, match=r"train and training, which both mean the train part"):
        load(tmp_path)


@pytest.mark.parametrize("below", ["", "images/", "unknown/"])
def test_unlabelled_test_images_are_to_be_predicted(tmp_path, below):
    images = load(fill(tmp_path, *BOTH[:2], f"test/{below}5.png", f"test/{below}6.png"))
    assert images.classes == ("cat", "dog")
    assert images.parts.tolist() == [0, 0]
    finding = images.findings[0]
    assert finding.kind == "unlabelled-part"
    assert "test holds 2 pictures without class folders" in finding.detail
    assert "cutaway predict" in finding.detail


def test_pictures_beside_the_classes_of_a_part_are_named(tmp_path):
    images = load(fill(tmp_path, *BOTH, "train/stray.png"))
    assert [finding.where for finding in images.findings] == [("train/stray.png",)]


def test_test_classes_by_other_names_are_refused(tmp_path):
    fill(tmp_path, *BOTH[:2], "test/Cat/3.png", "test/Dog/4.png")
    with pytest.raises(DataError, match=r"\(Cat, Dog\) are not those .* \(cat, dog\)"):
        load(tmp_path)


def test_a_test_part_of_nothing_is_said(tmp_path):
    (fill(tmp_path, *BOTH[:2]) / "test" / "cat").mkdir(parents=True)
    assert [finding.kind for finding in load(tmp_path).findings] == ["empty-part"]
    write(tmp_path, "test/cat/3.png", b"broken")
    assert {finding.kind for finding in load(tmp_path).findings} == {"empty-part", "not-an-image"}


def test_nothing_to_train_on_is_refused(tmp_path):
    fill(tmp_path, "train/1.png", "test/cat/2.png", "test/dog/3.png")
    with pytest.raises(DataError, match="no picture to train on"):
        load(tmp_path)


def test_classes_that_are_divided_each_by_itself(tmp_path):
    fill(tmp_path, "cat/train/1.png", "cat/test/2.png", "dog/train/3.png", "dog/test/4.png")
    images = load(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.parts.tolist() == [2, 0, 2, 0]
    fill(tmp_path, "dog/5.png")
    with pytest.raises(DataError, match=r"but dog/5\.png is in none"):
        load(tmp_path)


def test_links_are_followed_but_never_round(tmp_path):
    fill(tmp_path / "here", "a/1.png", "b/2.png")
    fill(tmp_path / "there", "3.png")
    (tmp_path / "here/a/more").symlink_to(tmp_path / "there", target_is_directory=True)
    (tmp_path / "here/a/round").symlink_to(tmp_path / "here/a", target_is_directory=True)
    assert load(tmp_path / "here").names == ["a/1.png", "a/more/3.png", "b/2.png"]


def arrays(n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 6, 6), dtype=np.uint8)
    return pixels, ["cat", "dog"] * (n // 2)


def test_arrays_in_parts_of_any_usual_name():
    images = load({"Training": arrays(4, 0), "eval": arrays(2, 1)})
    assert images.parts.tolist() == [0, 0, 0, 0, 2, 2]
    with pytest.raises(UsageError, match="'holdout' is not a part: call each one of train"):
        load({"train": arrays(4, 0), "holdout": arrays(2, 1)})


def test_items_that_name_their_part():
    pixels, labels = arrays(4, 0)
    words = ["train", "train", "test", "test"]
    items = [
        {"image": p, "label": k, "split": w} for p, k, w in zip(pixels, labels, words, strict=True)
    ]
    assert load(items).parts.tolist() == [0, 0, 2, 2]
    items[3]["split"] = "holdout"
    with pytest.raises(DataError, match=r"item/3 \('holdout'\)"):
        load(items)


def test_classes_called_train_and_test_are_refused():
    pixels, _ = arrays(4, 0)
    with pytest.raises(DataError, match="parts of a division, not classes"):
        load((pixels, ["train", "test", "train", "test"]))


def in_tables(root: Path, *columns: str) -> Path:
    """`train.csv` and `test.csv`, whose lines of names are given, beside their pictures."""
    for name, column in zip(("train", "test"), columns, strict=True):
        rows = [f"{name}/{i}.png" + f",{'cd'[i % 2]}" * ("," in column) for i in range(6)]
        write(root, f"{name}.csv", "\n".join([column, *rows]).encode())
        fill(root, *(f"{name}/{i}.png" for i in range(6)))
    return root


def test_tables_of_a_folder_are_its_parts(tmp_path):
    images = load(in_tables(tmp_path, "image,label", "image,label"))
    assert images.name == str(tmp_path)
    assert images.parts is not None
    assert images.parts.tolist() == [0] * 6 + [2] * 6
    assert class_names(tmp_path) == images.classes == ("c", "d")


def test_a_table_without_labels_is_to_be_predicted(tmp_path):
    images = load(in_tables(tmp_path, "image,label", "image"))
    (said,) = (one.detail for one in images.findings if one.kind == "unlabelled-part")
    assert said.startswith(
        "test.csv has no labels: its pictures are used neither for training nor for testing"
    )
    assert len(images) == 6


def test_a_table_that_is_not_read_is_named(tmp_path):
    root = in_tables(tmp_path, "image,label", "image,label")
    (alone,) = load(root / "train.csv").findings
    assert (alone.kind, alone.detail.startswith("train.csv alone is read, and not test.csv")) == (
        "table-beside", True)  # fmt: skip
    fill(root, "cat/1.png", "dog/1.png")
    for part in ("train", "test"):
        for i in range(6):
            (root / f"{part}/{i}.png").unlink()
        (root / part).rmdir()
    (beside,) = load(root).findings
    assert "The class folders are read, and not train.csv and test.csv" in beside.detail


def test_two_tables_of_one_part_are_refused(tmp_path):
    root = in_tables(tmp_path, "image,label", "image,label")
    (root / "train.csv").rename(root / "train_a.csv")
    write(root, "train_b.csv", b"image,label\ntrain/1.png,c")
    with pytest.raises(DataError, match=r"train_a.csv and train_b.csv, which both mean the train"):
        load(root)


def test_folders_inside_classes_are_told(tmp_path):
    root = fill(tmp_path, *(f"{c}/{s}/{i}.png" for c in "ab" for s in "xy" for i in range(2)))
    (finding,) = load(root).findings
    assert (finding.kind, finding.where) == ("inner-folders", ("a", "b"))
    assert "a/ holds x, y, all of them taken as 'a'" in finding.detail
    assert "--group-by level:2" in finding.detail
    assert not load(root, group_by="level:2").findings
    divided = fill(tmp_path / "d", *(f"{p}/{c}/{s}/{p}.png" for p in ("train", "test")
                                     for c in "ab" for s in "xy"))  # fmt: skip
    assert "--group-by level:3" in load(divided).findings[0].detail


def test_a_share_beside_a_part_of_the_source_is_told(tmp_path):
    names = [f"{p}/{c}/{i}.png" for p in ("train", "test") for c in "ab" for i in range(9)]
    images = load(fill(tmp_path, *names))

    def said(**shares: float) -> list[str]:
        return [f.detail for f in split(images, **shares).findings if f.kind == "share-unused"]

    assert said() == said(val=0.3) == []
    (told,) = said(test=0.4)
    assert told.startswith("The data bring a test part of their own, which is used as it is")


def test_the_usual_shares_of_a_recipe_are_those_of_a_split():
    assert (Recipe().val, Recipe().test) == (SHARES[VAL], SHARES[TEST])
