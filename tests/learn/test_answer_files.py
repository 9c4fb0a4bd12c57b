"""Answers in files: whole or not there, in the order of the images, broken ones named."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cutaway.data.stream import Input
from cutaway.errors import UsageError
from cutaway.learn.answer_files import answer_file
from cutaway.learn.answers import Answered
from cutaway.learn.label_prediction import LabelPrediction
from cutaway.learn.prediction import ClassPrediction, Prediction, ValuePrediction

PREDICTIONS: list[Prediction] = [
    ClassPrediction(name="a\nb.png", error="It is empty."),
    ClassPrediction(name='c,"d".png', top=(("cat", 0.75), ("dog", 0.25))),
    ClassPrediction(name="é.png", top=(("dog", 0.5), ("cat", 0.5))),
]


def written(path: Path, predictions: Iterable[Prediction] = PREDICTIONS, **options: bool) -> Path:
    with answer_file(path, **options) as add:
        for one in predictions:
            add(Answered(Input(one.name, one.name), None, one))
    return path


def test_csv(tmp_path):
    with open(written(tmp_path / "answers.csv"), newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert [*rows[0]] == ["image", "answer", "probability", "answer_2", "probability_2", "error"]
    assert [row["image"] for row in rows] == [one.name for one in PREDICTIONS]
    assert [row["answer"] for row in rows] == ["", "cat", "dog"]
    assert [row["error"] for row in rows] == ["It is empty.", "", ""]
    assert float(rows[1]["probability_2"]) == 0.25


def test_jsonl(tmp_path):
    lines = written(tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [one.to_dict() for one in PREDICTIONS]


def test_parquet(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("cutaway.learn.answer_files.Parquet.group", 2)
    table = parquet.read_table(written(tmp_path / "answers.parquet"))
    assert table.column("answer").to_pylist() == [None, "cat", "dog"]
    assert table.column("probability").to_pylist() == [None, 0.75, 0.5]
    assert table.column("error").to_pylist() == ["It is empty.", None, None]


def test_values_have_a_column_each(tmp_path):
    one = ValuePrediction(name="a", values={"price": 2.5, "age": 3.0})
    text = written(tmp_path / "answers.csv", [one]).read_text()
    assert text.split() == ["image,price,age,error", "a,2.5,3.0,"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_where_none_could_be_read_the_file_says_so(ending, tmp_path):
    path = written(tmp_path / f"answers.{ending}", PREDICTIONS[:1])
    assert b"It is empty." in path.read_bytes()


def stopped(predictions: list[Prediction]) -> Iterator[Prediction]:
    yield from predictions
    raise KeyboardInterrupt


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_run_that_fails_leaves_what_it_has_under_another_name(ending, tmp_path):
    path = tmp_path / f"answers.{ending}"
    with pytest.raises(KeyboardInterrupt):
        written(path, stopped(PREDICTIONS))
    assert not path.exists()
    if ending == "jsonl":
        part = tmp_path / "answers.jsonl.part"
        assert len(part.read_text().splitlines()) == 3
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / f"none.{ending}", stopped([]))
    assert not [*tmp_path.glob("none.*")]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_name_of_a_file_may_be_any_bytes(ending, tmp_path):
    odd = ClassPrediction(name=b"\xff.png".decode(errors="surrogateescape"), top=(("cat", 1.0),))
    content = written(tmp_path / f"answers.{ending}", [odd]).read_bytes()
    assert (b"\xff.png" if ending == "csv" else b"\\udcff.png") in content


def test_nothing_is_overwritten_without_being_asked(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        written(path)
    assert path.read_text() == "mine"
    written(path, overwrite=True)
    assert path.read_text() != "mine"
    (tmp_path / "other.csv.part").write_text("a run that was stopped")
    with pytest.raises(UsageError, match=r"other\.csv\.part is there"):
        written(tmp_path / "other.csv")
    assert (tmp_path / "other.csv.part").read_text() == "a run that was stopped"
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        written(tmp_path / "folder.csv", overwrite=True)


def test_how_unlike_an_image_is_has_a_column_where_it_is_known(tmp_path):
    one = ClassPrediction(name="a", top=(("cat", 0.5),), unlike=1.23456)
    text = written(tmp_path / "answers.csv", [one]).read_text()
    assert text.split() == ["image,answer,probability,unlike,error", "a,cat,0.5,1.235,"]


def test_of_several_labels_each_has_its_probability(tmp_path):
    told = [
        LabelPrediction(
            name=name, labels=labels, others=(("x", 0.1),), unlike=0.5,
            probabilities={"a": 0.75, "b, c": 0.625, "x": 0.1},
        )
        for name, labels in (("1", (("a", 0.75), ("b, c", 0.625))), ("2", ()))
    ]  # fmt: skip
    with open(written(tmp_path / "answers.csv", told), newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [*rows[0]] == ["image", "labels", "a", "b, c", "x", "unlike", "error"]
    assert [row["labels"] for row in rows] == ["a|b, c", ""]
    assert [float(rows[0][name]) for name in ("a", "b, c", "x")] == [0.75, 0.625, 0.1]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_name_that_is_a_column_already_is_numbered(ending, tmp_path):
    names = ("image", "labels", "error", "error_2", "unlike")
    pairs = tuple((name, i / 8) for i, name in enumerate(names))
    label = LabelPrediction(name="a.png", labels=pairs[:1], probabilities=dict(pairs), unlike=2.0)
    columns = ["image", "labels", "image_2", "labels_2", "error_3", "error_2", "unlike_2"]
    columns += ["unlike", "error"]
    read = table(written(tmp_path / f"answers.{ending}", [label]))
    assert list(read) == columns
    assert read["image"] == "a.png"
    assert float(read["error_3"]) == 0.25
    assert not read["error"]
    value = ValuePrediction(
        name="b.png", values={"image": 1.0, "age": 2.0, "age_low": 3.0},
        intervals={"image": (0.0, 2.0), "age": (1.0, 3.0), "age_low": (2.0, 4.0)},
    )  # fmt: skip
    read = table(written(tmp_path / f"values.{ending}", [value]))
    assert read["image"] == "b.png"
    assert [float(read[name]) for name in ("image_2", "age", "age_low", "age_low_2")] == [
        1,
        2,
        3,
        1,
    ]


def table(path: Path) -> dict[str, object]:
    """The first row, by its columns."""
    if path.suffix == ".csv":
        with open(path, newline="") as file:
            return next(csv.DictReader(file))
    row: dict[str, object] = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()[0]
    return row
