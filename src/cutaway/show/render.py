"""Templates to pages."""

from collections.abc import Callable
from typing import Any

from cutaway.show import words


def render(template: str, content: dict[str, Any]) -> str:
    """A page of the templates; everything that names files or classes is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cutaway.show"),
        autoescape=True,  # names of files and classes are anybody's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: tuple[Callable[..., str], ...] = (
        words.percent, words.number, words.duration, words.plural,
    )  # fmt: skip
    environment.filters |= {function.__name__: function for function in filters}
    return environment.get_template(template).render(content)
