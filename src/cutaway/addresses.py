"""Addresses of data elsewhere, `s3://bucket/photographs`: none that a run keeps holds a secret."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cutaway.errors import UsageError

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
SECRET = re.compile("sig|token|key|secret|passw|credential|auth", re.I)
"""What the name of a field in an address contains whose value lets its bearer in."""


def is_address(data: Any) -> bool:
    """Whether data are named by an address, and so lie elsewhere."""
    return isinstance(data, str) and ADDRESS.match(data) is not None


def expect_no_secret(address: str) -> None:
    """Refuse an address that lets its bearer in: recipes and reports would hold it.

    Raises:
        UsageError: it has a user, a password, a token or a signature in it.
    """
    parts = urlsplit(address)
    secret = next((name for name, _ in parse_qsl(parts.query) if SECRET.search(name)), "")
    if "@" in parts.netloc or secret:
        what = f"'{secret}'" if secret else "a user or a password"
        raise UsageError(
            f"The address {without_secret(address)} has {what} in it, which a run's files would "
            "keep: leave it out, and log in as the provider's own tools do (AWS_PROFILE, gcloud "
            "auth, hf auth login), or download the file first."
        )


def without_secret(address: str) -> str:
    """An address without user, password and query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
