"""`cutaway suspects`: from a folder with a wrong label to a training without it."""

import csv

import numpy as np
import pytest
from helpers.command import cutaway
from helpers.report_page import read
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Dark and bright noise, and one bright picture among the dark ones."""
    draw = np.random.default_rng(0)
    for i in range(60):
        kind = "bright" if i % 2 else "dark"
        pixels = draw.integers(0, 150, (12, 12), dtype=np.uint8) + 100 * (i % 2)
        path = tmp_path / "shades" / ("dark" if i == 1 else kind) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path


def test_from_a_wrong_label_to_a_training_without_it(folder):
    out = folder / "suspects.html"
    found = cutaway("suspects", folder / "shades", "-o", out, "--json").json
    assert found["suspects"][0] == {
        "name": "dark/1.png", "label": "dark", "suggested": "bright",
        "confidence": found["suspects"][0]["confidence"],
    }  # fmt: skip
    page = read(out)
    assert page.all("img")[0]["alt"] == "dark/1.png: labelled dark, looks like bright"
    table = folder / "suspects.csv"
    rows = csv_rows(table)
    assert (rows[0]["image"], rows[0]["correct_label"]) == ("dark/1.png", "")
    rows[0]["correct_label"] = "bright"
    with table.open("w") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    again = cutaway("suspects", folder / "shades", "-o", out)
    assert again.code == 2
    assert "may hold corrections, so it is not overwritten" in again.said
    assert cutaway("suspects", folder / "none", "-o", out, "--overwrite").code == 2
    assert csv_rows(table)[0]["correct_label"] == "bright"  # nothing was read, so nothing written
    wish = ["--epochs", 1, "--widths", 8, "--out", folder / "run", "--json"]
    run = cutaway("train", "mlp", folder / "shades", "--fix", table, *wish).json
    assert {"kind": "labels-fixed", "sentence": f"1 label was corrected by {table}."} in run[
        "notes"
    ]
    assert f'fix = "{table}"' in (folder / "run/recipe.toml").read_text()
    table.write_text(table.read_text().replace("bright\n", "dark\n"))
    changed = cutaway("report", folder / "run")
    assert changed.code == 0  # without pictures: the labels are others now
    assert "have changed since" in (folder / "run/report.html").read_text()


def csv_rows(table):
    return list(csv.DictReader(table.read_text().splitlines()))


def test_a_table_without_corrections_is_replaced(folder):
    out, table = folder / "suspects.html", folder / "suspects.csv"
    (folder / "shades/dark/empty.jpg").touch()
    command = ["suspects", folder / "shades", "-o", out]
    first = cutaway(*command)
    assert "Note: 1 file was left out: dark/empty.jpg (" in first.said
    assert "1 file was left out: dark/empty.jpg (" in read(out).text
    assert cutaway(*command, "--json").json["left_out"].keys() == {"dark/empty.jpg"}
    written = table.read_text()
    table.write_text(written.replace(",\n", ",bright\n"))
    assert "or add --overwrite" in cutaway(*command).said
    assert cutaway(*command, "--overwrite").code == 0
    assert table.read_text() == written


def test_groups_are_named_as_in_training(folder):
    out, by = folder / "suspects.html", ["--group-by", r"(\d)\d*\.png"]
    found = cutaway("suspects", folder / "shades", "-o", out, *by, "--json").json
    assert found["suspects"][0]["name"] == "dark/1.png"
    text = read(out).text
    assert "in 5 folds that part no group" in text
    data = str(folder / "shades")
    assert f"cutaway train {data} --group-by '(\\d)\\d*\\.png' --fix" in text
    said = cutaway("suspects", folder / "shades", "-o", folder / "b.html", "--group-by", "(").said
    assert "is not a regular expression" in said
    assert not (folder / "b.html").exists()


def test_a_run_has_groups_of_its_own(folder):
    wish = ["--epochs", 1, "--widths", 8, "--out", folder / "run"]
    cutaway("train", "mlp", folder / "shades", *wish)
    said = cutaway("suspects", folder / "run", "-o", folder / "a.html", "--group-by", "x").said
    assert "options of its own" in said
    assert cutaway("suspects", folder / "run", "-o", folder / "a.html").code == 0
    assert f"cutaway train {folder / 'shades'} --fix" in read(folder / "a.html").text


def test_places_that_do_not_exist_are_sentences(tmp_path):
    said = cutaway("suspects", "digits", "-o", tmp_path / "none/page.html").said
    assert "There is no folder" in said
    assert "the table is beside" in cutaway("suspects", "digits", "-o", tmp_path / "a.csv").said
