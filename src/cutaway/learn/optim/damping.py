"""Optimizers that solve (B + d I) x = g with the curvature B, damped by d."""

from collections.abc import Iterable
from typing import Any

from cutaway.learn.optim.closure import Closure
from cutaway.learn.optim.surface import KINDS, Surface
from cutaway.learn.optim.vector import VectorOptimizer, require


class DampedOptimizer(VectorOptimizer):
    """Base of these optimizers.

    Args:
        damping: d of the first step; the later ones are in the memory.
        curvature: the matrix B, one of `surface.KINDS`.
    """

    def __init__(
        self, params: Iterable[Any], defaults: dict[str, Any], damping: float, curvature: str
    ):
        require(curvature in KINDS, f"curvature is one of {', '.join(KINDS)}.")
        require(damping >= 0, f"damping must be at least 0, not {damping}.")
        super().__init__(params, defaults | {"damping": damping, "curvature": curvature})

    def surface(self, closure: Closure) -> Surface:
        """The loss about the present weights."""
        return Surface(closure, self.parameters, self.option("curvature"))

    @property
    def damping(self) -> float:
        """d of this step."""
        damping: float = self.memory.get("damping", self.option("damping"))
        return damping

    @damping.setter
    def damping(self, d: float) -> None:
        self.memory["damping"] = d
