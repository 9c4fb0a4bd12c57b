"""The same command gives the same bytes, whatever else the computer does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "same_bytes.py"
FLEET = ["mlp", "digits", "--image-size", "8", "--widths", "100", "--epochs", "6"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        ["--replicates", "4"],
        ["--replicates", "3", "--way", "side-by-side", "--batch-size", "1000"],
        ["--replicates", "2", "--batch-size", "1000"],
    ],
    ids=["batched", "side-by-side", "in-turn"],
)
def test_beside_busy_processes_and_killed_and_resumed(more, tmp_path):
    """Alone, busy, killed, killed and busy; `scripts/same_bytes.py --times 20` for more."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--times", "4", "--", *FLEET, *more], cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "2"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("4 of 4 have the same bytes, of ")
