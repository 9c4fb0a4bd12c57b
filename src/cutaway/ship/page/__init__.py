"""The page on which one drops an image or draws a digit, for the server and for web exports."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

SCRIPTS = ("show.js", "figures.js", "resize.js", "draw.js", "page.js")
"""Scripts that both pages share; the client, which queries the network, comes before them."""
SCRIPT = re.compile(r"<script(?: type=\"module\")?>(.*?)</script>", re.S)


def file(name: str) -> str:
    """Read a file of this folder as text."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def page(*clients: str, **slots: str) -> str:
    """Put the page together.

    Args:
        clients: names of the scripts that query the network.
        slots: what stands at other places: brand, head, uses, footer, before_script,
            after_script.
    """
    script = "\n".join(file(name) for name in (*clients, *SCRIPTS))
    values = dict.fromkeys(("head", "uses", "before_script", "after_script"), "") | slots
    values |= {"style": file("page.css"), "script": f'"use strict";\n{script}'}
    return re.sub(r"\[\[(\w+)\]\]", lambda match: values[match[1]], file("page.html"))


def policy(html: str, *sources: str) -> str:
    """The content security policy, by which only the page's own scripts run.

    Args:
        sources: of scripts, which are allowed besides.
    """
    scripts = " ".join(f"'sha256-{_hash(one)}'" for one in SCRIPT.findall(html))
    return "; ".join([
        "default-src 'none'", " ".join(["script-src", scripts, *sources]),
        "style-src 'unsafe-inline'", "img-src data: blob:", "base-uri 'none'",
        "form-action 'none'",
    ])  # fmt: skip


def _hash(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
