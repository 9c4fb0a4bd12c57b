"""The checks of exports, as a terminal of 80 columns shows them."""

import io

from rich.console import Console

from cutaway.show import tables
from cutaway.show.exports import rows, upright

CHECK = {
    "format": "onnx",
    "bytes": 13_460_000,
    "difference": {"largest": 2.9e-06},
    "files": {},
    "export": {"accuracy": 0.93, "balanced_accuracy": 0.91, "macro_f1": 0.9, "loss": 0.21},
    "pytorch": {"accuracy": 0.92, "balanced_accuracy": 0.91, "macro_f1": 0.9, "loss": 0.21},
    "latency": {"export": {"1": 9.24, "64": 206.52}, "pytorch": {"1": 20.1, "64": 700.0}},
}


def test_a_check_is_readable_at_80_columns():
    console = Console(file=io.StringIO(), width=80)
    console.print(tables.details(upright(CHECK)))
    lines = console.file.getvalue().splitlines()
    assert not any("\u2026" in line for line in lines)
    text = [" ".join(line.replace("\u2502", " ").split()) for line in lines]
    assert "test accuracy 93.00 % (PyTorch: 92.00 %)" in text
    assert "a call with 64 206.52 ms (PyTorch: 700.00 ms)" in text
    assert len(lines) == 2 + len(upright(CHECK))  # no value is broken


def test_the_report_has_a_row_a_check():
    row = rows([CHECK])[0]
    assert row["ms at 1"] == "9.24 (20.10)"
    assert row["on the test set (PyTorch)"].startswith("accuracy 93.00")


def test_a_network_without_a_truth_has_no_results():
    found = upright(CHECK | {"export": {}, "pytorch": {}})
    assert list(found) == ["format", "size", "largest difference", "a call with 1",
                           "a call with 64"]  # fmt: skip
