import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, image, noise, write

from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def rows(root: Path, header: str, *lines: str, name: str = "t.csv") -> Path:
    for i in range(4):
        write(root, f"images/{i}.png", image(8, 8, seed=i))
    return write(root, name, "\n".join([header, *lines]).encode())


LINES = [f"images/{i}.png,{'cat' if i % 2 else 'dog'}" for i in range(4)]


@pytest.mark.parametrize(
    "header", ["file,label", "Path,Class", "image,target", "filename,category"]
)
def test_columns_are_found_by_name(tmp_path: Path, header: str) -> None:
    images = load(rows(tmp_path, header, *LINES))
    assert images.classes == ("cat", "dog")
    assert images.targets.tolist() == [1, 0, 1, 0]
    assert images.names[1] == "images/1.png"
    assert (images.images[2].numpy() == noise(8, 8, seed=2)).all()


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_other_separators_and_a_byte_order_mark(tmp_path: Path, sign: str) -> None:
    lines = [line.replace(",", sign) for line in ["\ufefffile,label", *LINES]]
    assert len(load(rows(tmp_path, *lines))) == 4


def test_the_label_column_can_be_named(tmp_path: Path) -> None:
    lines = [f"{line},{i}" for i, line in enumerate(LINES)]
    path = rows(tmp_path, "file,label,age", *lines)
    assert load(path, label="age").classes == ("0", "1", "2", "3")
    with pytest.raises(UsageError, match=r"no column 'agee'. Did you mean 'age'\?"):
        load(path, label="agee")


def test_columns_group_and_divide(tmp_path: Path) -> None:
    lines = [f"{line},p{i // 2},{'train' if i else 'test'}" for i, line in enumerate(LINES)]
    images = load(rows(tmp_path, "file,label,patient,split", *lines), group_by="patient")
    assert images.groups is not None
    assert images.groups.tolist() == [0, 0, 1, 1]
    assert images.parts is not None
    assert images.parts.tolist() == [2, 0, 0, 0]


def test_a_table_can_be_grouped_by_names_too(tmp_path: Path) -> None:
    images = load(rows(tmp_path, "file,label", *LINES), group_by=r"[01]\.png")
    assert images.groups is not None
    assert images.groups.tolist() == [0, 1, 2, 3]


def test_missing_files_are_left_out(tmp_path: Path) -> None:
    images = load(rows(tmp_path, "file,label", *LINES, "gone.png,cat"))
    assert len(images) == 4
    assert [(f.kind, f.where) for f in images.findings] == [("missing", ("gone.png",))]


def test_labels_without_images(tmp_path: Path) -> None:
    lines = [f"gone{i}.png,{i}" for i in range(5)]
    with pytest.raises(
        DataError, match=r"None of the 5 .*: gone0|gone0.png, gone1.png, gone2.png\."
    ):
        load(rows(tmp_path, "file,label", *lines))


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    images = load(rows(tmp_path, "file,label", *LINES[:3], "images/3.png,"))
    assert len(images) == 3
    assert (images.findings[0].kind, images.findings[0].where) == ("unlabelled", ("images/3.png",))


def test_images_without_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Column 'label' gives no label for any"):
        load(rows(tmp_path, "file,label", "images/1.png,", "images/2.png,"))
    with pytest.raises(UsageError, match=r"no column that looks like labels: file, age"):
        load(rows(tmp_path, "file,age", "images/1.png,3"))
    with pytest.raises(UsageError, match=r"no column that looks like pictures"):
        load(rows(tmp_path, "thing,label", "1,3"))


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no rows"):
        load(rows(tmp_path, "file,label"))
    with pytest.raises(DataError, match=r"cannot be read as a table"):
        load(write(tmp_path, "x.csv", b"file,label\n\xff\xfe\x00"))
    with pytest.raises(DataError, match=r"is not a valid Parquet file"):
        load(write(tmp_path, "x.parquet", b"PAR1 or not"))
    with pytest.raises(DataError, match=r"is empty|has no rows"):
        load(write(tmp_path, "empty.csv", b""))
    with pytest.raises(UsageError, match=r"a spreadsheet: save it as CSV"):
        load(write(tmp_path, "x.xlsx", b"x"))


def test_quoted_names_and_absolute_paths(tmp_path: Path) -> None:
    write(tmp_path, "a, b.png", image(8, 8, seed=9))
    path = rows(tmp_path, "file,label")
    with open(path, "w", newline="") as file:
        absolute = str(tmp_path / "images/0.png")
        csv.writer(file).writerows([["file", "label"], ["a, b.png", "x"], [absolute, "y"]])
    assert (load(path).images[0].numpy() == noise(8, 8, seed=9)).all()


def contents() -> list[bytes]:
    return [encoded(image(8, 8, seed=i)) for i in range(6)]


@pytest.mark.parametrize("group", [2, 6])
@pytest.mark.parametrize("kind", ["bytes", "struct"])
def test_parquet_with_pictures(tmp_path: Path, kind: str, group: int) -> None:
    cells = contents()
    column = cells if kind == "bytes" else [{"bytes": c, "path": None} for c in cells]
    table = pa.table({"image": column, "label": [0, 1] * 3})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=group)
    images = load(tmp_path / "x.parquet")
    assert images.targets.tolist() == [0, 1] * 3
    assert images.names[5] == "x/5"
    for i in range(6):
        assert (images.images[i].numpy() == noise(8, 8, seed=i)).all()
    again = load(tmp_path / "x.parquet")
    assert again.fingerprint == images.fingerprint


def test_parquet_with_paths_and_an_absent_picture(tmp_path: Path) -> None:
    rows(tmp_path, "file,label")
    table = pa.table({"path": [f"images/{i}.png" for i in range(4)], "class": list("abab")})
    pq.write_table(table, tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet").classes == ("a", "b")
    table = pa.table({"image": [contents()[0], None, contents()[1]], "label": ["a", "a", "b"]})
    pq.write_table(table, tmp_path / "y.parquet")
    assert [f.kind for f in load(tmp_path / "y.parquet").findings] == ["empty"]


def test_class_names_of_hugging_face_are_used(tmp_path: Path) -> None:
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    note = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.table({"image": contents()[:2], "label": [1, 0]}).replace_schema_metadata(note)
    pq.write_table(table, tmp_path / "x.parquet")
    images = load(tmp_path / "x.parquet")
    assert images.classes == ("cat", "dog")
    assert images.targets.tolist() == [1, 0]


def test_pictures_in_a_struct_by_path(tmp_path: Path) -> None:
    rows(tmp_path, "file,label")
    cells = [{"bytes": None, "path": f"images/{i}.png"} for i in range(4)]
    pq.write_table(pa.table({"image": cells, "label": list("abab")}), tmp_path / "x.parquet")
    assert (load(tmp_path / "x.parquet").images[3].numpy() == noise(8, 8, seed=3)).all()


def test_of_two_columns_that_say_the_same_the_one_with_names_is_taken(tmp_path: Path) -> None:
    lines = [f"{line},{i % 2}" for i, line in enumerate(LINES)]
    assert load(rows(tmp_path, "file,class_name,label", *lines)).classes == ("cat", "dog")
    path = rows(tmp_path, "file,category,label", *lines[:3], "images/3.png,cat,0")
    with pytest.raises(UsageError, match=r"several columns .* label, category\. Name one with"):
        load(path)
    assert load(path, label="category").classes == ("cat", "dog")


@pytest.mark.parametrize("header", ["Image Path,Class Name", "img_name,y", "File-Name, Target"])
def test_more_names_of_columns(tmp_path: Path, header: str) -> None:
    assert load(rows(tmp_path, header, *LINES)).classes == ("cat", "dog")


def test_rows_that_repeat_a_file(tmp_path: Path) -> None:
    for i in range(30):
        write(tmp_path, f"{i}.png", image(8, 8, seed=i))
    lines = [f"{i}.png,{'ab'[i % 2]}" for i in range(30)]
    images = load(rows(tmp_path, "file,label", *lines, "0.png,a", "0.png,a", "3.png,a"))
    assert len(images) == 29
    assert [(f.kind, f.where, f.left_out) for f in images.findings] == [
        ("several-labels", ("3.png",), True),
        ("repeated-row", ("0.png",), False),
    ]
    several = load(rows(tmp_path, "file,label", *lines, *(f"{i}.png,c" for i in range(5))))
    assert several.labels is not None
    assert several.labels[:6].tolist() == [*[[1, 0, 1], [0, 1, 1]] * 2, [1, 0, 1], [0, 1, 0]]
    assert several.findings[0].detail.startswith("5 of the 30 pictures are listed in several rows")


def test_labels_that_are_one_and_labels_that_are_none(tmp_path: Path) -> None:
    lines = ["images/0.png,1", "images/1.png,1.0", "images/2.png,2", "images/3.png,NaN"]
    images = load(rows(tmp_path, "file,label", *lines))
    assert images.classes == ("1", "2")
    assert {f.kind for f in images.findings} == {"labels-joined", "unlabelled"}
    table = pa.table({"path": [f"images/{i}.png" for i in range(4)], "label": [1.0, 2.0, None, 2]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet").classes == ("1", "2")


def test_a_cell_with_several_labels(tmp_path: Path) -> None:
    lines = [*LINES[:3], 'images/3.png,"cat,dog"']
    images = load(rows(tmp_path, "file,label", *lines))
    assert (images.classes, images.target.kind) == (("cat", "dog"), "labels")
    assert images.labels is not None
    assert images.labels.tolist() == [[0, 1], [1, 0], [0, 1], [1, 1]]


FLAGS = [f"images/{i}.png,{i % 2},{int(i > 1)},{i}" for i in range(4)]


def test_a_column_of_0_and_1_for_each_label(tmp_path: Path) -> None:
    path = rows(tmp_path, "file,cat,dog,age", *FLAGS)
    images = load(path)
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert "The columns cat, dog are taken as labels" in images.findings[0].detail
    assert images.counts() == [2, 2]
    named = load(path, label="dog,cat")
    assert named.classes == ("dog", "cat")
    assert load(path, label="cat").target.kind == "class"
    with pytest.raises(
        DataError,
        match=r"Column 'age' of .*t\.csv holds '2', which is neither 0 nor 1, in line 4, line 5: ",
    ):
        load(path, label="cat,age")


def test_columns_with_one_1_in_each_row_are_classes(tmp_path: Path) -> None:
    path = rows(
        tmp_path, "file,cat,dog", *(f"images/{i}.png,{i % 2},{1 - i % 2}" for i in range(4))
    )
    images = load(path)
    assert (images.target.kind, images.targets.tolist()) == ("class", [1, 0, 1, 0])
    assert [finding.kind for finding in images.findings] == ["one-hot"]
    assert load(path, several=True).target.kind == "labels"


def test_empty_cells_of_labels(tmp_path: Path) -> None:
    path = rows(tmp_path, "file,cat,dog", "images/0.png,1,1", "images/1.png,,1", "images/2.png,,")
    images = load(path)
    assert images.labels is not None
    assert images.labels.tolist() == [[1, 1], [0, 1]]
    assert {f.kind: f.where for f in images.findings} == {
        "multi-label": (), "blank-label": (), "unlabelled": ("images/2.png",),
    }  # fmt: skip


@pytest.mark.parametrize("cells", [
    ["cat|dog", "dog", "", "cat"], ["cat; dog", "dog", "", "cat"],
    ['["cat"; "dog"]', '["dog"]', "[]", '["cat"]'], ["['cat'; 'dog']", "['dog']", "[]", "['cat']"],
])  # fmt: skip
def test_lists_in_a_column(tmp_path: Path, cells: list[str]) -> None:
    with open(tmp_path / "t.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "tags"])
        for i, cell in enumerate(cells):
            write(tmp_path, f"{i}.png", image(8, 8, seed=i))
            writer.writerow([f"{i}.png", cell.replace(";", ",") if "[" in cell else cell])
    images = load(tmp_path / "t.csv", label="tags")
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
    assert "Images with none of them: 1." in images.findings[0].detail


def test_lists_of_parquet(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path, f"{i}.png", image(8, 8, seed=i))
    lists = [["a", "b"], [], None, ["b"]]
    table = pa.table({"path": [f"{i}.png" for i in range(4)], "labels": lists})
    pq.write_table(table, tmp_path / "x.parquet")
    images = load(tmp_path / "x.parquet")
    assert images.labels is not None
    assert images.labels.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert [f.where for f in images.findings if f.left_out] == [("2.png",)]


class Frame:
    """As a data frame of pandas or Polars answers."""

    def __init__(self, columns: dict) -> None:
        self.cells, self.columns = columns, list(columns)
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __getitem__(self, name: str) -> list:
        return self.cells[name]

    def to_dict(self) -> dict:
        return self.cells


@pytest.mark.parametrize("make", ["Frame", "pandas", "polars"])
def test_data_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str) -> None:
    kind = Frame if make == "Frame" else pytest.importorskip(make).DataFrame
    rows(tmp_path, "file,label")
    monkeypatch.chdir(tmp_path)
    parts = {"split": ["train", "train", "train", "test"], "who": ["p", "p", "q", "r"]}
    paths = [f"images/{i}.png" for i in range(4)]
    pictures = [image(8, 8, seed=i) for i in range(4)]
    for cells in (paths, contents()[:4], [{"bytes": c, "path": None} for c in contents()[:4]]):
        images = load(kind({"image": cells, "label": list("abab"), **parts}), group_by="who")
        assert images.classes == ("a", "b")
        assert (images.images[3].numpy() == noise(8, 8, seed=3)).all()
        assert images.groups is not None
        assert images.groups.tolist() == [0, 0, 1, 2]
        assert images.parts is not None
        assert images.parts.tolist() == [0, 0, 0, 2]
    for cells in (pictures, [np.asarray(one) for one in pictures]) if make != "polars" else ():
        images = load(kind({"image": cells, "label": list("abab")}))
        assert (images.images[3].numpy() == noise(8, 8, seed=3)).all()


def test_what_is_no_number_is_told_with_its_lines(tmp_path: Path) -> None:
    lines = [f"images/{i}.png,{value}" for i, value in enumerate(["1", "n/a", "?", "2"])]
    with pytest.raises(
        DataError,
        match=r"'holes' of .*t\.csv holds 'n/a', which is not a number, in line 3, line 4",
    ):
        load(rows(tmp_path, "file,holes", *lines), numbers=True, label="holes")


def test_rows_without_a_number_or_a_picture_are_named(tmp_path: Path) -> None:
    lines = ["images/0.png,1", ",2", "images/1.png,", "images/2.png,3"]
    images = load(rows(tmp_path, "file,holes", *lines), numbers=True, label="holes")
    (finding,) = (one for one in images.findings if one.kind == "unlabelled")
    assert finding.detail == "The table has no label or no picture (2): line 3, line 4."
    assert finding.where == ("an empty cell, line 3", "images/1.png")
