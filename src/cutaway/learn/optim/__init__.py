"""Optimizers by what they know of the loss: its values, its gradients or its curvature."""

from cutaway.learn.optim.closure import Closure, Evaluations
from cutaway.learn.optim.factory import make
from cutaway.learn.optim.registry import METHODS, Method, find, optimizer_class
from cutaway.learn.optim.state import flatten_state
from cutaway.learn.optim.uncompiled import step_of, uncompiled

__all__ = [
    "METHODS", "Closure", "Evaluations", "Method", "find", "flatten_state", "make",
    "optimizer_class", "step_of", "uncompiled",
]  # fmt: skip
