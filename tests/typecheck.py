"""How the annotations of the package are checked while the tests run (see pyproject.toml)."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# A whole number is welcome where a float is asked for, as in Python's own typing (PEP 484).
strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check a function's annotations, but for commands: typer gives them a context of a type other
    than the one that it asks them to declare.

    The check is made when the function is first called: to make all of them takes longer than the
    rest of the import, and most are of functions that a process never calls.
    """
    if function.__module__.startswith("cutaway.cli."):
        return function
    check = None

    def first(*given: Any, **named: Any) -> Any:
        nonlocal check
        if check is None:
            check = strict(function)
        return check(*given, **named)

    return first
