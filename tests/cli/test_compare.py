"""`cutaway compare` as somebody types it."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from helpers.command import cutaway
from helpers.compared_runs import altered, fleet, single

from cutaway.data.sources import load

OURS, BETTER = [0.90, 0.91, 0.93, 0.90], [0.94, 0.94, 0.97, 0.95]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """`a` and `b`, fleets of four seeds of which b is better; `one` and `two`, single runs."""
    root = tmp_path_factory.mktemp("runs")
    seeds = fleet(root / "seeds", [{"seed": k, "split_seed": 0} for k in range(4)])
    altered(seeds, root / "a", OURS)
    altered(seeds, root / "b", BETTER, lr=0.3)
    altered(seeds, root / "same", OURS)
    single(root / "one")
    single(root / "two", lr=0.2)
    return root


def test_the_result_comes_first_in_words(runs):
    done = cutaway("compare", runs / "a", runs / "b")
    assert done.code == 0, done.err
    assert done.said.startswith(
        "b is better than a by 4.0 points (95.0 % against 91.0 %), 95 % interval 2.7 to 5.3; "
        "4 seeds, paired by seed, p = 0.0023."
    )
    assert "lr │ 0.02 │ 0.3" in done.said
    assert "not how they would on other images" in done.said
    assert "the test set is not for choosing" in done.said


def test_the_other_way_round_says_the_same(runs):
    done = cutaway("compare", runs / "b", runs / "a")
    assert done.said.startswith("b is better than a by 4.0 points")
    assert "−4.0 points" in done.said


def test_what_cannot_be_told_says_what_it_would_take(runs):
    done = cutaway("compare", runs / "one", runs / "two")
    assert done.said.startswith("Whether one or two is better cannot be decided: ")
    assert "the same for both, p = " in done.said
    assert "8 times in 10" in done.said
    assert "one alone is right on" in done.said


def test_equal_ones(runs):
    said = cutaway("compare", runs / "a", runs / "same").said
    assert "a and same came out equal (91.0 % against 91.0 %)" in said
    assert "The recipes are the same." in said


def test_a_truth_table_is_all_there_is(tmp_path):
    for name, epochs in (("a", 1), ("b", 20)):
        single(
            tmp_path / name, load("xor"), model="gates", data="xor", task="threshold",
            epochs=epochs, batch_size=1, optimizer="sgd", momentum=0, weight_decay=0,
        )  # fmt: skip
    assert "are all there are" in cutaway("compare", tmp_path / "a", tmp_path / "b").said


def test_several_are_corrected(runs):
    done = cutaway("compare", runs / "a", runs / "b", runs / "same")
    assert "Holm's correction, since 2 differences" in done.said


def test_json(runs):
    result = cutaway("compare", runs / "a", runs / "b", "--json").json
    assert result["measure"] == "accuracy"
    assert result["differences"][0]["gain"] == pytest.approx(0.04)
    assert result["differences"][0]["seen"] is True
    assert result["said"][0].startswith("b is better than a")


def test_the_page(runs, tmp_path):
    page = tmp_path / "page.html"
    done = cutaway("compare", runs / "a", runs / "b", "-o", page)
    assert page.resolve().as_uri() in done.out.replace("\n", "")
    assert "b is better than a" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["one"], "It takes two runs"),
        ([], "Missing argument"),
        (["one", "one"], "named twice"),
        (["one", "nowhere"], "is not a run"),
        (["a", "one"], "a single run"),
        (["one", "two", "--on", "tset"], "not 'tset'"),
        (["one", "two", "-o", "no/such/folder/page.html"], "There is no folder no/such/folder"),
        (["one", "two", "--on", "val"], "hand them in again"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_refusals(runs, arguments, words):
    done = cutaway("compare", *arguments, folder=runs)
    assert done.code == 2
    assert words in done.said


def test_what_has_not_ended(runs, tmp_path):
    half = copytree(runs / "one", tmp_path / "half")
    (half / "results.json").unlink()
    done = cutaway("compare", runs / "two", half)
    assert done.code == 1
    assert "has not finished" in done.said


def test_errors_are_json_where_json_was_asked_for(runs):
    assert "two runs" in json.loads(cutaway("compare", runs / "one", "--json").err)["error"]
