"""torch.export's own file: runs with PyTorch alone, without this package."""

import json
from io import BytesIO
from pathlib import Path

import torch

from cutaway.errors import DataError
from cutaway.files import write_whole
from cutaway.ship.about import About
from cutaway.ship.exported_model import ExportedModel, of_module
from cutaway.ship.program import silenced
from cutaway.ship.shipment import Shipment

KEY = "cutaway.json"


def write(shipment: Shipment, path: Path) -> None:
    """Write `path`; the description of the network is one more file in the archive."""
    buffer = BytesIO()
    with silenced():
        torch.export.save(shipment.program, buffer, extra_files={KEY: shipment.about.to_json()})
    write_whole(path, buffer.getvalue())


def read(path: Path) -> ExportedModel:
    """Open a program that was exported by Cutaway."""
    extra = {KEY: ""}
    try:
        with silenced():
            exported = torch.export.load(str(path), extra_files=extra)
    except Exception as error:  # torch.export's failures have no common base
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path} is not a program that torch.export can load ({reason}).") from None
    return of_module(path, About.from_json(extra[KEY] or json.dumps(None)), exported.module())
