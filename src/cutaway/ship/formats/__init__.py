"""The formats of an export, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cutaway.errors import DataError, UsageError, nearest
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.shipment import Shipment


@dataclass(frozen=True)
class Format:
    """A file format that networks can be exported to.

    Attributes:
        module: the one with its `write(shipment, path)` and `read(path)`.
        ending: of the file's name; none of a folder.
        difference: largest one that an output may have from PyTorch's.
        lost: points of accuracy (or of IoU) that it may cost.
    """

    name: str
    module: str
    ending: str
    title: str
    difference: float = 1e-3
    lost: float = 0.1

    def write(self, shipment: Shipment, path: Path) -> None:
        write: Callable[[Shipment, Path], None] = self._load.write
        write(shipment, path)

    def read(self, path: Path) -> ExportedModel:
        read: Callable[[Path], ExportedModel] = self._load.read
        return read(path)

    @property
    def _load(self) -> Any:
        try:
            return import_module(f"cutaway.ship.formats.{self.module}")
        except ModuleNotFoundError as error:
            raise UsageError(
                f"The format {self.name} needs the package {error.name}: "
                "pip install 'cutaway[export]'."
            ) from None


FORMATS = {
    one.name: one
    for one in (
        Format("onnx", "onnx_file", ".onnx", "ONNX, for onnxruntime and everything that reads it"),
        Format(
            "onnx-int8", "onnx_int8", ".int8.onnx", "ONNX in 8 bits, calibrated on training images",
            difference=1.0, lost=0.5,
        ),
        Format("pt2", "pt2", ".pt2", "torch.export's program: PyTorch without this package"),
        Format("safetensors", "weights", ".safetensors", "the weights and what they mean"),
        Format("folder", "folder", "", "a model repository: config, weights, model card"),
        Format("web", "web", "", "a page that needs no server", difference=1e-3),
    )
}  # fmt: skip


def find(name: str) -> Format:
    """The format called `name`.

    Raises:
        UsageError: there is none; the nearest is offered.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no format '{name}'.{nearest(name, FORMATS)}")
    return FORMATS[name]


def format_of(path: Path) -> Format:
    """The format of what lies at `path`.

    Raises:
        UsageError: it is none of ours.
    """
    if path.is_dir():
        return FORMATS["web" if (path / "model.onnx").is_file() else "folder"]
    files = [one for one in FORMATS.values() if one.ending]
    for one in files:
        if path.name.endswith(one.ending):
            return one
    raise UsageError(
        f"{path} is not an export: it is a folder, or its name ends in "
        f"{' or '.join(one.ending for one in files)}."
    )


def open_exported(path: str | Path) -> ExportedModel:
    """Open what `export` wrote: a file, or a folder with a config.json or an ONNX file.

    Raises:
        DataError: it is not there, damaged, or was not exported by Cutaway.
        UsageError: its format is not known, or a package is missing.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} is not there: `cutaway export RUN` writes such files.")
    return format_of(path).read(path)
