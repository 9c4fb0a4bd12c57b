from pathlib import Path

import pytest
from helpers.pictures import image, two_classes, write

from cutaway.data.sources import load
from cutaway.data.walk import natural
from cutaway.errors import DataError, UsageError


def fill(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        write(root, name, image(8, 8, seed=i))
    return root


def test_classes_are_sorted_as_people_count(tmp_path: Path) -> None:
    fill(tmp_path, "class 10/a.png", "class 9/a.png", "class 1/a.png")
    assert load(tmp_path).classes == ("class 1", "class 9", "class 10")


@pytest.mark.parametrize(
    "words", [["b2", "b10"], ["1", "2", "10"], ["a", "a1"], ["2a", "10", "x"], ["", "1", "a"]]
)
def test_natural_order(words: list[str]) -> None:
    backwards = words[::-1]
    assert sorted(backwards, key=natural) == words


def test_nested_files_belong_to_their_class(tmp_path: Path) -> None:
    images = load(fill(tmp_path, "a/1.png", "a/x/y/2.png", "b/3.png"))
    assert images.names == ["a/1.png", "a/x/y/2.png", "b/3.png"]
    assert images.counts() == [2, 1]


def test_hidden_files_and_litter_are_not_seen(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/2.png", "a/.hidden.png", "__MACOSX/a/1.png", ".git/x.png")
    write(tmp_path, "a/Thumbs.db", b"x")
    write(tmp_path, "b/.DS_Store", b"x")
    images = load(tmp_path)
    assert images.names == ["a/1.png", "b/2.png"]
    assert images.findings == ()


@pytest.mark.parametrize("middle", ["val", "valid", "validation", "Validation"])
def test_a_division_of_the_source_is_kept(tmp_path: Path, middle: str) -> None:
    fill(tmp_path, "train/a/1.png", "train/b/2.png", f"{middle}/b/3.png", "test/a/4.png")
    images = load(tmp_path)
    assert images.classes == ("a", "b")
    assert images.targets.tolist() == [0, 1, 1, 0]
    assert images.parts is not None
    assert images.parts.tolist() == [0, 0, 1, 2]
    assert images.names[0] == "train/a/1.png"


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    images = load(fill(tmp_path, "test/1.png", "bus/2.png"))
    assert images.classes == ("bus", "test")
    assert images.parts is None


def test_pictures_beside_the_classes_are_named(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/2.png", "stray.png")
    (finding,) = load(tmp_path).findings
    assert (finding.kind, finding.where, finding.left_out) == ("unlabelled", ("stray.png",), True)


def test_a_name_that_is_not_text_is_packed(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/2.png")
    odd = bytes(tmp_path / "a") + b"/\xff\n.png"
    Path(odd.decode("utf-8", "surrogateescape")).write_bytes((tmp_path / "a/1.png").read_bytes())
    assert len(load(tmp_path)) == 3
    assert len(load(tmp_path)) == 3


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no folder or file .*/none. Check the path"):
        load(tmp_path / "none")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is empty. It should hold one folder"):
        load(tmp_path)


def test_empty_class_folders(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"class folders of .* are empty"):
        load(tmp_path)


def test_one_class_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds one class only, 'cat'"):
        load(fill(tmp_path, "cat/1.png", "cat/2.png"))


def test_one_class_with_pictures_and_one_without(tmp_path: Path) -> None:
    fill(tmp_path, "cat/1.png")
    write(tmp_path, "dog/1.png", b"broken")
    with pytest.raises(DataError, match=r"holds one class only, 'cat'"):
        load(tmp_path)


def test_one_folder_too_high(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean .*/inner?"):
        load(fill(tmp_path, "inner/a/1.png", "inner/b/1.png"))


def test_pictures_without_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The 2 files in .* have no labels"):
        load(fill(tmp_path, "1.png", "2.png"))


def test_a_table_among_the_files_is_pointed_at(tmp_path: Path) -> None:
    write(fill(tmp_path, "1.png"), "labels.csv", b"file,label")
    with pytest.raises(DataError, match=r"Name the table: .*labels\.csv"):
        load(tmp_path)


def test_a_division_without_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds test, train without class folders"):
        load(fill(tmp_path, "train/1.png", "test/2.png"))


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        (r"p\d", [0, 1, 0, 2]),
        (r"(\d)\.png", [0, 1, 2, 0]),
        (r"x(\d)", [0, 1, 2, 3]),
        ("level:2", [0, 1, 0, 2]),
        ("level:-1", [0, 1, 0, 2]),
        ("level:1", [0, 0, 1, 1]),
    ],
)
def test_groups_by_name(tmp_path: Path, group_by: str, groups: list[int]) -> None:
    fill(tmp_path, "a/p1/1.png", "a/p2/x2.png", "b/p1/3.png", "b/p3/1.png")
    loaded = load(tmp_path, group_by=group_by).groups
    assert loaded is not None
    assert loaded.tolist() == groups


@pytest.mark.parametrize("group_by", ["nothing like it", "level:7", "level:0", "(", "level:-9"])
def test_groups_that_make_no_sense(tmp_path: Path, group_by: str) -> None:
    with pytest.raises(UsageError):
        load(two_classes(tmp_path), group_by=group_by)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    fill(tmp_path, "a/1.png", "b/2.png")
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DataError, match=r"folder .* cannot be read \(Permission denied\)"):
        load(tmp_path)
