"""Any network as a graph of operations that are differentiated by hand.

`torch.export` runs the module on tensors that have a shape and no content, and writes down which
operation of PyTorch's library is called on what. Each is looked up by its name.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx, nn

from cutaway.byhand.call import Call
from cutaway.byhand.export import (
    check_in_place_changes,
    export_program,
    line,
    origin,
    required_nodes,
)
from cutaway.byhand.graph import Graph
from cutaway.byhand.operation import OPERATIONS, Operation
from cutaway.byhand.operations import (
    Constant,
    DropoutMask,
    Identity,
    LocalResponseNormalisation,
    Multiply,
)
from cutaway.byhand.operations.chance import DRAWS
from cutaway.errors import UsageError

CONSTANTS = {
    "detach", *DRAWS,
    "zeros", "zeros_like", "ones", "ones_like", "full", "full_like", "new_zeros", "new_ones",
    "new_full", "arange", "linspace", "cartesian_prod",
    "ge", "gt", "le", "lt", "eq", "ne", "sign", "argmax",
    "all", "any", "logical_not", "logical_and", "logical_or", "bitwise_not",
    "bitwise_and", "bitwise_or",
}  # fmt: skip
"""Functions without a gradient: they draw, compare or create."""

DROPOUT = ("dropout", "feature_dropout")


def trace(
    model: nn.Module, *example: Tensor, learned: Iterable[Tensor] | None = None, within: str = ""
) -> Graph:
    """The graph of `model(*example)`, over the module's own parameters.

    Only the shapes of the example count. Whether the module trains or rests is kept: the graph of a
    training network draws its dropout masks anew each time and follows the batch's statistics. A
    graph computes in one precision, so conversions between floating types fall away.

    Args:
        learned: the parameters that count as such; the others are constants. All by default.
        within: the beginning of modules' paths that is left out of names.

    Raises:
        UsageError: what cannot be traced (control flow that depends on values), an operation that
            is not known by hand, an example of the wrong shape or type; it names the place.
    """
    program = export_program(model, example)
    own = {id(p) for p in (model.parameters() if learned is None else learned)}
    tracer = _Tracer(model, Graph(example[0].dtype), own, within)
    tracer.leaves(program)
    outputs = tracer.walk(program.graph_module)
    tracer.graph.outputs = tuple(outputs)
    return tracer.graph


class _Tracer:
    """Enters the part of an exported program that its outputs depend on in a graph."""

    def __init__(self, model: nn.Module, graph: Graph, own: set[int], within: str):
        self.model, self.graph, self.own, self.within = model, graph, own, within
        self.known: dict[fx.Node, Any] = {}
        self.tensors: dict[int, str] = {}
        self.numbers: dict[float, Tensor] = {}
        self.taken: Counter[str] = Counter()

    def leaves(self, program: Any) -> None:
        """Enter inputs, parameters (one node where weights are shared), buffers and constants."""
        signature = program.graph_signature
        states = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        fixed = {**program.constants, **dict(self.model.named_buffers(remove_duplicate=False))}
        fixed |= dict(self.model.named_parameters(remove_duplicate=False))
        first = {id(value): name for name, value in self.model.named_parameters()}
        states |= signature.inputs_to_lifted_tensor_constants
        for node in program.graph.find_nodes(op="placeholder"):
            name = states.get(node.name)
            if name is None:
                self.known[node] = self.graph.input(self._free(node.name))
            elif node.users:
                value = fixed[name]
                self.known[node] = self._tensor(first.get(id(value), name), value)

    def _tensor(self, name: str, value: Tensor) -> str:
        if id(value) not in self.tensors:
            enter = self.graph.parameter if id(value) in self.own else self.graph.constant
            self.tensors[id(value)] = enter(self._free(name.removeprefix(self.within)), value)
        return self.tensors[id(value)]

    def walk(self, module: fx.GraphModule) -> list[str]:
        """Enter the operations of a (part of a) program; returns the names of its outputs."""
        required = required_nodes(module.graph)
        check_in_place_changes(module.graph)
        for node in module.graph.nodes:
            if node.op == "get_attr":
                self.known[node] = getattr(module, node.target)
            elif node.op == "call_function" and node in required:
                self.known[node] = self._enter(node)
        return [self.known[node] for node in module.graph.output_node().all_input_nodes]

    def _enter(self, node: fx.Node) -> Any:
        if node.target is getitem:
            return self.known[node.args[0]][node.args[1]]  # type: ignore[index]
        if str(node.target) == "wrap_with_set_grad_enabled":
            return self._part(*node.args)
        call = Call.read(node)
        path, kind = origin(node)
        path = path.removeprefix(self.within)
        if kind.endswith(".LocalResponseNorm"):
            return self._local_response(path, node) if call.word == "div" else None
        name = self._name(path, kind, call)
        inputs = [self._input(value) for value in call.inputs]
        operation = self._operation(node, call)
        if isinstance(operation, Multiply) and call.word in DROPOUT:
            mask = DropoutMask(call.arguments["p"], maps=call.word == "feature_dropout")
            inputs.append(self.graph.add(self._free(f"{name}.mask"), mask, inputs[0], place=path))
        reference = None if call.word in ("to", *DROPOUT) else call.run
        entered = self.graph.add(name, operation, *inputs, place=path, reference=reference)
        if call.changes is not None:
            self.known[call.changes] = entered
        return (entered,) if len(call.function._schema.returns) > 1 else entered

    def _local_response(self, path: str, node: fx.Node) -> str:
        """Enter one node for what PyTorch composes of six."""
        module: Any = self.model.get_submodule(origin(node)[0])
        operation = LocalResponseNormalisation(module.size, module.alpha, module.beta, module.k)
        x = self.known[node.all_input_nodes[0]]
        return self.graph.add(self._free(path), operation, x, place=path, reference=module)

    def _part(self, enabled: Any, part: Any, *arguments: Any) -> list[str]:
        """Enter a block under `torch.no_grad()`, which has no gradient."""
        module = self.known[part]
        inner = module.graph.find_nodes(op="placeholder")
        self.known |= {a: self.known.get(b) for a, b in zip(inner, arguments, strict=True)}
        names = self.walk(module)
        if enabled:
            return names
        stop = Constant(torch.detach, "detach")
        return [self.graph.add(self._free(f"{name}.detach"), stop, name) for name in names]

    def _input(self, value: Any) -> str | None:
        """The name of the node for a tensor argument; numbers become constants."""
        if value is None or isinstance(value, fx.Node):
            return None if value is None else self.known[value]
        number = self.numbers.setdefault(value, torch.tensor(float(value)))
        return self._tensor(f"{value:g}", number)

    def _operation(self, node: fx.Node, call: Call) -> Operation:
        if call.word in CONSTANTS or (call.word == "to" and not _real(node)):
            return Constant(call.run, call.word)
        if call.word in DROPOUT and call.arguments["train"]:
            return Multiply()
        if call.word in ("to", *DROPOUT):
            return Identity()
        kind = OPERATIONS.get(call.name)
        if kind is None or len(call.inputs) > kind.max_inputs():
            extra = "" if kind is None else " with so many tensors"
            raise UsageError(
                f"The operation {call.name}{extra} has no gradient by hand; it is called at "
                f"{line(node)}. To add it, write a class with `forward` and `backward` like those "
                f'in cutaway.byhand.operations, above it @spelled("{call.name[5:]}").'
            )
        return kind(**call.settings({spec.name for spec in fields(kind)}))

    def _name(self, path: str, kind: str, call: Call) -> str:
        """The module's path; for a user's own module, which may do more, the operation is added."""
        own = not kind.startswith("torch.nn.modules")
        return self._free(f"{path}.{call.word}".lstrip(".") if own or not path else path)

    def _free(self, name: str) -> str:
        """The name itself where it is not used yet, else with a number."""
        self.taken[name] += 1
        return f"{name}:{self.taken[name]}" if self.taken[name] > 1 else name


def _real(node: fx.Node) -> bool:
    """Whether a conversion is from real numbers to real numbers."""
    ends = (node.meta["val"], node.all_input_nodes[0].meta["val"])
    return all(end.is_floating_point() for end in ends)
