"""What learns: one file per system of the course; equations, nothing else."""

from cutaway.models import lenet, lenet1998, lenet_norm, mlp, resnet  # noqa: F401  (each enters the registry)
from cutaway.models.registry import MODELS, Model, build, count, find, register

__all__ = ["MODELS", "Model", "build", "count", "find", "register"]
