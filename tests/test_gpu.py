"""The proof for a GPU, on the processor: every row is tried, and one that fails costs that row."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "gpu.py"


def proved(tmp_path: Path, *words: str) -> tuple[int, str, dict[str, dict]]:
    """The exit status, what was printed, and the rows by their names."""
    kept = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, *words, "--json", kept], capture_output=True, text=True,
        check=False, cwd=tmp_path, env={k: v for k, v in os.environ.items() if k != "CUTAWAY_DATA"},
    )  # fmt: skip
    assert kept.is_file(), done.stderr
    rows = json.loads(kept.read_text())["rows"]
    return done.returncode, done.stdout, {row["what"]: row for row in rows}


@pytest.mark.slow
def test_every_row_passes_on_the_processor(tmp_path):
    status, printed, rows = proved(tmp_path, "--device", "cpu")
    assert len(rows) == 15
    left = {name: row["figure"] for name, row in rows.items() if row["outcome"] != "passed"}
    left.pop("compile" if "C++" in left.get("compile", "") else "", None)
    assert left == {"cifar-sprint": "CUTAWAY_DATA names no folder with cifar10"}
    assert status == 0
    assert "bytes equal" in rows["resume"]["figure"]
    assert printed.count("| passed |") + printed.count("| skipped |") == len(rows)


@pytest.mark.slow
def test_a_row_that_fails_costs_that_row(tmp_path):
    status, printed, rows = proved(tmp_path, "threshold", "resume", "watch", "--device", "cuda:99")
    assert status == 1
    assert [row["outcome"] for row in rows.values()] == ["failed"] * 3
    assert "cuda:99" in rows["threshold"]["figure"]
    assert "Traceback" not in printed
