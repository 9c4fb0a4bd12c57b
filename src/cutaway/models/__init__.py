"""Networks: one file per system of the course; equations, nothing else.

Those that take images are in the registry. Sequences, captions and Boltzmann machines have no task
here, and are classes to import: `rnn`, `lstm`, `rbm`, `captioner`.
"""

from importlib import import_module
from pkgutil import iter_modules

from cutaway.models.registry import (
    MODELS,
    Counterpart,
    Model,
    Naming,
    Size,
    build,
    count,
    find,
    is_model,
    register,
)

for _module in iter_modules(__path__):  # files enter their networks in the registry
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "MODELS", "Counterpart", "Model", "Naming", "Size", "build", "count", "find", "is_model",
    "register",
]  # fmt: skip
