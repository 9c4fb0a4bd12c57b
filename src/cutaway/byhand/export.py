"""Export a module by PyTorch, and explain failures."""

import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from cutaway.errors import UsageError

LIBRARY = str(Path(torch.__file__).parent)


def export_program(model: nn.Module, example: Sequence[Tensor]) -> Any:
    """The `torch.export.ExportedProgram` of a module.

    Raises:
        UsageError: it cannot be run on the example, or its path depends on values.
    """
    from torch.export import export

    if not example or not example[0].is_floating_point():
        reason = f"of whole numbers ({example[0].dtype})" if example else "missing"
        raise UsageError(
            f"The example is {reason}, and gradients go through real numbers only: give the image "
            "as the network takes it, for instance torch.rand(2, 1, 28, 28)."
        )
    try:
        with _silenced():
            return export(model, tuple(example), strict=False)
    except Exception as error:
        _try(model, example)
        raise UsageError(
            f"The network cannot be traced: at {_user_line(error)} what is computed depends on the "
            "values of a tensor (or on code that cannot be written down as a graph). Use "
            "torch.where or arithmetic in place of if and while."
        ) from error


def _try(model: nn.Module, example: Sequence[Tensor]) -> None:
    """Run the module itself on the example, to tell a wrong example from a wrong module."""
    try:
        with torch.no_grad(), torch.random.fork_rng():
            deepcopy(model)(*example)
    except Exception as error:
        shapes = ", ".join(str(tuple(x.shape)) for x in example)
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"The network cannot be run on an example of the shape {shapes}: at "
            f"{_user_line(error)} {message}"
        ) from error


def _user_line(error: Exception) -> str:
    """The last line of the user's own code before the error."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [
        f for f in frames if not f.filename.startswith((LIBRARY, "<")) and f.filename != __file__
    ]
    if not outside:
        return "an unknown place"
    frame = outside[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno} ({(frame.line or '').strip()}),"


@contextmanager
def _silenced() -> Iterator[None]:
    """Silence what PyTorch prints: failures are explained once, by us."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def origin(node: fx.Node) -> tuple[str, str]:
    """The module whose `forward` made a node: its path and its class, `torch.nn....` or other."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return stack[-1] if stack else ("", "")


def line(node: fx.Node) -> str:
    """The line of code that made a node, for an error."""
    rows = [row.strip() for row in (node.meta.get("stack_trace") or "").splitlines()]
    places = [i for i, row in enumerate(rows) if row.startswith("File") and LIBRARY not in row]
    if not places:
        return "an unknown place"
    where = rows[places[-1]].removeprefix("File ").split(", in ")[0].replace('"', "")
    code = rows[places[-1] + 1] if places[-1] + 1 < len(rows) else ""
    return f"{where} ({code})"


def required_nodes(graph: fx.Graph) -> set[fx.Node]:
    """The nodes that the outputs depend on."""
    nodes: set[fx.Node] = set()
    waiting = list(graph.output_node().all_input_nodes)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes.add(node)
            waiting.extend(node.all_input_nodes)
    return nodes


def check_in_place_changes(graph: fx.Graph) -> None:
    """Refuse a change in place that is read afterwards under another name of the same memory."""
    order = {node: k for k, node in enumerate(graph.nodes)}
    for node in order:
        schema = getattr(node.target, "_schema", None)
        changed_inputs = [a.alias_info for a in schema.arguments][:1] if schema else []
        if not any(w and w.is_write for w in changed_inputs):
            continue
        changed = node.all_input_nodes[0]
        root = changed
        while _is_view(root):
            root = root.all_input_nodes[0]
        same = [root]
        for other in same:
            if other is not changed and any(order[user] > order[node] for user in other.users):
                raise UsageError(
                    f"A part of a tensor is changed in place at {line(node)}: make a new tensor "
                    "there (torch.where, torch.cat), so that every value has its place in the "
                    "graph."
                )
            same.extend(filter(_is_view, other.users))


def _is_view(node: fx.Node) -> bool:
    """Whether a node is a view of another's memory."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and any(
        r.alias_info and not r.alias_info.is_write for r in schema.returns
    )
