"""Names and values of measures as text, in one place for all pages."""

import pytest

from cutaway.figures import Axis
from cutaway.learn.metrics import Metric
from cutaway.learn.tasks import TASKS
from cutaway.show import measures, words


def test_the_axis_of_a_share_is_in_per_cent():
    for task in TASKS.values():
        for one in task.metrics:
            assert ("%" in one.axis) >= (one.share and one.each_epoch), one.name


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("val_accuracy", 0.5, "50.00 %"),
        ("calibration_error", 0.0123, "1.23 %"),
        ("gradient_psnr", 20.0, "20.00 dB"),
        ("loss", 0.5, "0.5000"),
        ("kl", 1234.5, "1,234.50"),
        ("fid", None, "none"),
    ],
)
def test_a_value_has_its_unit(key, value, expected):
    assert measures.text(key, value).replace(words.SPACE, " ") == expected


def test_an_interval_is_two_values():
    text = measures.interval("psnr", {"low": 9.5, "high": 10.25})
    assert text == "9.50 dB to 10.25 dB"


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_in_a_row(names, expected):
    assert words.listed(names) == expected


def test_only_the_first_letter_grows():
    assert [words.capital(text) for text in ("mean IoU", "PSNR", "")] == ["Mean IoU", "PSNR", ""]


def test_the_axis_of_a_metric():
    assert measures.axis(Metric("r", axis="nats")) == Axis("nats", "auto", zero=True)
    assert measures.axis(Metric("psnr", begins="own")) == Axis("psnr")
    assert measures.axis(Metric("accuracy", unit="%")) == Axis("accuracy", share=True)
