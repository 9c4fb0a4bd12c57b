"""The page of a fleet: what it says of replicates and of settings, where its links lead."""

from pathlib import Path

import pytest
from helpers.report_page import Page, read
from helpers.task_runs import QUICK, few

from cutaway import recipes
from cutaway.learn.fleet import Fleet, launch
from cutaway.show.fleet import report

SMALL = {"model_options": {"widths": "16"}, "epochs": 2, "image_size": 8, "augment": "none"}


def trained(path: Path, model: str = "mlp", **how) -> Fleet:
    recipe = recipes.pair(model, "digits").override(**(SMALL | QUICK | how))
    return launch(recipe, few(200), way="in-turn", out=path)


@pytest.fixture(scope="module")
def replicates(tmp_path_factory) -> Fleet:
    return trained(tmp_path_factory.mktemp("fleets") / "three of a kind", replicates=3)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Fleet:
    vary = {"lr": [0.1, 0.01], "widths": ["8", "16"]}
    return trained(tmp_path_factory.mktemp("fleets") / "sweep", vary=vary, epochs=1)


def page(fleet: Fleet) -> Page:
    html = read(report(fleet))
    links = [tag["href"].removeprefix("#") for tag in html.all("a")]
    sections = [tag["id"] for tag in html.all("section")]
    assert links == ["result", *sections]
    html.words = [text.replace("\N{NO-BREAK SPACE}", " ") for text in html.words]
    return html


def test_replicates(replicates):
    html = page(replicates)
    assert "The mean over 3 members, which differ in seed." in html.text
    assert "The spread is what chance does" in html.text
    assert "Ensemble" in html.text
    assert "What was tried" not in html.text
    kinds = [line["class"] for line in html.all("polyline")]
    assert kinds == [*["line val thin"] * 3, "line val"] * 2 + ["line val"]


def test_a_path_can_be_typed_as_it_stands(replicates):
    assert f"cutaway compare '{replicates.path}' OTHER" in page(replicates).text


def test_settings_are_told_apart_and_are_not_chance(sweep):
    html = page(sweep)
    assert "which differ in lr and model options." in html.text
    assert "lr 0.1, model options widths=8" in html.text
    assert "one member only" in html.text
    assert "The spread is what chance does" not in html.text


def test_names_keep_their_capitals(tmp_path):
    fleet = trained(
        tmp_path / "again", "autoencoder", model_options={"widths": "16", "bottleneck": 4},
        replicates=2, epochs=1,
    )  # fmt: skip
    html = page(fleet)
    assert "Validation PSNR" in html.text
    assert "Test PSNR of each member" in html.text
    assert "Ensemble" not in html.text
