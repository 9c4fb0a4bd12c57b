"""The page, which loads nothing from elsewhere."""

from functools import cache
from importlib.resources import files

from cutaway.ship import page as pages


@cache
def page() -> tuple[bytes, dict[str, str]]:
    """The page and its headers: only its own script runs, and it connects only to its own
    server."""
    text = _file("page.html")
    slots = {"style": pages.file("page.css") + _file("page.css"), "script": _file("page.js")}
    for name, content in slots.items():
        text = text.replace(f"[[{name}]]", content)
    policy = f"{pages.policy(text)}; connect-src 'self'; frame-ancestors 'self'"
    return text.encode(), {"content-security-policy": policy, "cache-control": "no-cache"}


def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
