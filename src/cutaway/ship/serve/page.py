"""The page that a browser gets, which needs nothing from elsewhere."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files


@cache
def page() -> tuple[bytes, dict[str, str]]:
    """The page and its headers: only its own script runs, and it asks only its own server."""
    text = (files("cutaway.ship.serve") / "page.html").read_text()
    hashes = " ".join(
        f"'sha256-{_hash(one)}'" for one in re.findall(r"<script>(.*?)</script>", text, re.S)
    )
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return text.encode(), {"content-security-policy": policy, "cache-control": "no-cache"}


def _hash(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
