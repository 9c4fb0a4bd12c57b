"""The whole as a program of tensor operations, by `torch.export`."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from cutaway.errors import UsageError
from cutaway.ship.about import About


def trace(whole: nn.Module, specimen: Tensor, about: About, free: Sequence[str]) -> ExportedProgram:
    """A network and what is around it, for batches of any length.

    Args:
        specimen: an example of its input.
        free: names of the input's axes, from the first, that may have any length.

    Raises:
        UsageError: it does something that cannot be written down, or images of any size are
            asked for and it takes only one.
    """
    any_length = dict.fromkeys(range(len(free)), Dim.AUTO)
    with quietly(), torch.no_grad():
        try:
            found = export(whole, (specimen,), dynamic_shapes=(any_length,), strict=False)
        except Exception as error:  # torch.export's failures have no common base
            raise UsageError(_refusal(about, free, error)) from None
    fixed = [name for name, n in zip(free, _lengths(found), strict=False) if _whole(n)]
    if fixed:
        raise UsageError(_refusal(about, free, f"its {fixed[0]} is fixed"))
    return found


def _lengths(found: ExportedProgram) -> list[object]:
    """Of the input's axes: numbers, or symbols."""
    (name,) = found.graph_signature.user_inputs
    node = next(node for node in found.graph.nodes if node.name == name)
    return list(node.meta["val"].shape)


def _whole(length: object) -> bool:
    return isinstance(length, int)


def _refusal(about: About, free: Sequence[str], why: object) -> str:
    name = about.model
    if "height" in free and not about.resizes:
        size = " x ".join(map(str, about.size))
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
