"""Processes that are not alike are told apart before anything is learned."""

import pytest
from helpers.several import torchrun


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("other data", "have changed since"),
        ("other version", "install the same everywhere"),
    ],
)
def test_a_process_that_is_not_like_the_first_is_named_by_the_first(tmp_path, fault, said):
    torchrun(2, "together_faults.py", str(tmp_path), fault)
    kind, sentence = (tmp_path / "0").read_text().split("\n")
    assert kind == "RunError"
    assert sentence.startswith("Process 1 on ")
    assert said in sentence
    assert (tmp_path / "1").read_text().startswith("Excused")


@pytest.mark.slow
def test_a_network_that_borrows_weights_cannot_be_sharded(tmp_path):
    torchrun(2, "together_faults.py", str(tmp_path), "borrowed weights")
    kind, sentence = (tmp_path / "0").read_text().split("\n")
    assert kind == "UsageError"
    assert "some are used by another module" in sentence
    assert (tmp_path / "1").read_text().startswith("Excused")
