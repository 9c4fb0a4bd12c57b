"""Networks: one file per system of the course; equations, nothing else."""

from importlib import import_module
from pkgutil import iter_modules

from cutaway.models.registry import MODELS, Model, Size, build, count, find, register

for _module in iter_modules(__path__):  # each file enters its networks in the registry
    import_module(f"{__name__}.{_module.name}")

__all__ = ["MODELS", "Model", "Size", "build", "count", "find", "register"]
