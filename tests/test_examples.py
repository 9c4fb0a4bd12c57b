"""The programs in `examples`: short, listed, and each runs as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parents[1] / "examples"
SAY = {
    "first_run.py": r"Right on the test images: 9\d\.\d%\n7: ",
    "folder.py": r"\nnew/a\.png (one|zero)\n",
    "own_network.py": r"Right on the test images: (9\d\.\d|100\.0)%",
    "own_loop.py": r"The page: Sequential-graph-features\.html",
    "callback.py": r"Epoch 5: .*norms .*\nRun\(",
    "chance.py": r"95 % interval",
    "search.py": r"3 members, mean accuracy",
    "ship.py": r"^7 \d+\.\d%\n$",
    "draw.py": r"drawn\.png: \(",
    "by_hand.py": r"differs by \d\.\de[+-]\d\d",
}
"""What each says, among the rest."""


def test_all_are_here_and_listed():
    files = {one.name for one in EXAMPLES.glob("*.py")}
    assert files == SAY.keys()
    assert files == set(
        re.findall(r"^\| \[(\w+\.py)\]", (EXAMPLES / "README.md").read_text(), re.M)
    )


@pytest.mark.parametrize("name", sorted(SAY))
def test_they_are_short_and_say_first_what_they_do(name):
    text = (EXAMPLES / name).read_text()
    assert text.startswith('"""')
    assert text.count("\n") < 40


def digits(folder, *names):
    """Pictures of the digits 0 and 1, in a folder for each class."""
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        chosen = load_digits().images[load_digits().target == k][:40]
        for i, one in enumerate(chosen):
            pixels = np.kron(np.uint8(one * 15.9), np.ones((8, 8), np.uint8))
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAY))
def test_it_runs(name, tmp_path):
    words = []
    if name == "folder.py":
        words = ["photographs", "new"]
        digits(tmp_path / "photographs", "zero", "one")
        (tmp_path / "new").mkdir()
        os.rename(tmp_path / "photographs" / "one" / "0.png", tmp_path / "new" / "a.png")
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *words], cwd=tmp_path, capture_output=True, check=False,
        encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(SAY[name], done.stdout), done.stdout
