"""What tests of the page share."""

from pathlib import Path
from typing import Any

import pytest

from helpers.browser import CHROMIUM, Page


def browsing(test: Any) -> Any:
    """Slow, and not without a browser."""
    reason = "no Chromium or Chrome on this computer"
    return pytest.mark.slow(pytest.mark.skipif(not CHROMIUM, reason=reason)(test))


def ready(page: Page, address: str | Path) -> None:
    url = address if isinstance(address, str) else (address / "index.html").as_uri()
    page.open(url)
    page.wait("session !== undefined || !$('error').hidden")
    assert page.run("$('error').hidden"), page.run("$('error').textContent")
