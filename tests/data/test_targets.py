import numpy as np
import pytest

from cutaway.data.targets import labels_of, one_hot
from cutaway.errors import DataError


@pytest.mark.parametrize("blank", [None, "", " ", "nan", "NaN", float("nan"), "<NA>", "NULL"])
def test_what_stands_for_no_label_is_no_class(blank: object) -> None:
    labels = labels_of(["cat", blank, "dog"])
    assert labels.classes == ["cat", "dog"]
    assert labels.numbers == [0, -1, 1]


def test_words_that_may_be_a_class_stay_one() -> None:
    assert labels_of(["none", "NA", "some"]).classes == ["NA", "none", "some"]


def test_spaces_and_ways_of_writing_a_number_make_no_classes_and_are_told() -> None:
    labels = labels_of(["cat", "cat ", "dog"])
    assert labels.classes == ["cat", "dog"]
    assert [(f.kind, f.where) for f in labels.findings] == [("labels-joined", ("cat", "cat "))]
    labels = labels_of(["1", "1.0", "2", "10.0"])
    assert labels.classes == ["1", "2", "10"]
    assert labels.findings[0].where == ("1", "1.0")
    assert labels_of(["01", "02"]).classes == ["01", "02"]
    assert labels_of(["1.0", "a"]).classes == ["1.0", "a"]


def test_letters_composed_of_two_signs_are_one() -> None:
    assert labels_of(["caf\u00e9", "cafe\u0301", "tea"]).classes == ["caf\u00e9", "tea"]


def test_numbers_with_names_are_indices_and_minus_one_is_none() -> None:
    assert labels_of([0, 1, -1, 1], ["cat", "dog"]).numbers == [0, 1, -1, 1]
    assert labels_of(["dog", None, "cat"], ["cat", "dog"]).numbers == [1, -1, 0]
    with pytest.raises(DataError, match=r"Target 2 has no name .* counted from 0: subtract 1"):
        labels_of([1, 2], ["cat", "dog"])
    with pytest.raises(DataError, match=r"Target -3 has no name"):
        labels_of([1, -3], ["cat", "dog"])


def test_minus_one_among_numbers_is_told() -> None:
    assert [f.kind for f in labels_of([-1, 0, 1]).findings] == ["negative-label"]
    assert not labels_of([-1, 1]).findings


def test_yes_and_no() -> None:
    labels = labels_of(np.array([True, False, True]).tolist())
    assert (labels.classes, labels.numbers) == (["False", "True"], [1, 0, 1])


def test_numbers_to_be_predicted_are_no_classes() -> None:
    with pytest.raises(DataError, match=r"200 different numbers, from 0 to 199 .*regression"):
        labels_of([i // 2 for i in range(400)])
    with pytest.raises(DataError, match=r"regression.*--task regress"):
        labels_of([0.25, 0.5, 1.0])
    assert len(labels_of([i // 5 for i in range(1000)]).classes) == 200


def test_labels_that_nearly_all_differ_are_no_classes() -> None:
    with pytest.raises(DataError, match=r"150 different labels for 150 images"):
        labels_of([f"a picture of thing {i}" for i in range(150)])


def test_a_name_may_hold_a_comma() -> None:
    assert labels_of(["crane, bird", "crane, machine"]).classes == ["crane, bird", "crane, machine"]


@pytest.mark.parametrize("value", [["a", "b"], {"a"}, np.array(["a", "b"])])
def test_a_list_is_no_class(value: object) -> None:
    with pytest.raises(DataError, match=r"where one name or number is needed"):
        labels_of([value, value])


def test_boxes_are_refused() -> None:
    with pytest.raises(DataError, match=r"dictionary of boxes, labels.*not learned"):
        labels_of([{"boxes": [], "labels": []}])


def test_one_hot_rows() -> None:
    assert one_hot(np.eye(3)[[2, 0]]) == [2, 0]
    with pytest.raises(DataError, match=r"gives row 0 .* 2 1"):
        one_hot(np.array([[1, 1, 0], [0, 1, 0]]))
    with pytest.raises(DataError, match=r"gives row 1 .* no 1"):
        one_hot(np.array([[1, 0], [0, 0]]))
    with pytest.raises(DataError, match=r"Probabilities are not learned"):
        one_hot(np.array([[0.5, 0.5]]))
