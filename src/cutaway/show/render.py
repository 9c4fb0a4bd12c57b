"""Templates to pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cutaway.learn.notes import telling
from cutaway.show import words
from cutaway.show.charts import draw
from cutaway.show.prose import prose


def render(template: str, content: dict[str, Any], folder: Path | None = None) -> str:
    """A page of the templates; everything that names files or classes is escaped.

    Args:
        folder: templates of one's own, which may extend those of the package.
    """
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

    own = [FileSystemLoader(folder)] if folder else []
    environment = Environment(
        loader=ChoiceLoader([*own, PackageLoader("cutaway.show")]),
        autoescape=True,  # names of files and classes are anybody's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: tuple[Callable[..., Any], ...] = (
        words.percent, words.number, words.duration, words.plural, words.cell,
        prose, draw, telling,
    )  # fmt: skip
    environment.filters |= {function.__name__: function for function in filters}
    return environment.get_template(template).render(content)
