"""Predictions in columns on the terminal."""

from cutaway.learn.prediction import ClassPrediction, ValuePrediction
from cutaway.show import answers


def test_columns_are_aligned_and_errors_stand_whole(capsys, monkeypatch):
    monkeypatch.setattr(answers, "AT_ONCE", 3)
    given = [
        ClassPrediction(name="a/1.png", error="a/1.png: The file is empty, and this is long."),
        ClassPrediction(name="a/long.png", top=(("cat", 0.75), ("dog", 0.25))),
        ClassPrediction(name="2.png", top=(("a goldfish", 1.0),)),
        ClassPrediction(name="\x1b3.png", error="It is gone."),
    ]
    assert [*answers.show(given)] == given
    assert capsys.readouterr().out.splitlines() == [
        "image     answer      probability  next",
        "1.png     The file is empty, and this is long.",
        "long.png  cat         75.0%        dog 25.0%",
        "2.png     a goldfish  100.0%",
        "image   answer",
        "?3.png  It is gone.",
    ]


def test_numbers_have_a_column_each():
    given = [ValuePrediction(name="a", values={"price": 2.5, "age": 3.0})]
    assert [*answers.lines(given)] == ["image  price  age", "a      2.5    3"]


def test_whether_an_image_is_unlike_is_the_last_column():
    told = [
        ClassPrediction(name=name, top=(("a", 1.0),), unlike=unlike)
        for name, unlike in (("x", 0.4), ("y", 1.7))
    ]
    heads, *rows = (line.split() for line in answers.lines(told))
    assert heads[-1] == "unlike"
    assert [row[-1] for row in rows] == ["no", "yes"]


def test_as_much_of_a_path_is_shown_as_tells_it_from_others():
    names = ["col/a/x.jpg", "col/b/x.jpg", "col/b/y.jpg", "/1/b/x.jpg", "x.jpg", "col/b/y.jpg", ""]
    assert answers.short_names(names) == [
        "a/x.jpg", "col/b/x.jpg", "y.jpg", "1/b/x.jpg", "x.jpg", "y.jpg", "",
    ]  # fmt: skip
    given = [ValuePrediction(name=name, values={"age": 3.0}) for name in ("a/x.jpg", "b/x.jpg")]
    assert [*answers.lines(given)][1:] == ["a/x.jpg  3", "b/x.jpg  3"]
