"""Export: write, open again, compare with PyTorch, and only then keep."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cutaway.errors import UsageError
from cutaway.files import locked, read_json, write_json, writing
from cutaway.learn.evaluation import Measurements
from cutaway.learn.run import Run
from cutaway.ship import formats
from cutaway.ship.formats import Format
from cutaway.ship.shipment import Shipment
from cutaway.ship.verify import Check, Reference

RECORD = "export.json"


@dataclass(frozen=True)
class Export:
    """A verified export: its path, and its comparison with PyTorch."""

    path: Path
    check: Check


def export(
    run: Run,
    to: str | Sequence[str] = "onnx",
    *,
    out: str | Path = "",
    part: str = "",
    any_size: bool = False,
    int8: str = "auto",
    runtime: str | Path = "",
    difference: float | None = None,
    lost: float | None = None,
) -> list[Export]:
    """Write a trained network in one format or several, each verified on the held-out images.

    The comparison is kept in the run's `export.json`, and the evaluation on the test set in its
    `looks.jsonl`. An export that differs more than its tolerance is not left behind.

    Args:
        to: names of `ship.formats.FORMATS`.
        out: the file or folder; by default below the run's `exports`.
        part: what of the network: answer, reconstruct, generate or paint; by default what it is
            for.
        any_size: leave images at the size that they have; where the network takes any.
        int8: how 8 bits are reached: auto, static, dynamic or weights.
        runtime: a folder with onnxruntime-web's files, for `web`; else they are downloaded once.
        difference, lost: largest difference of an output, and points of accuracy, allowed.

    Raises:
        UsageError: an unknown format or part, or a network that the format cannot hold.
        RunError: the export is not what it was made from, or cannot be written.
    """
    kinds = [formats.find(name) for name in ([to] if isinstance(to, str) else to)]
    if out and len(kinds) > 1:
        raise UsageError("One place cannot hold several formats: leave --out away, or export one.")
    shipment = Shipment.of(run, part, any_size, int8, str(runtime))
    reference = Reference(shipment)
    exports = []
    for kind in kinds:
        path = Path(out) if out else default_path(shipment, kind)
        tolerance = {
            "difference": kind.difference if difference is None else difference,
            "lost": kind.lost if lost is None else lost,
        }
        exports.append(Export(path, _export_one(reference, kind, path, tolerance)))
    if shipment.about.takes_examples:
        run.log_look(
            "test", f"export {', '.join(one.name for one in kinds)}", _measurements(reference)
        )
    return exports


def default_path(shipment: Shipment, kind: Format) -> Path:
    """The path of an export unless one is given: `RUN/exports/NAME.onnx`."""
    run = shipment.run.path
    part = "" if shipment.about.part == "answer" else f"-{shipment.about.part}"
    return run / "exports" / f"{run.resolve().name}{part}{kind.ending or f'-{kind.name}'}"


def _export_one(
    reference: Reference, kind: Format, path: Path, tolerance: dict[str, float]
) -> Check:
    with atomic_path(path) as new:
        kind.write(reference.shipment, new)
        check = reference.check(kind, kind.read(new), tolerance)
        check.require_agreement()
    check = replace(check, file=path.name)
    _record(reference.shipment.run, check)
    return check


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` if all goes well and is removed otherwise.

    Raises:
        RunError: it cannot be written.
        UsageError: something else stands at `path`.
    """
    new = path.with_name(f".coming-{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not is_export(path):
        raise UsageError(f"{path} is a folder with other things in it: name another with --out.")
    try:
        yield new
        with writing(path), locked(path.parent):  # others may export to the same place
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True) if new.is_dir() else new.unlink(missing_ok=True)


def is_export(folder: Path) -> bool:
    """Whether a folder is an earlier export (or empty), and so may be written over."""
    return not any(folder.iterdir()) or any(
        (folder / name).is_file() for name in ("config.json", "model.onnx")
    )


def _record(run: Run, check: Check) -> None:
    """Add the comparison to the run's record, one entry per file."""
    path = run.path / RECORD
    with locked(run.path):  # or what another export has just added would be lost
        entries: dict[str, Any] = read_json(path) if path.exists() else {}
        write_json(path, entries | {check.file: check.to_dict()})


def _measurements(reference: Reference) -> Measurements:
    return Measurements(len(reference.examples), dict(reference.pytorch_quality), {})
