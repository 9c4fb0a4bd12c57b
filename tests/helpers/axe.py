"""What axe-core finds wrong with a page for people who cannot see, or use no mouse."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from helpers.browser import Page


def violations(page: Page) -> Any:
    """A line for each rule that is broken, with where."""
    spec = find_spec("axe_core_python")
    assert spec is not None
    assert spec.origin is not None
    page.run(f"{(Path(spec.origin).parent / 'axe.min.js').read_text()}; true")
    return page.value(
        "axe.run().then((found) => found.violations.map((v) => "
        "v.id + ' ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')))"
    )
