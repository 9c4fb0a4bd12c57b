"""What learns: one file per system of the course; equations, nothing else."""

from cutaway.models import lenet as _lenet
from cutaway.models import lenet1998 as _lenet1998
from cutaway.models import mlp as _mlp
from cutaway.models import resnet as _resnet
from cutaway.models.registry import MODELS, Model, build, count, find, register

__all__ = ["MODELS", "Model", "build", "count", "find", "register"]
