"""One watched step: hooks that are there for its length and no longer."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.see.layers import tensors
from cutaway.see.probe import Calls
from cutaway.see.sketch import norm, sketch
from cutaway.see.watched import Fault, Moment

NORM = 1
"""Where a sketch has the norm, which is not finite if any value is not."""
IDLE = (nn.ReLU, nn.ReLU6)
"""Layers whose units can be dead."""
Seen = dict[str, tuple[Tensor, int]]
"""Sketches with the number of values that each is of."""
MANY = 8
"""Calls of one layer in a step that are looked at; an optimizer that searches a line makes more."""


class Glance:
    """Looks at every call of the layers and at the gradients that come back, until it is closed.

    Args:
        step: its number.
        layers: what is hooked.
        parameters: whose norms are taken, by name.
    """

    def __init__(
        self, step: int, layers: Mapping[str, nn.Module], parameters: Mapping[str, nn.Parameter]
    ):
        self.step, self.parameters = step, parameters
        self.fault: Fault | None = None
        self._calls = Calls()
        self._activations: Seen = {}
        self._gradients: Seen = {}
        self._idle: dict[str, Tensor] = {}
        self._steep: dict[str, Tensor] = {}
        with torch.no_grad():
            self._before = {name: p.clone() for name, p in parameters.items()}
        self._handles = [
            layer.register_forward_hook(partial(self._answered, name))
            for name, layer in layers.items()
        ]
        self._handles += [
            p.register_post_accumulate_grad_hook(partial(self._learned, name))
            for name, p in parameters.items()
            if p.requires_grad
        ]

    def _answered(self, layer: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if not torch.is_grad_enabled():
            return
        for x in tensors(output):
            name, call = self._calls.next(layer)
            if call > MANY:
                return
            self._look(self._activations, name, f"the output ({type(module).__name__})", x)
            if isinstance(module, IDLE):
                self._idle[name] = idle(x)
            if x.requires_grad:
                x.register_hook(partial(self._look, self._gradients, name, "the gradient"))

    @torch.no_grad()
    def _look(self, seen: Seen, name: str, operation: str, x: Tensor) -> None:
        found = sketch(x)
        seen[name] = found, x.numel()
        if self.fault is None and x.device.type == "cpu" and not math.isfinite(found[NORM].item()):
            bad = (~x.isfinite()).reshape(len(x), -1).any(1).nonzero()
            if len(bad):
                self.fault = Fault(self.step, name, operation, int(bad[0]))

    @torch.no_grad()
    def _learned(self, name: str, p: nn.Parameter) -> None:
        assert p.grad is not None
        self._steep[name] = norm(p.grad)

    @torch.no_grad()
    def closed(self) -> Moment:
        """Take the hooks away, and give what was seen; here alone a device is waited for."""
        for handle in self._handles:
            handle.remove()
        activations, gradients = self._rows(self._activations), self._rows(self._gradients)
        return Moment(self.step, activations, gradients, self._norms())

    def _norms(self) -> dict[str, Tensor]:
        """Of each parameter before the step, of its gradient, of its change."""
        if not self.parameters:
            return {}
        nothing = torch.tensor(torch.nan)
        before = [norm(p) for p in self._before.values()]
        steep = [
            self._steep.get(name, nothing).to(a)
            for name, a in zip(self._before, before, strict=True)
        ]
        pairs = zip(self.parameters.values(), self._before.values(), strict=True)
        change = [norm(p - old) for p, old in pairs]
        rows = torch.stack([torch.stack(of).float() for of in (before, steep, change)], 1)
        return dict(zip(self._before, rows.cpu(), strict=True))

    def _rows(self, seen: Seen) -> dict[str, Tensor]:
        """Mean, spread, the share that is idle, quantiles."""
        if not seen:
            return {}
        found = torch.stack([values for values, _ in seen.values()])
        n = found.new_tensor([n for _, n in seen.values()])
        mean = found[:, 0] / n
        spread = (
            (found[:, NORM] ** 2 / n - mean**2).clamp(min=0) * n / (n - 1).clamp(min=1)
        ).sqrt()
        nothing = found.new_tensor(torch.nan)
        share = torch.stack([self._idle.get(name, nothing) for name in seen])
        rows = torch.cat([torch.stack([mean, spread, share], 1), found[:, 2:]], 1)
        return dict(zip(seen, rows.cpu(), strict=True))


def idle(x: Float[Tensor, "b units *place"]) -> Float[Tensor, ""]:
    """The share of units (channels, where there are places) that are zero for every example."""
    return (x.amax([0, *range(2, x.ndim)]) == 0).float().mean()
