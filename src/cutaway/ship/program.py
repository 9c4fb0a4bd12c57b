"""Export to a program of tensor operations, by `torch.export`."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from cutaway.errors import UsageError
from cutaway.ship.about import About


def trace(
    module: nn.Module, inputs: Tensor, about: About, dynamic_axes: Sequence[str]
) -> ExportedProgram:
    """Export a network with its pre- and postprocessing, for batches of any length.

    Args:
        inputs: an example of its input.
        dynamic_axes: names of the input's axes, from the first, that may have any length.

    Raises:
        UsageError: it does something that cannot be written down, or images of any size are
            asked for and it takes only one.
    """
    any_length = dict.fromkeys(range(len(dynamic_axes)), Dim.AUTO)
    with silenced(), torch.no_grad():
        try:
            exported = export(module, (inputs,), dynamic_shapes=(any_length,), strict=False)
        except Exception as error:  # torch.export's failures have no common base
            raise UsageError(_unsupported(about, dynamic_axes, error)) from None
    lengths = zip(dynamic_axes, _lengths(exported), strict=False)
    fixed = [name for name, length in lengths if _is_fixed(length)]
    if fixed:
        raise UsageError(_unsupported(about, dynamic_axes, f"its {fixed[0]} is fixed"))
    return exported


def _lengths(exported: ExportedProgram) -> list[object]:
    """Lengths of the input's axes: numbers, or symbols."""
    (name,) = exported.graph_signature.user_inputs
    node = next(node for node in exported.graph.nodes if node.name == name)
    return list(node.meta["val"].shape)


def _is_fixed(length: object) -> bool:
    return isinstance(length, int)


def _unsupported(about: About, dynamic_axes: Sequence[str], cause: object) -> str:
    name = about.model
    if "height" in dynamic_axes and not about.resizes:
        size = " x ".join(map(str, about.size))
        return f"{name} takes images of {size} pixels alone: export it without --any-size."
    reason = str(cause).strip().splitlines()[0]
    return f"{name} cannot be written down as a program ({reason}): export safetensors or a folder."


@contextmanager
def silenced() -> Iterator[None]:
    """Silence what exporters log and warn of; restore logging afterwards."""
    root = logging.root
    before, level, handlers = root.manager.disable, root.level, root.handlers[:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)
            root.setLevel(level)
            root.handlers[:] = handlers
