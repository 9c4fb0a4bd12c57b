from pathlib import Path

import pytest
from helpers.pictures import image, noise, write

from cutaway.data.lookup import Lookup
from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError


def place(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        write(root, name, image(8, 8, seed=i))
    return root


def csv(root: Path, *lines: str, name: str = "t.csv") -> Path:
    return write(root, name, "\n".join(lines).encode())


def test_ids_without_ending_are_found_below_the_table_and_that_is_told(tmp_path: Path) -> None:
    place(tmp_path, "pictures/train/a01.JPG", "pictures/train/a02.jpg", "other/x.png")
    images = load(csv(tmp_path, "id,label", "a01,cat", "a02,dog"))
    assert images.names == ["pictures/train/a01.JPG", "pictures/train/a02.jpg"]
    assert [f.kind for f in images.findings] == ["found-by-name"]
    assert (
        "in pictures/train, such as pictures/train/a01.JPG for 'a01'" in images.findings[0].detail
    )


@pytest.mark.parametrize(
    "cell", ["images/1.png", "./images/1.png", "images\\1.png", "1.png", "1", "images/1"]
)
def test_ways_to_name_a_file(tmp_path: Path, cell: str) -> None:
    place(tmp_path, "images/0.png", "images/1.png")
    images = load(csv(tmp_path, "file,label", "images/0.png,a", f"{cell},b"))
    assert (images.images[1].numpy() == noise(8, 8, seed=1)).all()


@pytest.mark.parametrize("cell", ["C:\\data\\images\\1.png", "/home/her/images/1.png"])
def test_paths_of_another_computer(tmp_path: Path, cell: str) -> None:
    place(tmp_path, "images/0.png", "images/1.png")
    images = load(csv(tmp_path, "file,label", "images/0.png,a", f"{cell},b"))
    assert (images.images[1].numpy() == noise(8, 8, seed=1)).all()
    assert [f.kind for f in images.findings] == ["found-by-name"]


def test_paths_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, "images/0.png", "images/1.png")
    monkeypatch.chdir(tmp_path)
    images = load(csv(tmp_path, "file,label", "images/0.png,a", "images/1.png,b", name="tab/t.csv"))
    assert (images.images[1].numpy() == noise(8, 8, seed=1)).all()


def test_of_several_pictures_of_a_name_that_in_the_folder_of_the_table(tmp_path: Path) -> None:
    place(tmp_path, "test/1.png", "train/1.png", "train/2.png")
    files = Lookup(tmp_path / "train.csv").files(["1", "2"])
    assert files.names == ["train/1.png", "train/2.png"]
    assert Lookup(tmp_path / "all.csv").files(["1", "2"]).names == files.names
    with pytest.raises(DataError, match=r"'1' may be test/1.png or train/1.png: write the folder"):
        Lookup(tmp_path / "all.csv").files(["1"])


def test_a_folder_that_is_named_is_meant(tmp_path: Path) -> None:
    place(tmp_path, "x/test/1.png", "x/train/2.png")
    assert Lookup(tmp_path / "t.csv").files(["train/1.png", "train/2.png"]).there() == 1


def test_one_missing_file_costs_one_and_all_missing_a_sentence(tmp_path: Path) -> None:
    place(tmp_path, "a/0.png", "a/1.png")
    images = load(csv(tmp_path, "id,label", "0,x", "1,y", "2,y", ",x"))
    assert [(f.kind, f.where) for f in images.findings if f.left_out] == [
        ("unlabelled", ("an empty cell, line 5",)),
        ("missing", ("2",)),
    ]
    with pytest.raises(
        DataError,
        match=r"None of the 2 pictures that column 'id' of .*is there, among them 7, 8\. P",
    ):
        load(csv(tmp_path, "id,label", "7,x", "8,y"))
    with pytest.raises(DataError, match=r"holds addresses such as https://x/1.png: download"):
        load(csv(tmp_path, "image,label", "https://x/1.png,x", "https://x/2.png,y"))


def test_the_column_whose_files_are_there_is_taken(tmp_path: Path) -> None:
    place(tmp_path, "im/a.png", "im/b.png", "im/c.png", "im/d.png")
    path = csv(tmp_path, "image_id,file,label", "17,im/a.png,x", "18,im/b.png,y")
    assert load(path).names == ["im/a.png", "im/b.png"]
    path = csv(tmp_path, "what,file_name,label", "x,a.png,x", "y,b.png,y")
    assert load(path).names == ["im/a.png", "im/b.png"]
    path = csv(tmp_path, "thing,label", "im/a.png,x", "im/b.png,y")
    assert load(path).names == ["im/a.png", "im/b.png"]
    path = csv(tmp_path, "image,img,label", "im/a.png,im/c.png,x", "im/b.png,im/d.png,y")
    with pytest.raises(UsageError, match=r"several columns of pictures: image, img\. Call the one"):
        load(path)


def test_files_decide_where_a_name_is_merely_likely(tmp_path: Path) -> None:
    place(tmp_path, "im/a.png", "im/b.png", "im/1.png", "im/2.png")
    path = csv(tmp_path, "id,shot,label", "17,im/a.png,x", "18,im/b.png,y")
    assert load(path).names == ["im/a.png", "im/b.png"]
    path = csv(tmp_path, "id,shot,label", "1,im/a.png,x", "2,im/b.png,y")
    images = load(path)
    assert images.names == ["im/a.png", "im/b.png"]
    (told,) = (one.detail for one in images.findings if one.kind == "picture-column")
    assert "Column 'shot' is taken as pictures, not 'id'" in told
    path = csv(tmp_path, "id,shot,scan,label", "1,im/a.png,im/1.png,x", "2,im/b.png,im/2.png,y")
    with pytest.raises(UsageError, match=r"several columns of pictures: shot, scan\. Call the one"):
        load(path)
    path = csv(tmp_path, "id,mask_path,label", "1,im/a.png,x", "2,im/b.png,y")
    assert load(path).names == ["im/1.png", "im/2.png"]


def test_a_column_of_empty_cells_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"All cells of column 'image' of .*t\.csv are empty"):
        load(csv(tmp_path, "image,label", ",x", ",y"))
