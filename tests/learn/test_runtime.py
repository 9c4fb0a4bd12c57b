"""What a computer decides where the recipe leaves it open, and the switches for that."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
import torch
from helpers.command import CUTAWAY
from torch import nn

from cutaway.arithmetic import exact
from cutaway.errors import UsageError
from cutaway.learn.interrupt import stoppable
from cutaway.learn.recipe import Recipe
from cutaway.learn.runtime import choose, multiplies_bfloat16

CONVOLUTION, MATRIX = nn.Conv2d(1, 1, 3), nn.Linear(4, 4)
CPU = Recipe(device="cpu")
PRODUCTS = """
import torch
from cutaway.learn.runtime import multiplies_bfloat16
print(torch.backends.cpu.get_cpu_capability(), multiplies_bfloat16("cpu"))
torch.nn.functional.conv2d(torch.ones(4, 16, 32, 32), torch.ones(16, 16, 3, 3))
"""


def process(**switches: str) -> str:
    """What a process with such switches says of its processor."""
    done = subprocess.run(
        [sys.executable, "-c", PRODUCTS], capture_output=True, text=True, check=True,
        env=os.environ | {"ONEDNN_VERBOSE": "1"} | switches,
    )  # fmt: skip
    return done.stdout.lower()


def test_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUTAWAY_PRECISION", raising=False)
    units = multiplies_bfloat16("cpu")
    assert choose(CPU, CONVOLUTION).precision == ("bfloat16" if units else "float32")
    assert choose(CPU, MATRIX).precision == "float32"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("network", [CONVOLUTION, MATRIX])
def test_a_switch_forces_it(precision: str, network: nn.Module, monkeypatch) -> None:
    monkeypatch.setenv("CUTAWAY_PRECISION", precision)
    assert choose(CPU, network).precision == precision
    other = {"float32": "bfloat16", "bfloat16": "float32"}[precision]
    assert choose(CPU.override(precision=other), network).precision == other


def test_a_switch_with_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_PRECISION", "half")
    with pytest.raises(UsageError, match="auto, float32, bfloat16, not 'half'"):
        choose(CPU, MATRIX)


def test_a_switch_forces_the_instructions() -> None:
    said = process(ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2")
    if "onednn_verbose" not in said:
        pytest.skip("PyTorch was built without oneDNN here")
    assert said.startswith(("avx2 false", "default false"))
    assert re.search(r"isa:.*(avx2|avx|sse4\.1)$", said, re.MULTILINE)


def test_this_process_is_what_the_switches_say() -> None:
    """Those of the whole suite, so that a run under a switch cannot miss it."""
    forced = os.environ.get("CUTAWAY_PRECISION", "auto")
    if forced != "auto":
        assert choose(CPU, CONVOLUTION).precision == forced
    if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
        assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "DEFAULT")
    if os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2":
        assert not multiplies_bfloat16("cpu")
    if threads := os.environ.get("OMP_NUM_THREADS"):
        assert torch.get_num_threads() == int(threads)


def test_float32_is_multiplied_as_float32() -> None:
    a = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    expected = (a.double() @ a.double()).float()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")  # bfloat16 where the processor multiplies it
    try:
        with exact():
            torch.testing.assert_close(a @ a, expected, atol=1e-3, rtol=1e-4)
            assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_what_was_ignored_stays_ignored() -> None:
    """As a shell's job in the background, whose terminal's Ctrl-C is meant for something else."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as request:
            signal.raise_signal(signal.SIGINT)
            assert not request.pending
            signal.raise_signal(signal.SIGTERM)
            assert request.pending
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_reach_what_the_suite_starts() -> None:
    """However it was started: a shell ignores SIGINT for its jobs in the background."""
    ask = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.slow
@pytest.mark.skipif(not which("c++") and not which("g++"), reason="needs a C++ compiler")
def test_compiled_code_is_not_taken_from_another_processor(tmp_path: Path) -> None:
    """PyTorch's cache on disk would give AVX2 what was written for AVX-512: NaN, or a crash."""
    losses = []
    for place, switches in enumerate(({}, {"ATEN_CPU_CAPABILITY": "avx2"}, {})):
        command = [
            *CUTAWAY, "train", "lenet5", "digits", "--image-size", "32", "--epochs", "1",
            "--compile", "yes", "--precision", "float32", "--quiet", "--out", str(place),
        ]  # fmt: skip
        cache = {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(
            command, env=os.environ | cache | switches, cwd=tmp_path, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        losses.append(json.loads((tmp_path / str(place) / "results.json").read_text())["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert losses[2] == losses[0]
