"""The whole as a program of tensor operations, by `torch.export`."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.export import Dim, ExportedProgram, export

from cutaway.errors import UsageError
from cutaway.ship.shipment import Shipment


def program(shipment: Shipment) -> ExportedProgram:
    """The network and what is around it, for batches of any length.

    Raises:
        UsageError: it does something that cannot be written down, or images of any size are
            asked for and it takes only one.
    """
    specimen = shipment.specimen()
    free = dict.fromkeys(range(len(shipment.free)), Dim.AUTO)
    with quietly(), torch.no_grad():
        try:
            found = export(shipment.whole, (specimen,), dynamic_shapes=(free,), strict=False)
        except Exception as error:  # torch.export's failures have no common base
            raise UsageError(_refusal(shipment, error)) from None
    fixed = [name for name, n in zip(shipment.free, _lengths(found), strict=False) if _whole(n)]
    if fixed:
        raise UsageError(_refusal(shipment, f"its {fixed[0]} is fixed"))
    return found


def _lengths(found: ExportedProgram) -> list[object]:
    """Of the input's axes: numbers, or symbols."""
    (name,) = found.graph_signature.user_inputs
    node = next(node for node in found.graph.nodes if node.name == name)
    return list(node.meta["val"].shape)


def _whole(length: object) -> bool:
    return isinstance(length, int)


def _refusal(shipment: Shipment, why: object) -> str:
    name = shipment.about.model
    if shipment.any_size:
        size = " x ".join(map(str, shipment.about.size))
        return f"{name} takes images of {size} pixels alone: export it without --any-size."
    reason = str(why).strip().splitlines()[0]
    return f"{name} cannot be written down as a program ({reason}): export safetensors or a folder."


@contextmanager
def quietly() -> Iterator[None]:
    """Without what exporters say to their own authors, and set up for all others to say."""
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
