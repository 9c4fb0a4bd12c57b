"""One watched step: hooks that are there for its length and no longer."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.see.layers import exchanged, memory, tensors, unpacked
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
        self._units: dict[str, Tensor] = {}
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

    def _answered(self, layer: str, module: nn.Module, inputs: Any, output: Any) -> Any:
        if not torch.is_grad_enabled():
            return None
        given = output
        for x in tensors(output):
            name, call = self._calls.next(layer)
            if call > MANY:
                break
            self._look(name, f"the output ({type(module).__name__})", x)
            if isinstance(module, IDLE) and name not in self.unseen:
                self._units[name] = units(x)
            if x.requires_grad:
                own = x if name in self.unseen else apart(x, inputs)
                own.register_hook(partial(self._look, name, GRADIENT))
                given = given if own is x else exchanged(given, x, own)
        return None if given is output else given

    def _look(self, name: str, operation: str, x: Tensor) -> None:
        """What PyTorch has no sums of (sparse, nested, mapped over examples) ends no training."""
        if torch._C._functorch.is_functorch_wrapped_tensor(x):
            self.unseen.add(name)
            return
        try:
            if x.numel():
                self._looks.append(Look(name, operation, sketch(x)))
        except RuntimeError:
            self.unseen.add(name)

    def _learned(self, name: str, p: nn.Parameter) -> None:
        assert p.grad is not None
        try:
            self._steep[name] = norm(p.grad.detach())
        except RuntimeError:
            self.unseen.add(name)

    @torch.no_grad()
    def closed(self) -> Watched:
        """Take the hooks away, and give what was seen; here alone a device is waited for."""
        for handle in self._handles:
            handle.remove()
        layers = {name: i for i, name in enumerate(dict.fromkeys(o.name for o in self._looks))}
        rows, fault = self._read()
        back = torch.tensor([one.operation == GRADIENT for one in self._looks], dtype=torch.bool)
        at = torch.tensor([layers[one.name] for one in self._looks], dtype=torch.long)
        activations, gradients = torch.full((2, 1, len(layers), WIDTH), torch.nan)
        activations[0, at[~back]] = rows[~back]
        gradients[0, at[back]] = rows[back]
        return Watched(
            [self.step], list(layers), list(self.parameters), activations, gradients,
            self._norms(), fault,
        )  # fmt: skip

    def _read(self) -> tuple[Float[Tensor, "looks 68"], Fault | None]:
        """Mean, spread, the share that is idle, quantiles; and the first that is not finite."""
        if not self._looks:
            return torch.empty(0, WIDTH), None
        found = read([one.sketch for one in self._looks])
        sums = np.split(
            gathered(list(self._units.values())),
            np.cumsum([one.numel() for one in self._units.values()])[:-1],
        )
        idle = {name: (of == 0).mean() for name, of in zip(self._units, sums, strict=False)}
        shares = torch.tensor([[float(idle.get(one.name, torch.nan))] for one in self._looks])
        rows = torch.cat([found.rows[:, :2], shares, found.rows[:, 2:]], 1)
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


def apart(x: Float[Tensor, "*shape"], inputs: Any) -> Float[Tensor, "*shape"]:
    """The tensor, or a copy that lies as it lies where it is another tensor seen from a side.

    When such a one is changed in place, autograd forgets whose gradient was asked for. A view of
    the layer's inputs stays one: it may be meant to change with them.
    """
    if not x._is_view():
        return x
    if memory(x) in {memory(one) for one in unpacked(inputs)}:
        return x
    own = x.clone()
    return own if own.stride() == x.stride() else x


def units(x: Float[Tensor, "b units *place"]) -> Float[Tensor, "units"]:
    """The sum of each unit's answers (channel's, where there are places).

    Of answers that are never negative it is zero only where all are. A maximum, which would do for
    others too, takes ten times as long where channels lie last.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    return x.detach().sum([0, *range(2, x.ndim)], dtype=wide)
