"""torch.export's own file: runs with PyTorch alone, without this package."""

import json
from io import BytesIO
from pathlib import Path

import torch

from cutaway.errors import DataError
from cutaway.files import write_whole
from cutaway.ship.about import About
from cutaway.ship.opened import Opened, of_module
from cutaway.ship.program import quietly
from cutaway.ship.shipment import Shipment

KEY = "cutaway.json"


def write(shipment: Shipment, path: Path) -> None:
    """Write `path`; what the network is travels as one more file in the archive."""
    held = BytesIO()
    with quietly():
        torch.export.save(shipment.program, held, extra_files={KEY: shipment.about.to_json()})
    write_whole(path, held.getvalue())


def read(path: Path) -> Opened:
    """Open a program that was exported by Cutaway."""
    extra = {KEY: ""}
    try:
        with quietly():
            found = torch.export.load(str(path), extra_files=extra)
    except Exception as error:  # torch.export's failures have no common base
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path} is not a program that torch.export can load ({reason}).") from None
    return of_module(path, About.from_json(extra[KEY] or json.dumps(None)), found.module())
