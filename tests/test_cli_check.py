"""`cutaway check` as a user calls it."""

import json
import subprocess
import sys


def cutaway(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cutaway", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_one_network_layer_by_layer():
    done = cutaway("check", "lenet5")
    assert done.returncode == 0, done.stderr
    for word in ("c1.u.weight", "output.bias", "autograd", "differences"):
        assert word in done.stdout


def test_several_networks_a_line_a_player():
    done = cutaway("check", "gates", "gan", "--differences", "0")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) == 1 + 3 + 2
    assert lines[-1].split()[:2] == ["gan", "generator"]
    assert lines[-1].split()[-1] == "-"


def test_json():
    (row,) = json.loads(cutaway("check", "mlp", "--json").stdout)
    assert row["agrees"]
    assert row["by autograd"] < 1e-12
    assert len(row["layers"]) == row["parameters"]


def test_bad_input():
    for words, sentence in (
        ((), "Which network?"),
        (("lenet6",), "Did you mean 'lenet5'?"),
    ):
        done = cutaway("check", *words)
        assert done.returncode == 2
        assert sentence in done.stderr
