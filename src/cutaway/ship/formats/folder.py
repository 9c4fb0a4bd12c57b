"""A model repository as on the Hugging Face Hub: config, weights, model card."""

from pathlib import Path

from cutaway.errors import DataError
from cutaway.files import read_json, write_json, write_whole, writing
from cutaway.learn.checkpoint import load_tensors, save_tensors
from cutaway.ship.about import About
from cutaway.ship.card import card
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.formats.weights import rebuild
from cutaway.ship.shipment import Shipment

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


def write(shipment: Shipment, path: Path) -> None:
    """Write the folder `path`."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    about = shipment.about
    write_json(path / CONFIG, {"library_name": "cutaway", **about.to_dict()})
    save_tensors(path / WEIGHTS, dict(shipment.network.state_dict()), {"about": about.to_dict()})
    write_whole(path / CARD, card(shipment.run, about))


def read(path: Path) -> ExportedModel:
    """Build the network of a folder.

    Raises:
        DataError: the folder is not a model repository of Cutaway.
    """
    if not (path / CONFIG).is_file():
        raise DataError(f"{path} is not a model folder: it has no {CONFIG}.")
    config = read_json(path / CONFIG)
    config.pop("library_name", None)
    tensors, _ = load_tensors(path / WEIGHTS)
    return rebuild(path, About.from_dict(config), tensors)
