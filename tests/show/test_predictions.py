"""The page of predictions: the images in most doubt, however many there are."""

import numpy as np
import pytest
from helpers.command import words

from cutaway.data.stream import Input
from cutaway.errors import UsageError
from cutaway.learn.answers import Answered
from cutaway.learn.prediction import ClassPrediction, Prediction, ValuePrediction
from cutaway.show import predictions
from cutaway.show.predictions import Gathered, content, prediction_page


def answered(name: str, prediction: Prediction) -> Answered:
    pixels = None if prediction.error else np.zeros((9, 9, 3), np.uint8)
    return Answered(Input(name, name), pixels, prediction)


def guess(name: str, probability: float, label: str = "cat") -> Answered:
    top = ((label, probability), ("<other>", 1 - probability))
    return answered(name, ClassPrediction(name=name, top=top))


def test_the_least_certain_come_first_and_no_more_than_fit(monkeypatch):
    monkeypatch.setattr(predictions, "SHOWN", 3)
    gathered = Gathered()
    for place, probability in enumerate([0.9, 0.4, 0.99, 0.4, 0.8, 0.7]):
        gathered.add(guess(str(place), probability, "dog" if place == 5 else "cat"))
    assert [card.name for card in gathered.shown()] == ["1", "3", "5"]
    assert (gathered.answered, gathered.doubtful) == (6, 2)
    assert gathered.classes == {"cat": 5, "dog": 1}


def test_a_page_is_escaped_and_names_broken_files(tmp_path):
    with prediction_page(tmp_path / "a.html", "runs/<1>") as add:
        add(guess("<b>.png", 0.4))
        add(guess("\udcff.png", 0.9))
        add(answered("c", ClassPrediction(name="c", error="<c> is empty.")))
    page = (tmp_path / "a.html").read_text()
    for text in ("&lt;b&gt;.png", "&lt;c&gt; is empty.", "&lt;other&gt;", "runs/&lt;1&gt;"):
        assert text in page
    with (
        pytest.raises(UsageError, match="exists already"),
        prediction_page(tmp_path / "a.html", "run"),
    ):
        pass


def test_numbers_are_shown_in_their_order():
    gathered = Gathered()
    for name in "abc":
        gathered.add(answered(name, ValuePrediction(name=name, values={"price": 2.0})))
    values = content(gathered, "run")
    assert [card.name for card in values["cards"]] == ["a", "b", "c"]
    assert values["bars"] is None
    assert "in the order" in values["lead"]


def test_of_none_that_could_be_read_there_is_a_page_too(tmp_path):
    with prediction_page(tmp_path / "a.html", "run") as add:
        add(answered("c", ClassPrediction(name="c", error="It is empty.")))
    assert "No image could be read." in (tmp_path / "a.html").read_text()


def test_images_unlike_all_that_was_learned_come_first(tmp_path):
    with prediction_page(tmp_path / "a.html", "run") as add:
        for name, probability, unlike in (("sure", 0.99, 2.5), ("torn", 0.5, 0.9)):
            top = (("cat", probability), ("dog", 1 - probability))
            add(answered(name, ClassPrediction(name=name, top=top, unlike=unlike)))
    page = (tmp_path / "a.html").read_text()
    assert page.index(">sure<") < page.index(">torn<")
    assert page.count("<b>unlike all that it learned from</b>") == 1
    assert "before them those that are unlike" in page
    assert "Unlike" not in "".join(one.name for one in predictions._tiles(Gathered()))


def test_sets_of_classes_stand_beside_their_images_and_the_coverage_above(tmp_path):
    with prediction_page(tmp_path / "a.html", "run", coverage=0.9) as add:
        for name, told in (("x", ("cat", "<dog>")), ("y", ())):
            top = (("cat", 0.6), ("<dog>", 0.4))
            add(answered(name, ClassPrediction(name=name, top=top, prediction_set=told)))
    page = words((tmp_path / "a.html").read_text().replace("\xa0", " "))
    assert "set: <b>cat, &lt;dog&gt;</b>" in page
    assert "set: <b>none</b>" in page
    assert "holds the true one for 90 % of images" in page


def test_intervals_are_told_with_their_coverage():
    one = ValuePrediction(name="a", values={"age": 2.0}, intervals={"age": (1.0, 3.0)})
    gathered = Gathered()
    gathered.add(answered("a", one))
    values = content(gathered, "run", 0.995)
    assert values["cards"][0].cells["age, interval"] == "1 to 3"
    assert "holds the true number for 99.5\xa0% of images" in values["promise"]
    assert values["tiles"][0].value == "99.5\xa0%"
    assert not content(gathered, "run")["promise"]
