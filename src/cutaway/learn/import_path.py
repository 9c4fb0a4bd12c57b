"""Import by a path such as `package.module:Class`."""

from importlib import import_module
from typing import Any


def import_object(path: str) -> Any:
    """Import the object at a path. Raises ImportError or AttributeError."""
    module, _, attribute = path.partition(":")
    value: Any = import_module(module)
    for piece in attribute.split("."):
        value = getattr(value, piece)
    return value
