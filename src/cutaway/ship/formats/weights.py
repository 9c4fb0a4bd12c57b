"""safetensors: the weights and the description of the network."""

from pathlib import Path

from torch import Tensor

from cutaway import models
from cutaway.errors import DataError, UsageError
from cutaway.learn.checkpoint import load_tensors, save_tensors
from cutaway.learn.recipe import OWN
from cutaway.ship.about import About
from cutaway.ship.exported_model import ExportedModel, of_module
from cutaway.ship.portable import portable
from cutaway.ship.shipment import Shipment


def write(shipment: Shipment, path: Path) -> None:
    """Write `path`, with a checksum."""
    state = dict(shipment.network.state_dict())
    save_tensors(path, state, {"about": shipment.about.to_dict()})


def read(path: Path) -> ExportedModel:
    """Build the network and load the weights."""
    tensors, facts = load_tensors(path)
    return rebuild(path, About.from_dict(facts.get("about")), tensors)


def rebuild(path: Path, about: About, tensors: dict[str, Tensor]) -> ExportedModel:
    """Build a network of the registry with these weights.

    Raises:
        UsageError: it is none of the registry's.
        DataError: the weights do not fit it.
    """
    if about.model.startswith(OWN):
        raise UsageError(
            f"{path} holds the weights of a network of your own, {about.model.removeprefix(OWN)}: "
            "build it and call load_state_dict, or export it as onnx or pt2."
        )
    network = models.build(
        about.model, about.channels, about.target.outputs, about.size, about.options
    )
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise DataError(f"{path} does not fit {about.model}: {error}.") from None
    return of_module(path, about, portable(network, about), network)
