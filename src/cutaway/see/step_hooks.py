"""Hooks that record one training step."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.see.layers import memory, tensors, unpacked, with_replaced
from cutaway.see.probe import Calls
from cutaway.see.sketch import Sketch, norm, read, sketch, to_numpy
from cutaway.see.watched import NORMS, WIDTH, Fault, Watched

IDLE = (nn.ReLU, nn.ReLU6)
"""Layers whose units can be dead."""
MAX_CALLS = 8
"""Number of calls of one layer in a step that are recorded; an optimizer with line search makes
more."""
GRADIENT = "the gradient"


class Record(NamedTuple):
    """The summary of one output or gradient, and the call of a layer it belongs to."""

    name: str
    operation: str
    sketch: Sketch


class StepHooks:
    """Record every call of the layers and the gradients that come back, until closed.

    Args:
        step: its number.
        layers: what is hooked.
        parameters: whose norms are taken, by name; those that do not exist yet are left out.
        late: whether gradients are complete only when all is over, other processes having parts.

    Attributes:
        unseen: names of layers and parameters that could not be looked at.
    """

    def __init__(
        self, step: int, layers: Mapping[str, nn.Module], parameters: Mapping[str, nn.Parameter],
        late: bool = False,
    ):  # fmt: skip
        self.step, self.late = step, late
        self.parameters = {n: p for n, p in parameters.items() if is_initialised(p)}
        self.unseen: set[str] = set()
        self._calls = Calls()
        self._records: list[Record] = []
        self._unit_sums: dict[str, Tensor] = {}
        self._gradient_norms: dict[str, Tensor] = {}
        with torch.no_grad():
            self._before = [p.clone() for p in self.parameters.values()]
        self._handles = [
            layer.register_forward_hook(partial(self._on_output, name))
            for name, layer in layers.items()
        ]
        self._handles += [
            p.register_post_accumulate_grad_hook(partial(self._on_gradient, name))
            for name, p in self.parameters.items()
            if p.requires_grad and not late
        ]

    def _on_output(self, layer: str, module: nn.Module, inputs: Any, output: Any) -> Any:
        if not torch.is_grad_enabled():
            return None
        result = output
        for x in tensors(output):
            name, call = self._calls.next(layer)
            if call > MAX_CALLS:
                break
            self._record(name, f"the output ({type(module).__name__})", x)
            if isinstance(module, IDLE) and name not in self.unseen:
                self._unit_sums[name] = unit_sums(x)
            if x.requires_grad:
                own = x if name in self.unseen else own_memory(x, inputs)
                own.register_hook(partial(self._record, name, GRADIENT))
                result = result if own is x else with_replaced(result, x, own)
        return None if result is output else result

    def _record(self, name: str, operation: str, x: Tensor) -> None:
        """Record a tensor. One that PyTorch has no sums of (sparse, nested, mapped over examples)
        must not end the training."""
        if torch._C._functorch.is_functorch_wrapped_tensor(x):
            self.unseen.add(name)
            return
        try:
            if x.numel():
                self._records.append(Record(name, operation, sketch(x)))
        except RuntimeError:
            self.unseen.add(name)

    def _on_gradient(self, name: str, p: nn.Parameter) -> None:
        assert p.grad is not None
        try:
            self._gradient_norms[name] = norm(p.grad.detach())
        except RuntimeError:
            self.unseen.add(name)

    @torch.no_grad()
    def close(self) -> Watched:
        """Remove the hooks, and return the statistics; only here a device is waited for."""
        for handle in self._handles:
            handle.remove()
        for name, p in self.parameters.items() if self.late else ():
            if p.grad is not None:
                self._on_gradient(name, p)
        layers = {name: i for i, name in enumerate(dict.fromkeys(o.name for o in self._records))}
        rows, fault = self._statistics()
        back = torch.tensor([one.operation == GRADIENT for one in self._records], dtype=torch.bool)
        at = torch.tensor([layers[one.name] for one in self._records], dtype=torch.long)
        activations, gradients = torch.full((2, 1, len(layers), WIDTH), torch.nan)
        activations[0, at[~back]] = rows[~back]
        gradients[0, at[back]] = rows[back]
        return Watched(
            [self.step], list(layers), list(self.parameters), activations, gradients,
            self._norms(), fault,
        )  # fmt: skip

    def _statistics(self) -> tuple[Float[Tensor, "looks 68"], Fault | None]:
        """Mean, spread, the share that is idle, quantiles; and the first that is not finite."""
        if not self._records:
            return torch.empty(0, WIDTH), None
        figures = read([one.sketch for one in self._records])
        sums = np.split(
            to_numpy(list(self._unit_sums.values())),
            np.cumsum([one.numel() for one in self._unit_sums.values()])[:-1],
        )
        idle = {name: (of == 0).mean() for name, of in zip(self._unit_sums, sums, strict=False)}
        shares = torch.tensor([[float(idle.get(one.name, torch.nan))] for one in self._records])
        rows = torch.cat([figures.rows[:, :2], shares, figures.rows[:, 2:]], 1)
        if figures.bad is None:
            return rows, None
        record = self._records[figures.bad[0]]
        return rows, Fault(self.step, record.name, record.operation, figures.bad[1])

    def _norms(self) -> Float[Tensor, "1 p 3"]:
        """Norms of each parameter before the step, of its gradient, of its change."""
        if not self.parameters:
            return torch.empty(1, 0, len(NORMS))
        pairs = list(zip(self.parameters.values(), self._before, strict=True))
        nothing = torch.tensor(torch.nan)
        before = [norm(old) for old in self._before]
        gradients = [self._gradient_norms.get(name, nothing) for name in self.parameters]
        change = [norm(p - old) for p, old in pairs]
        norms = torch.from_numpy(to_numpy([*before, *gradients, *change])).float()
        return norms.view(len(NORMS), -1).T[None]


def is_initialised(p: nn.Parameter) -> bool:
    """Whether a parameter has values: those of lazy modules come with the first batch."""
    return not isinstance(p, nn.parameter.UninitializedParameter)


def own_memory(x: Float[Tensor, "*shape"], inputs: Any) -> Float[Tensor, "*shape"]:
    """The tensor, or a copy with the same strides where it is a view of another tensor.

    When such a one is changed in place, autograd forgets whose gradient was asked for. A view of
    the layer's inputs stays one: it may be meant to change with them.
    """
    if not x._is_view():
        return x
    if memory(x) in {memory(one) for one in unpacked(inputs)}:
        return x
    own = x.clone()
    return own if own.stride() == x.stride() else x


def unit_sums(x: Float[Tensor, "b units *place"]) -> Float[Tensor, "units"]:
    """The sum of each unit's outputs (channel's, where there are places).

    Of answers that are never negative it is zero only where all are. A maximum, which would do for
    others too, takes ten times as long where channels lie last.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    return x.detach().sum([0, *range(2, x.ndim)], dtype=wide)
