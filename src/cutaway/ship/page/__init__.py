"""The page to drop an image on or draw a digit: the same one, whoever answers it."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

SCRIPTS = ("show.js", "figures.js", "resize.js", "draw.js", "page.js")
"""What both pages do; how a network is asked stands in scripts of its own, before them."""
SCRIPT = re.compile(r"<script(?: type=\"module\")?>(.*?)</script>", re.S)


def file(name: str) -> str:
    """The text of a file of this folder."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def page(*asking: str, **slots: str) -> str:
    """The page.

    Args:
        asking: the names of the scripts that say how the network is asked.
        slots: what stands at other places: brand, head, uses, footer; known before the script, and
            held after it.
    """
    script = "\n".join(file(name) for name in (*asking, *SCRIPTS))
    given = dict.fromkeys(("head", "uses", "known", "held"), "") | slots
    given |= {"style": file("page.css"), "script": f'"use strict";\n{script}'}
    return re.sub(r"\[\[(\w+)\]\]", lambda found: given[found[1]], file("page.html"))


def policy(html: str, *more: str) -> str:
    """A content security policy: the page's own scripts run, and nothing else.

    Args:
        more: what is allowed besides.
    """
    scripts = " ".join(f"'sha256-{_hash(one)}'" for one in SCRIPT.findall(html))
    return "; ".join([
        "default-src 'none'", " ".join(["script-src", scripts, *more]),
        "style-src 'unsafe-inline'", "img-src data: blob:", "base-uri 'none'",
        "form-action 'none'",
    ])  # fmt: skip


def _hash(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
