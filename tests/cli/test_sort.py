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
    again = cutaway("sort", tmp_path / "loose", *place)
    assert again.code == 2
    assert "choose another --into" in again.said
    wish = ["--epochs", 1, "--widths", 8, "--out", tmp_path / "run", "--json"]
    assert cutaway("train", "mlp", tmp_path / "sorted", *wish).json["images"] > 0


def test_digits_are_no_files_to_copy(tmp_path):
    place = ["-o", tmp_path / "page.html", "--into", tmp_path / "sorted"]
    said = cutaway("sort", "digits", "--groups", 3, *place).said
    assert "is not a folder of files" in said
