"""Import by a path such as `package.module:Class`."""

import os
import sys
from importlib import import_module
from typing import Any


def import_object(path: str) -> Any:
    """Import the object at a path. Raises ImportError or AttributeError."""
    module, _, attribute = path.partition(":")
    value: Any = import_module(module)
    for piece in attribute.split("."):
        value = getattr(value, piece)
    return value


def import_own(path: str) -> Any:
    """Import the object at a path, also of a module in the current folder. Raises as above."""
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())  # for good, as `python -m` has it
    return import_object(path)
