"""The report's section on what a watched run saw: planted figures come out as planted colours."""

import base64
from io import BytesIO
from pathlib import Path

import pytest
import torch
from helpers.report_page import read
from helpers.task_runs import few
from PIL import Image

from cutaway.learn.fit import fit
from cutaway.recipes import pair
from cutaway.see.watched import Fault, Watched, concatenate
from cutaway.show.charts.heatmap import draw
from cutaway.show.inside import Inside, inside, view
from cutaway.show.report import report

RECIPE = pair("mlp", "digits").override(epochs=2, batch_size=32, watch=2)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory):
    return fit(RECIPE, few(200), out=tmp_path_factory.mktemp("watched") / "run")


def test_a_watched_run_has_the_section(watched):
    page = read(report(watched, few(200)))
    assert "Inside the network while it learned" in page.text
    assert "Update over weight" in page.text


def test_a_run_that_nobody_watched_has_none(tmp_path: Path):
    run = fit(RECIPE.override(watch=0), few(200), out=tmp_path / "run")
    assert inside(run) is None
    assert "Inside the network" not in read(report(run, few(200))).text


def row(spread: float, idle: float = 0.0) -> torch.Tensor:
    return torch.cat([torch.tensor([0.0, spread, idle]), torch.linspace(-spread, spread, 65)])


def planted(**changes) -> Inside:
    moments = [
        Watched(
            [step],
            ["first", "relu"],
            ["first.weight", "first.bias"],
            torch.stack([row(1.0), row(0.01, idle=0.25)])[None],
            torch.stack([row(1e-4), row(1e-2)])[None],
            torch.tensor([[[2.0, 1.0, 2e-7], [0.0, 0.0, 0.0]]]),
        )
        for step in (1, 51)
    ]
    return view(concatenate(moments, **changes))


def pixels(shown) -> list[list[tuple[int, int, int]]]:
    image = Image.open(BytesIO(base64.b64decode(shown.picture.address.split(",")[1])))
    return [[image.getpixel((x, y)) for x in range(image.width)] for y in range(image.height)]


def test_colours_run_from_the_least_to_the_greatest():
    spread, slope, _, values = map(draw, planted().figures)
    low, high = (68, 1, 84), (253, 231, 37)
    assert pixels(spread) == [[high, high], [low, low]]
    assert pixels(slope) == [[low, low], [high, high]]
    assert spread.ends == ("0.01", "1")
    assert [name.text for name in spread.names] == ["first", "relu"]
    assert len(pixels(values)[0]) == 31


def test_what_is_worth_a_sentence_is_said():
    text = " ".join(planted().sentences).replace("\N{NO-BREAK SPACE}", " ")
    assert "Recorded at 2 steps, from step 1 to step 51." in text
    assert "25.0 % in relu" in text
    assert "1 of 1 weight tensors changed by less than 1e-05" in text
    fault = Fault(51, "relu", "the output (ReLU)", 3)
    assert "infinite or NaN" in " ".join(planted(fault=fault).sentences)


def test_many_layers_are_drawn_in_little_room():
    names = [f"stages.{i}.a_rather_long_name.weight" for i in range(400)]
    moment = Watched(
        [1], [], names, torch.zeros(1, 0, 68), torch.zeros(1, 0, 68), torch.ones(1, 400, 3)
    )
    (shown,) = map(draw, view(concatenate([moment])).figures)
    assert shown.height <= 420
    assert len(shown.names) <= 40
    assert all(len(name.text) <= 20 for name in shown.names)
