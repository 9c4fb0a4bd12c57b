"""Numbers for readers."""

import pytest

from cutaway.show.words import duration, number, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.98051, "98.1 %"),
        (1, "100 %"),
        (0.99999, ">99.9 %"),
        (0, "0 %"),
        (1e-6, "<0.1 %"),
        (None, "–"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(share: float | None, text: str) -> None:
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers_for_readers() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert number(61_706) == "61,706"
    assert number(11_972_510) == f"11.97{space}million"
    assert duration(75) == f"1{space}min{space}15{space}s"
    assert duration(7500) == f"2{space}h{space}5{space}min"
    assert [duration(s) for s in (0.001, 0.006)] == [f"<0.01{space}s", f"0.01{space}s"]
