"""One call in an exported program: its function, the nodes it uses, its settings."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from cutaway.settings import as_tuples


@dataclass(frozen=True)
class Call:
    """A call of PyTorch's operator library, its arguments by name.

    Attributes:
        function: the overload; the one that gives a new tensor where the program changes one.
        arguments: as in its schema, defaults included.
        inputs: what stands where the schema has tensors: nodes, numbers, None.
        changes: the node that the program changes in place.
    """

    function: Any
    arguments: dict[str, Any]
    inputs: tuple[Any, ...]
    changes: fx.Node | None = None

    @classmethod
    def read(cls, node: fx.Node) -> "Call":
        """Read the call of a node."""
        target: Any = node.target
        schema = target._schema.arguments
        passed = dict(zip((a.name for a in schema), node.args, strict=False)) | node.kwargs
        arguments = {a.name: passed.get(a.name, a.default_value) for a in schema}
        inputs: list[Any] = []
        for argument in schema:
            if _takes_tensor(argument):
                value = arguments[argument.name]
                inputs.extend(value if isinstance(value, list | tuple) else [value])
        changes = arguments[schema[0].name] if schema and schema[0].is_write else None
        while inputs and inputs[-1] is None:
            inputs.pop()
        return cls(_functional(target), arguments, tuple(inputs), changes)

    @property
    def name(self) -> str:
        """`aten.relu.default`."""
        return str(self.function)

    @property
    def word(self) -> str:
        """`relu`."""
        return self.name.split(".")[1]

    def run(self, *values: Any) -> Any:
        """PyTorch's result for these inputs."""
        rest, filled = iter(values), dict(self.arguments)
        for argument in self.function._schema.arguments:
            value = filled.get(argument.name)
            if _takes_tensor(argument):
                many = isinstance(value, list | tuple)
                passed: Any = [next(rest) for _ in value or ()] if many else next(rest, None)
                number = isinstance(passed, Tensor) and "Tensor" not in str(argument.type)
                filled[argument.name] = passed.item() if number else passed
        return self.function(**filled)

    def settings(self, names: set[str]) -> dict[str, Any]:
        """The arguments of these names that are no tensors; lists as tuples."""
        settings = {name: self.arguments[name] for name in names & self.arguments.keys()}
        return {name: as_tuples(value) for name, value in settings.items()}


def _takes_tensor(argument: Any) -> bool:
    """Whether an argument is a tensor, or a number that is an operand, as in x + 1."""
    return "Tensor" in str(argument.type) or argument.name in ("self", "other")


def _functional(target: Any) -> Any:
    """`aten.relu.default` for `aten.relu_.default`."""
    if not any(a.is_write for a in target._schema.arguments):
        return target
    space, name, overload = str(target).split(".")
    packet = getattr(getattr(torch.ops, space), name.removesuffix("_"), None)
    return getattr(packet, overload, target)
