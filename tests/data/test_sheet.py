from pathlib import Path

import pytest
from helpers.pictures import image, write

from cutaway.data.sheet import sheet
from cutaway.data.sources import load
from cutaway.errors import DataError

KOREAN = "파일,분류\n사진/0.png,고양이\n사진/1.png,개\n"
GERMAN = "file,label\nimages/0.png,Jäger\nimages/1.png,Förster\n"


def pictures(root: Path, folder: str = "images", count: int = 4) -> Path:
    for i in range(count):
        write(root, f"{folder}/{i}.png", image(8, 8, seed=i))
    return root


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949"])
def test_encodings_of_spreadsheets(tmp_path: Path, code: str) -> None:
    text = KOREAN.replace("파일,분류", "file,label")
    mark = b"\xff\xfe" if code == "utf-16-le" else b""
    path = write(pictures(tmp_path, "사진"), "t.csv", mark + text.encode(code))
    images = load(path)
    assert images.classes == ("개", "고양이")
    assert images.names == ["사진/0.png", "사진/1.png"]
    said = [f.detail for f in images.findings if f.kind == "encoding"]
    assert bool(said) == (code == "cp949")
    assert all("Korean (cp949): '사진/0.png,고양이'" in one for one in said)


def test_western_windows(tmp_path: Path) -> None:
    path = write(pictures(tmp_path), "t.csv", GERMAN.encode("cp1252"))
    images = load(path)
    assert images.classes == ("Förster", "Jäger")
    assert [f.kind for f in images.findings] == ["encoding"]


@pytest.mark.parametrize("sign", ",;\t|")
def test_separators_also_within_cells(tmp_path: Path, sign: str) -> None:
    others = ",;\t|".replace(sign, "")
    lines = [f"file{sign}label", *(f"{i}.png{sign}a{others}{i % 2}" for i in range(4))]
    table = sheet(write(tmp_path, "t.csv", "\n".join(lines).encode()))
    assert list(table.columns) == ["file", "label"]
    assert table.columns["label"][1] == f"a{others}1"


def test_the_separator_that_excel_writes_down(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", b"sep=;\r\nfile;label\r\na,1.png;x\r\n\r\n;;\r\n")
    assert sheet(path).columns == {"file": ["a,1.png"], "label": ["x"]}


def test_a_table_without_a_line_of_names(tmp_path: Path) -> None:
    lines = [f"images/{i}.png,{'cat' if i % 2 else 'dog'}" for i in range(4)]
    images = load(write(pictures(tmp_path), "t.csv", "\n".join(lines).encode()))
    assert images.targets.tolist() == [1, 0, 1, 0]
    assert [f.kind for f in images.findings] == ["no-header"]
    assert "column 1 is read as pictures and column 2 as labels" in images.findings[0].detail
    ids = write(tmp_path, "ids.csv", b"a,0\nb,1\na,2\nb,3")
    images = load(ids)
    assert images.classes == ("a", "b")
    assert "column 2 is read as pictures and column 1 as labels" in images.findings[0].detail
    wide = [f"{line},{i}" for i, line in enumerate(lines)]
    assert load(write(tmp_path, "w.csv", "\n".join(wide).encode()), label="2").classes == (
        *("cat", "dog"),
    )


def test_a_row_of_too_many_cells_is_left_out_and_named(tmp_path: Path) -> None:
    text = b'file,label\n"images/0.png",a\nimages/1.png,b\nimages/2,5.png,c\nimages/3.png,b,,\n'
    images = load(write(pictures(tmp_path), "t.csv", text))
    assert images.classes == ("a", "b")
    assert [(f.kind, f.where, f.left_out) for f in images.findings] == [
        ("ragged-row", ("line 4",), True)
    ]


def test_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"two columns of the name 'label'"):
        load(write(tmp_path, "a.csv", b"file,label,label\n0.png,a,b"))
    with pytest.raises(DataError, match=r"is not text. Save it as CSV in UTF-8"):
        load(write(tmp_path, "b.csv", b"file,label\n\0\0\0"))
    with pytest.raises(DataError, match=r"cannot be read as a table"):
        load(write(tmp_path, "c.csv", b'file,label\n"' + b"x" * 200_000))
