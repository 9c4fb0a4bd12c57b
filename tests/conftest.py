"""What every test stands on: a cache of its own, never the user's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Workers side by side share the cores, and so do the processes that they start.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // int(workers)))

# The same examples every time, and no clock: a busy machine must not fail a test.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


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
