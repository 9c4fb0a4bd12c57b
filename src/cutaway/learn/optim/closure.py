"""The loss of a batch as optimizers ask for it."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cutaway.together.team import ALONE, Team


@dataclass
class Evaluations:
    """Counts of what has been computed so far.

    Attributes:
        values: of the loss.
        gradients: of the loss; each took one of the values.
        products: of a vector with the curvature.
    """

    values: int = 0
    gradients: int = 0
    products: int = 0


class Closure:
    """The loss of one batch as a function of the weights, for `optimizer.step(closure)`.

    Called, it is what PyTorch means by a closure: the loss, with its gradients in `.grad`.
    Methods that know less or want more ask for `value()` or `loss()`. Whatever is asked after
    the first time sees the same random draws (dropout), and leaves the running statistics of
    batch normalisation alone: it is a trial, at a point where the network may not stay.

    Args:
        shares: gives parts of the loss, which add up to it; told whether it is the first time.
        parameters: what the gradients are for.
        clip: largest norm of the gradients; 0: no limit.
        evaluations: where to count.
        team: the processes whose shares add up to the loss.
        compared: whether the loss is looked at, and not its gradients alone; else each process has
            its own share of it.
    """

    def __init__(
        self,
        shares: Callable[[bool], Iterable[Tensor]],
        parameters: Sequence[nn.Parameter],
        clip: float = 0.0,
        evaluations: Evaluations | None = None,
        team: Team = ALONE,
        compared: bool = True,
    ):
        self.shares, self.parameters, self.clip, self.team = shares, parameters, clip, team
        self.compared = compared
        self.evaluations = evaluations or Evaluations()
        self._draws: list[Tensor] = []

    def __call__(self) -> Float[Tensor, ""]:
        """The loss; its gradients, clipped, are in `.grad`."""
        self.evaluations.gradients += 1
        for p in self.parameters:
            p.grad = None
        with torch.enable_grad():
            total = self._evaluate(_backward)
        self.team.add_gradients(self.parameters)
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        return total

    def value(self) -> float:
        """The loss alone; infinite where it is not a number."""
        with torch.no_grad():
            loss = self._evaluate(_itself).item()
        return loss if math.isfinite(loss) else math.inf

    def loss(self) -> Float[Tensor, ""]:
        """The loss with its graph, which can be differentiated more than once."""
        with torch.enable_grad():
            return self._evaluate(_itself)

    def _evaluate(self, use: Callable[[Tensor], Tensor]) -> Tensor:
        self.evaluations.values += 1
        if not self._draws:
            self._draws = [g.get_state() for g in _generators()]
            return self._total([use(share) for share in self.shares(True)])
        for g, state in zip(_generators(), self._draws, strict=True):
            g.set_state(state)
        with _Trial():
            return self._total([use(share) for share in self.shares(False)])

    def _total(self, shares: list[Tensor]) -> Tensor:
        first, *others = shares
        total = sum(others, first)
        if self.team.alone or not self.compared:
            return total
        return self.team.add(total.detach().clone())


def _generators() -> tuple[torch.Generator, ...]:
    return (torch.default_generator, *torch.cuda.default_generators)


def _itself(share: Tensor) -> Tensor:
    return share


def _backward(share: Tensor) -> Tensor:
    share.backward()
    return share.detach()


class _Trial(TorchFunctionMode):
    """Batch normalisation that learns takes the batch's statistics and keeps none of them."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.batch_norm and kwargs.get("training"):
            args = (args[0], None, None)
        return func(*args, **kwargs)
