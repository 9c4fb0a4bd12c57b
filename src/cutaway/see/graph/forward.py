"""Record the operations of one forward pass."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from cutaway.see.graph.cost import Mode, run_measured, shapes
from cutaway.see.graph.levels import IN
from cutaway.see.graph.origins import Origins
from cutaway.see.graph.parts import Cost, Operation, Shape
from cutaway.see.layers import unpacked
from cutaway.see.probe import Calls

IGNORED = {"detach", "alias", "lift_fresh", "empty", "empty_like", "new_empty", "empty_strided"}
"""Operations that move no value: autograd keeps results by the first, kernels get memory by the
last."""


@dataclass
class OpenCall:
    """A module call that may still be running."""

    name: str
    module: nn.Module
    parent: int | None
    inputs: tuple[Shape, ...]
    first: int
    outputs: tuple[Shape, ...] = ()


@dataclass
class Forward(Mode):
    """Dispatch mode that records each operation with the module call it belongs to.

    Attributes:
        births: of each operation, how many nodes of the autograd graph there were when it ran.
    """

    x: Any
    calls: list[OpenCall] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    births: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._origins, self._names = Origins(), Calls()
        self._open: list[int] = []
        for x in unpacked(self.x):
            self._origins.note(x, IN)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in IGNORED or not self._open:
            return func(*args, **kwargs)
        inputs = list(unpacked((args, kwargs)))
        sources = self.makers(inputs)  # before it changes any of them
        output, cost = run_measured(func, args, kwargs)
        self._note(name, shapes(inputs), output, cost, sources, func._schema.is_mutable)
        return output

    def makers(self, values: Any) -> tuple[int, ...]:
        """The operations that made some tensors."""
        return tuple(sorted(set().union(*(self._origins.of(x) for x in unpacked(values)))))

    def _note(
        self,
        name: str,
        inputs: tuple[Shape, ...],
        output: Any,
        cost: Cost,
        sources: tuple[int, ...],
        in_place: bool = False,
    ) -> None:
        for y in unpacked(output):
            self._origins.note(y, len(self.operations), in_place)
        outputs = shapes(output)
        self.operations.append(Operation(name, self._open[-1], inputs, outputs, cost, sources))
        self.births.append(torch._C._autograd._get_sequence_nr())

    @contextmanager
    def hooked(self, modules: Mapping[str, nn.Module]) -> Iterator[None]:
        """Hook the modules to record their calls; all hooks are removed afterwards."""
        names = {module: name for name, module in modules.items()}

        def begin(module: nn.Module, args: Any, kwargs: Any) -> None:
            name, _ = self._names.next(names[module])
            parent = self._open[-1] if self._open else None
            self._open.append(len(self.calls))
            inputs = shapes((args, kwargs))
            self.calls.append(OpenCall(name, module, parent, inputs, len(self.operations)))

        def end(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            call = self.calls[self._open[-1]]
            call.outputs = shapes(output)
            if call.first == len(self.operations):
                makers = self.makers(output)
                self._note("identity", call.outputs, output, Cost(), makers)
            self._open.pop()

        handles = [m.register_forward_pre_hook(begin, with_kwargs=True) for m in names]
        handles += [m.register_forward_hook(end, with_kwargs=True) for m in names]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @property
    def failed(self) -> OpenCall | None:
        """The call in progress, also after an exception left it."""
        return self.calls[self._open[-1]] if self._open else None
