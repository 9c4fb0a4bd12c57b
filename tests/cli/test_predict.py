"""`cutaway predict`: what is asked about, where the answers go, and how it ends."""

import csv
import json
from pathlib import Path

import pytest
from helpers.command import cutaway
from helpers.digits import digits
from PIL import Image

import cutaway as ca
from cutaway.cli.app import flowing
from cutaway.errors import DataError

COUNT = 6


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "digits"
    ca.fit("mlp", digits(400), epochs=3, optimizer="adamw", lr=0.02, out=out, widths="32",
           progress=False)  # fmt: skip
    return out


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with pictures, one of them broken."""
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(digits(COUNT).images):
        Image.fromarray(pixels[..., 0].numpy()).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "photos" / "2.png").write_bytes(b"hello")
    return tmp_path


def test_answers_go_to_every_place_at_once(run, here):
    places = ("-o", "a.csv", "-o", "a.jsonl", "-o", "a.html", "--sort", "sorted")
    done = cutaway("predict", run, "photos", *places, folder=here)
    assert done.code == 1
    assert "1 of 6 images could not be read: photos/2.png. The others" in done.err
    assert done.out == "5 images answered: a.csv, a.jsonl, a.html, sorted\n"
    with open(here / "a.csv", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["image"] for row in rows] == [f"photos/{i}.png" for i in range(COUNT)]
    lines = [json.loads(line) for line in (here / "a.jsonl").read_text().splitlines()]
    for row, line in zip(rows, lines, strict=True):
        assert bool(row["error"]) == ("error" in line) == (row["image"] == "photos/2.png")
        if not row["error"]:
            assert line["top"][0] == [row["answer"], float(row["probability"])]
            copy = here / "sorted" / row["answer"] / Path(row["image"]).name
            assert copy.read_bytes() == (here / row["image"]).read_bytes()
    assert "photos/2.png" in (here / "a.html").read_text()
    again = cutaway("predict", run, "photos", "-o", "a.csv", folder=here)
    assert again.code == 2
    assert "add --overwrite" in again.err
    assert cutaway("predict", run, "photos/1.png", "-o", "a.csv", "--overwrite", folder=here)
    assert len((here / "a.csv").read_text().splitlines()) == 2


def test_paths_from_standard_input(run, here):
    typed = "photos/0.png\n\nphotos/3.png\n"
    done = cutaway("predict", run, "-", "--json", folder=here, typed=typed)
    assert done.code == 0
    assert [row["image"] for row in done.json] == ["photos/0.png", "photos/3.png"]
    done = cutaway("predict", run, "photos/1.png", "-", "--json", folder=here, typed=typed)
    assert len(done.json) == 3
    assert cutaway("predict", run, "-", folder=here).code == 2


def test_names_between_null_bytes_may_hold_lines(run, here):
    odd = "photos/two\nlines.png"
    (here / "photos/0.png").rename(here / odd)
    for names in ([odd, "photos/1.png"], ["photos/1.png", odd]):
        for typed in ("\0".join([*names, ""]), "\0".join(names)):
            done = cutaway("predict", run, "-", "--json", folder=here, typed=typed)
            assert (done.code, [row["image"] for row in done.json]) == (0, names)


def test_a_null_byte_within_lines_is_a_sentence(run, here):
    typed = "photos/1.png\nphotos/3.png\0photos/4.png\n"
    done = cutaway("predict", run, "-", folder=here, typed=typed)
    assert done.code == 1
    assert "its name holds a null byte" in done.said
    with pytest.raises(DataError, match="its name holds a null byte"):
        ca.load(run).predict("a\0b.png")


def test_where_none_could_be_read_no_others_are_told_of(run, here):
    (here / "photos/1.png").write_bytes(b"hello")
    broken = cutaway("predict", run, "photos/1.png", "photos/2.png", folder=here)
    assert broken.code == 1
    assert broken.err.endswith("All 2 images could not be read: photos/1.png, photos/2.png.\n")
    one = cutaway("predict", run, "photos/[23].png", folder=here)
    assert "1 of 2 images could not be read: photos/2.png. The other was answered." in one.said


TABLES = {
    "id,photo path,other": "1,photos/0.png,x",
    "file,shot": "gone,photos/0.png",
    "path,mask": "photos/0.png,photos/1.png",
}


@pytest.mark.parametrize("header", TABLES)
def test_the_column_of_a_table_whose_cells_are_files_is_taken(header, run, here):
    (here / "t.csv").write_text(f"{header}\n{TABLES[header]}\n")
    done = cutaway("predict", run, "t.csv", "--json", folder=here)
    assert [row["image"] for row in done.json] == ["photos/0.png"]


def test_a_table_without_files_names_the_column_that_was_used(run, here):
    (here / "t.csv").write_text("id,other\n7,x\n")
    done = cutaway("predict", run, "t.csv", folder=here)
    assert done.code == 1
    assert "None of the 1 pictures that column 'id' of t.csv names is there, among" in done.said
    (here / "t.csv").write_text("image,img\nphotos/0.png,photos/1.png\n")
    done = cutaway("predict", run, "t.csv", folder=here)
    assert done.code == 2
    assert "several columns of pictures: image, img. Name one: t.csv:COLUMN." in done.said
    (here / "t.csv").write_text("thing,other\n7,x\n")
    done = cutaway("predict", run, "t.csv", folder=here)
    assert done.code == 2
    assert "no column that looks like pictures: thing, other. Name one: t.csv:" in done.said
    (here / "t.csv").write_text("image,img\nphotos/0.png,photos/1.png\n")
    assert cutaway("predict", run, "t.csv:img", "--json", folder=here).json[0]["image"]


def test_an_empty_cell_of_a_table_is_told_with_its_line(run, here):
    (here / "t.csv").write_text("image,other\nphotos/0.png,x\n\n,y\nphotos,z\n")
    done = cutaway("predict", run, "t.csv", "--json", folder=here)
    assert done.code == 1
    assert done.json[1] == {
        "image": "t.csv, line 4",
        "error": "t.csv, line 4: the cell of column 'image' is empty.",
    }
    assert done.json[2]["error"].endswith("photos: It is a folder, not a picture.")


def test_a_table_names_what_is_broken(run, here):
    done = cutaway("predict", run, "photos/1.png", "photos/2.png", folder=here)
    assert done.code == 1
    assert "1.png" in done.out
    assert "%" in done.out
    assert "not a picture" in done.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "answers.txt"), "--out takes a file that ends in .csv"),
        (("-o", "folder"), "no masks for folder"),
        (("-o", "one", "-o", "two"), "One folder is enough"),
        (("-o", "a.csv", "-o", "./a.csv"), "named by --out more than once"),
        (("-", "-"), "Standard input can be read once"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(words, said, run, here):
    done = cutaway("predict", run, "photos/1.png", *words, folder=here)
    assert (done.code, done.out) == (2, "")
    assert said in done.said


def test_a_place_that_cannot_be_written_is_named_by_its_option(run, here):
    (here / "afile").write_text("mine")
    done = cutaway("predict", run, "photos/1.png", "--sort", "afile", folder=here)
    assert done.code == 2
    assert "afile is a file, and pictures are copied into a folder" in done.said
    assert "another place with --sort" in done.said
    done = cutaway("predict", run, "photos/1.png", "--sort", "afile/inside", folder=here)
    assert "another place with --sort" in done.said


def test_an_archive_is_to_be_unpacked(run, here):
    (here / "photos.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    done = cutaway("predict", run, "photos.zip", folder=here)
    assert done.code == 2
    assert "photos.zip is an archive: unpack it, and name the folder." in done.said


def test_where_nothing_is_asked_about_the_command_is_wrong(run, here):
    (here / "empty").mkdir()
    (here / "heads.csv").write_text("image,other\n")
    (here / "empty.csv").write_text("")
    for named in ("empty", "heads.csv", "empty.csv"):
        done = cutaway("predict", run, named, folder=here)
        assert (done.code, done.out) == (2, "")
        assert named in done.err
        assert "Standard input" not in done.err


def test_a_sentence_of_the_help_goes_on_in_its_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    helped = cutaway("predict", "--help").out
    assert "Of an image that cannot be read the answer is why not" in helped
    assert flowing("One.\n\n    Two\n    goes on.\n    Three:\n    a\n    B") == (
        "One.\n\nTwo goes on.\nThree:\na\nB"
    )


def test_several_views_and_what_has_none(run, tmp_path):
    picture = tmp_path / "seven.png"
    Image.fromarray(digits(8).images[7, ..., 0].numpy()).save(picture)
    told = cutaway("predict", run, picture, "--tta", "--json").json[0]
    plain = cutaway("predict", run, picture, "--json").json[0]
    assert told["top"] != plain["top"]
    assert told["unlike"] == pytest.approx(plain["unlike"], abs=0.002)
    refused = cutaway("predict", run, picture, "--tta", "--coverage", 0.5)
    assert refused.code
    assert "leave --coverage out, or --tta" in refused.said
