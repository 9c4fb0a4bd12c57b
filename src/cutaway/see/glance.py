"""One watched step: hooks that are there for its length and no longer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.see.layers import tensors
from cutaway.see.probe import Calls
from cutaway.see.sketch import Sketch, gathered, norm, read, sketch
from cutaway.see.watched import NORMS, WIDTH, Fault, Watched

IDLE = (nn.ReLU, nn.ReLU6)
"""Layers whose units can be dead."""
MANY = 8
"""Calls of one layer in a step that are looked at; an optimizer that searches a line makes more."""
GRADIENT = "the gradient"


class Look(NamedTuple):
    """What was computed, and of which call of a layer it is."""

    name: str
    operation: str
    sketch: Sketch


class Glance:
    """Looks at every call of the layers and at the gradients that come back, until it is closed.

    Args:
        step: its number.
        layers: what is hooked.
        parameters: whose norms are taken, by name; those that do not exist yet are left out.

    Attributes:
        unseen: names of layers and parameters that could not be looked at.
    """

    def __init__(
        self, step: int, layers: Mapping[str, nn.Module], parameters: Mapping[str, nn.Parameter]
    ):
        self.step, self.parameters = step, {n: p for n, p in parameters.items() if made(p)}
        self.unseen: set[str] = set()
        self._calls = Calls()
        self._looks: list[Look] = []
        self._idle: dict[str, Tensor] = {}
        self._steep: dict[str, Tensor] = {}
        with torch.no_grad():
            self._before = [p.clone() for p in self.parameters.values()]
        self._handles = [
            layer.register_forward_hook(partial(self._answered, name))
            for name, layer in layers.items()
        ]
        self._handles += [
            p.register_post_accumulate_grad_hook(partial(self._learned, name))
            for name, p in self.parameters.items()
            if p.requires_grad
        ]

    def _answered(self, layer: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if not torch.is_grad_enabled():
            return
        for x in tensors(output):
            name, call = self._calls.next(layer)
            if call > MANY:
                return
            self._look(name, f"the output ({type(module).__name__})", x)
            if isinstance(module, IDLE) and name not in self.unseen:
                self._idle[name] = idle(x)
            if x.requires_grad:
                x.register_hook(partial(self._look, name, GRADIENT))

    def _look(self, name: str, operation: str, x: Tensor) -> None:
        if torch._C._functorch.is_functorch_wrapped_tensor(x):  # mapped: its values are elsewhere
            self.unseen.add(name)
        elif x.numel():
            with self._seeing(name):
                self._looks.append(Look(name, operation, sketch(x)))

    @torch.no_grad()
    def _learned(self, name: str, p: nn.Parameter) -> None:
        assert p.grad is not None
        with self._seeing(name):
            self._steep[name] = norm(p.grad)

    @contextmanager
    def _seeing(self, name: str) -> Iterator[None]:
        """What PyTorch has no sums or norms of (sparse or nested tensors) ends no training."""
        try:
            yield
        except RuntimeError:
            self.unseen.add(name)

    @torch.no_grad()
    def closed(self) -> Watched:
        """Take the hooks away, and give what was seen; here alone a device is waited for."""
        for handle in self._handles:
            handle.remove()
        layers = list(dict.fromkeys(one.name for one in self._looks))
        activations, gradients = torch.full((2, 1, len(layers), WIDTH), torch.nan)
        rows, fault = self._read()
        for look, row in zip(self._looks, rows, strict=True):
            table = gradients if look.operation == GRADIENT else activations
            table[0, layers.index(look.name)] = row
        names = list(self.parameters)
        return Watched([self.step], layers, names, activations, gradients, self._norms(), fault)

    def _read(self) -> tuple[Float[Tensor, "looks 68"], Fault | None]:
        """Mean, spread, the share that is idle, quantiles; and the first that is not finite."""
        if not self._looks:
            return torch.empty(0, WIDTH), None
        found = read([one.sketch for one in self._looks])
        shares = dict(zip(self._idle, gathered(list(self._idle.values())), strict=True))
        idle = torch.tensor([shares.get(one.name, torch.nan) for one in self._looks])
        rows = torch.cat([found.rows[:, :2], idle[:, None], found.rows[:, 2:]], 1)
        if found.bad is None:
            return rows, None
        look = self._looks[found.bad[0]]
        return rows, Fault(self.step, look.name, look.operation, found.bad[1])

    def _norms(self) -> Float[Tensor, "1 p 3"]:
        """Of each parameter before the step, of its gradient, of its change."""
        if not self.parameters:
            return torch.empty(1, 0, len(NORMS))
        pairs = list(zip(self.parameters.values(), self._before, strict=True))
        nothing = torch.tensor(torch.nan)
        before = [norm(old) for old in self._before]
        steep = [self._steep.get(name, nothing) for name in self.parameters]
        change = [norm(p - old) for p, old in pairs]
        found = torch.from_numpy(gathered([*before, *steep, *change])).float()
        return found.view(len(NORMS), -1).T[None]


def made(p: nn.Parameter) -> bool:
    """Whether a parameter has values: those of lazy modules come with the first batch."""
    return not isinstance(p, nn.parameter.UninitializedParameter)


def idle(x: Float[Tensor, "b units *place"]) -> Float[Tensor, ""]:
    """The share of units (channels, where there are places) that are zero for every example.

    Of answers that are never negative, so that a sum is zero only where all are; a maximum over
    channels that lie last takes ten times as long.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    return (x.detach().sum([0, *range(2, x.ndim)], dtype=wide) == 0).float().mean()
