"""The page for browsers, which loads nothing from elsewhere."""

from functools import cache

from cutaway.ship import page as pages

FOOTER = "This page connects to its own server, and to nothing else."


@cache
def page() -> tuple[bytes, dict[str, str]]:
    """The page and its headers: only its own script runs, and it connects only to its own
    server."""
    text = pages.page(
        "server.js", brand="Cutaway serve", footer=FOOTER, uses=pages.file("server.html")
    )
    policy = f"{pages.policy(text)}; connect-src 'self'; frame-ancestors 'self'"
    return text.encode(), {"content-security-policy": policy, "cache-control": "no-cache"}
