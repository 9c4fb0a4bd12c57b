"""The page of a search: the best trial, the others, and how far to trust the result."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.report_page import Page, read
from helpers.report_runs import HOSTILE
from helpers.task_runs import QUICK, few

from cutaway import recipes
from cutaway.errors import RunError
from cutaway.learn.directory import Place
from cutaway.learn.search import Search, Trial, launch
from cutaway.show import tables
from cutaway.show.charts.curves import draw
from cutaway.show.pages import search as page

SMALL = {"model_options": {"widths": "8"}, "epochs": 3, "image_size": 8, "augment": "none"}
OVER = {"lr": (0.001, 1.0), "optimizer": ["nesterov", "sgd", "adamw"], "batch_size": (16, 64)}


def searched(path: Path, over: Any, trials: int = 8, data: str = "digits", **changes) -> Search:
    settings = SMALL | QUICK | {"patience": 0, "batch_size": 32} | changes
    recipe = recipes.pair("mlp", data).override(**settings)
    return launch(recipe, few(200), trials=trials, over=over, out=path)


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> Search:
    return searched(tmp_path_factory.mktemp("searches") / "a search", OVER)


def text(search: Search) -> Page:
    parsed = read(page.report(search))
    links = [tag["href"].removeprefix("#") for tag in parsed.all("a")]
    assert links == ["result", *(tag["id"] for tag in parsed.all("section"))]
    parsed.words = [one.replace("\N{NO-BREAK SPACE}", " ") for one in parsed.words]
    return parsed


def test_the_best_and_how_far_to_trust_it(search):
    words = text(search).text
    assert f"Trial {search.results['trial'] + 1} did best: " in words
    assert "The best of many results on the same images is optimistic" in words
    assert "No test image was used" in words
    best = shlex.quote(str(search.path / "best.toml"))
    assert f"cutaway train --recipe {best} --replicates 8" in words
    changes = search.results["changes"]
    assert f"--lr {changes['lr']} --optimizer {changes['optimizer']}" in words


def test_each_field_has_a_chart_and_each_trial_a_row(search):
    parsed = text(search)
    labels = [tag["aria-label"] for tag in parsed.all("svg") if "aria-label" in tag]
    assert len(labels) == 1 + len(OVER)
    assert labels[0].startswith("The best rose from ")
    assert "Validation accuracy against learning rate." in labels
    assert [tag["scope"] for tag in parsed.all("th")].count("row") == 3 + 8
    chosen = [tag for tag in parsed.all("tr") if tag.get("class") == "chosen"]
    assert len(chosen) == 1


def test_the_trials_are_ranked(search):
    trials = [
        Trial(0, {}, {}, "failed", why="The loss."),
        Trial(1, {}, {}, "ended", ((3, 0.5),), 0.5, 1.0),
        Trial(2, {}, {}, "pruned", ((1, 0.1),)),
        Trial(3, {}, {}, "ended", ((3, 0.9),), 0.9, 0.4),
        Trial(4, {}, {}, "pruned", ((2, 0.1),)),
        Trial(5, {}, {}, "ended", ((3, 0.9),), 0.9, 0.3),
    ]
    assert [one.number for one in page.ranked(search, trials)] == [5, 3, 1, 4, 2, 0]
    assert search.leader(trials).number == 5


def test_what_did_badly_does_not_squeeze_the_others(search):
    trials = [replace(search.trials[0], number=k, value=v, state="ended", values=((3, v),))
              for k, v in enumerate((0.1, 0.95, 0.96, 0.97, 0.98))]  # fmt: skip
    low = page.objective(search, trials).low
    assert low is not None
    assert low > 0.9
    chart = draw(page.progress(search, trials))
    assert chart.dots[0].y == chart.bottom


def test_stairs():
    assert page.steps([(1, 0.5), (2, 0.5), (3, 0.7)]) == [
        (1, 0.5), (2, 0.5), (3, 0.5), (3, 0.7),
    ]  # fmt: skip


def test_failed_trials_say_why(tmp_path):
    over = {"lr": [0.01, 1000.0], "optimizer": ["sgd", "momentum"]}
    search = searched(tmp_path / "x", over, 4, weight_decay=10.0)  # some thousandfold
    assert {trial.state for trial in search.trials} == {"ended", "failed"}
    words = text(search).text
    assert "failed: The loss stopped being a finite number" in words
    assert "Too few trials ended, or they were too alike" in words


def test_data_of_ones_own_are_handed_in_again(tmp_path):
    search = searched(tmp_path / "x", {"lr": [0.01, 0.02]}, data=f"own:{HOSTILE}")
    parsed = text(search)
    assert "fit(data=..., recipe=load(" in parsed.text
    assert "script" not in [name for name, _ in parsed.tags]


def test_a_search_that_has_not_ended_has_no_page(search, tmp_path):
    half = Search.create(Place(tmp_path / "half"), search.recipe, search.space, 3, search.objective)
    with pytest.raises(RunError, match="has not finished"):
        page.report(half)


def test_the_same_search_gives_the_same_page(search):
    before = page.report(search).read_bytes()
    assert page.report(search).read_bytes() == before


def test_on_the_terminal(search):
    cells = [
        cell
        for column in tables.result(search, tables.search_rows(search)).columns
        for cell in column.cells
    ]
    assert "best val accuracy" in cells
    assert f"{search.results['trial'] + 1} of 8" in cells
