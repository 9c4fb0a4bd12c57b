"""What every test stands on: a cache of its own, never the user's; the same signals everywhere.

Three switches make one computer behave as another, each an environment variable:

    CUTAWAY_PRECISION    float32 or bfloat16: what `precision auto` means
    ATEN_CPU_CAPABILITY  default, avx2 or avx512, and with it ONEDNN_MAX_CPU_ISA: AVX2, AVX512_CORE,
                         AVX512_CORE_AMX, ...: instructions that PyTorch and oneDNN may use
    OMP_NUM_THREADS      threads of a test's process; by default the cores that a worker has

`scripts/processors.py` runs the rooms that compute under every combination.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Workers side by side share the cores, and so do the processes that they start.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

# A shell ignores Ctrl-C for what it runs in the background, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples every time, and no clock: a busy machine must not fail a test.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What kind of computer the tests ran on: a result holds for that."""
    import torch

    instructions = torch.backends.cpu.get_cpu_capability()
    most = os.environ.get("ONEDNN_MAX_CPU_ISA", "the best")
    precision = os.environ.get("CUTAWAY_PRECISION", "auto")
    terminalreporter.write_line(
        f"Covered: precision {precision}, instructions {instructions} (oneDNN: {most}), "
        f"threads {os.environ.get('OMP_NUM_THREADS', 'as many as cores for a worker')}."
    )


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fresh cache for what is made once for several tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh cache for each test, so that none finds what another left."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CUTAWAY_CACHE", str(cache))
    return cache


@pytest.fixture
def real_data() -> Path:
    """The folder that `CUTAWAY_DATA` names, with `mnist`, `cifar10` and `rocks`; else a skip."""
    named = os.environ.get("CUTAWAY_DATA")
    if not named:
        pytest.skip("CUTAWAY_DATA does not name a folder with the real data sets")
    return Path(named)
