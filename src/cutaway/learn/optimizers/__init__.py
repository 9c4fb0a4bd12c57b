"""Optimizers by what they know of the loss: its values, its gradients or its curvature."""

from cutaway.learn.optimizers.closure import Closure, Evaluations
from cutaway.learn.optimizers.keeping import keep
from cutaway.learn.optimizers.making import make
from cutaway.learn.optimizers.registry import METHODS, Method, find, optimizer_class
from cutaway.learn.optimizers.uncompiled import step_of, uncompiled

__all__ = [
    "METHODS", "Closure", "Evaluations", "Method", "find", "keep", "make", "optimizer_class",
    "step_of", "uncompiled",
]  # fmt: skip
