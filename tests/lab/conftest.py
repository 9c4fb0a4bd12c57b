"""Claims of one's own, forgotten after each test."""

from pathlib import Path

import pytest
from helpers.own_claims import TEXT

from cutaway.lab import registry


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "OWN", {})
    path = tmp_path / "coins.py"
    path.write_text(TEXT)
    registry.add(path)
    return path
