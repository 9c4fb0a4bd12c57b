"""The page of an audit shows what was found, and is written for data of any kind."""

from dataclasses import replace

import pytest
import torch
from helpers.drawn_classes import shapes
from helpers.report_page import read
from helpers.report_runs import HOSTILE
from PIL import Image

from cutaway.data.audit import audit
from cutaway.data.imageset import Finding, ImageSet
from cutaway.data.sources import load
from cutaway.show.pages.audit import write


def page_of(images: ImageSet, folder):
    write(images, audit(images), folder / "audit.html")
    return read(folder / "audit.html")


def test_copies_stand_side_by_side_those_of_two_classes_first(tmp_path):
    images = shapes(60)
    images.images[2], images.images[7] = images.images[0], images.images[4]
    broken = Finding("truncated", (f"{HOSTILE}.png",), "The file ends early.", left_out=True)
    page = page_of(replace(images, name="shapes", findings=(broken,)), tmp_path)
    copies = page.text[page.text.index("Copies, side by side") :]
    disputed = copies.index("2 images, equal, of several classes: disc and square")
    assert disputed < copies.index("shapes/0 · shapes/2")
    assert "truncated 1 image left out" in page.text
    assert [s["id"] for s in page.all("section")] == [
        "result", "findings", "copies", "classes", "exposure", "augmentation",
    ]  # fmt: skip
    assert all(image["alt"] for image in page.all("img"))
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))


def test_one_size_is_a_sentence_and_several_are_drawn(tmp_path):
    for side, name in ((20, "a"), (20, "b"), (24, "c"), (20, "d")):
        path = tmp_path / "set" / ("one" if name < "c" else "two") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((side, side), 50).save(path)
    several = page_of(load(str(tmp_path / "set")), tmp_path)
    assert "2 sizes in 4 files, most often 20 x 20 pixels (3)" in several.text
    (tmp_path / "set/two/c.png").unlink()
    assert "All 3 files are 20 x 20 pixels" in page_of(load(str(tmp_path / "set")), tmp_path).text


@pytest.mark.parametrize("name", ["digits", "xor", "waveforms"])
def test_any_data_have_a_page(name, tmp_path):
    assert page_of(load(name), tmp_path).text


def test_numbers_and_masks_have_no_classes_to_show(tmp_path):
    page = page_of(shapes(30).with_values(torch.rand(30, 1), ["size"]), tmp_path)
    assert "classes" not in [s["id"] for s in page.all("section")]
