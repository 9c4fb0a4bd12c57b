"""How the annotations of the package are checked while the tests run (see pyproject.toml)."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# A whole number is welcome where a float is asked for, as in Python's own typing (PEP 484).
strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check a function's annotations, but for commands: typer gives them a context of a type other
    than the one that it asks them to declare."""
    return function if function.__module__.startswith("cutaway.cli.") else strict(function)
