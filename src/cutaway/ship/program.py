"""Export to a program of tensor operations, by `torch.export`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.export import Dim, ExportedProgram, export

from cutaway.errors import UsageError
from cutaway.ship.shipment import Shipment


def program(shipment: Shipment) -> ExportedProgram:
    """Export the network with its pre- and postprocessing, for batches of any length.

    Raises:
        UsageError: it does something that cannot be written down, or images of any size are
            asked for and it takes only one.
    """
    inputs = shipment.example_inputs()
    dynamic_axes = dict.fromkeys(range(len(shipment.dynamic_axes)), Dim.AUTO)
    with silenced(), torch.no_grad():
        try:
            exported = export(
                shipment.module, (inputs,), dynamic_shapes=(dynamic_axes,), strict=False
            )
        except Exception as error:  # torch.export's failures have no common base
            raise UsageError(_unsupported(shipment, error)) from None
    fixed = [
        name
        for name, n in zip(shipment.dynamic_axes, _lengths(exported), strict=False)
        if _is_fixed(n)
    ]
    if fixed:
        raise UsageError(_unsupported(shipment, f"its {fixed[0]} is fixed"))
    return exported


def _lengths(exported: ExportedProgram) -> list[object]:
    """Lengths of the input's axes: numbers, or symbols."""
    (name,) = exported.graph_signature.user_inputs
    node = next(node for node in exported.graph.nodes if node.name == name)
    return list(node.meta["val"].shape)


def _is_fixed(length: object) -> bool:
    return isinstance(length, int)


def _unsupported(shipment: Shipment, cause: object) -> str:
    name = shipment.about.model
    if shipment.any_size:
        size = " x ".join(map(str, shipment.about.size))
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
