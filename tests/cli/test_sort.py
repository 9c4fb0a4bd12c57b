"""`cutaway sort`: from loose pictures to folders that a training takes."""

import csv

from helpers.command import cutaway
from helpers.drawn_classes import shapes
from helpers.report_page import read
from PIL import Image


def test_from_loose_pictures_to_folders(tmp_path):
    images = shapes(40)
    (tmp_path / "loose").mkdir()
    for i, pixels in enumerate(images.images):
        Image.fromarray(pixels[..., 0].numpy()).save(tmp_path / f"loose/{i}.png")
    place = ["-o", tmp_path / "page.html", "--into", tmp_path / "sorted"]
    found = cutaway("sort", tmp_path / "loose", "--groups", 2, *place, "--json").json
    assert found["images"] == 40
    files = sorted(path.name for path in (tmp_path / "sorted").rglob("*.png"))
    assert files == sorted(f"{i}.png" for i in range(40))
    counts = {
        folder.name: len(list(folder.iterdir())) for folder in (tmp_path / "sorted").iterdir()
    }
    assert counts == found["groups"]
    rows = list(csv.DictReader((tmp_path / "page.csv").read_text().splitlines()))
    assert {row["group"] for row in rows} == counts.keys()
    assert "2 groups of 40 images" in read(tmp_path / "page.html").text
    again = cutaway("sort", tmp_path / "loose", *place, "--overwrite")
    assert again.code == 2
    assert "choose another --into" in again.said
    wish = ["--epochs", 1, "--widths", 8, "--out", tmp_path / "run", "--json"]
    assert cutaway("train", "mlp", tmp_path / "sorted", *wish).json["images"] > 0


def test_files_that_cannot_be_read_are_named_everywhere(tmp_path):
    folder, out = tmp_path / "loose", tmp_path / "page.html"
    folder.mkdir()
    for i, pixels in enumerate(shapes(12).images):
        Image.fromarray(pixels[..., 0].numpy()).save(folder / f"{i}.png")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    command = ["sort", folder, "--groups", 2, "-o", out]
    said = cutaway(*command).said
    assert "Note: 2 files were left out: empty.jpg (" in said
    assert "2 files were left out: empty.jpg (" in read(out).text
    rows = list(csv.DictReader((tmp_path / "page.csv").read_text().splitlines()))
    lost = {row["image"]: row["left_out"] for row in rows if row["left_out"]}
    assert lost.keys() == {"empty.jpg", "text.jpg"}
    assert not any(row["group"] for row in rows if row["left_out"])
    again = cutaway(*command)
    assert again.code == 2
    assert "page.html exists already and is not overwritten" in again.said
    assert cutaway(*command, "--overwrite", "--json").json["left_out"] == lost


def test_digits_are_no_files_to_copy(tmp_path):
    place = ["-o", tmp_path / "page.html", "--into", tmp_path / "sorted"]
    said = cutaway("sort", "digits", "--groups", 3, *place).said
    assert "is not a folder of files" in said
