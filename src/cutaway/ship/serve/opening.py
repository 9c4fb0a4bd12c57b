"""From a path to what answers."""

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import UInt8

from cutaway.errors import RunError, UsageError, nearest
from cutaway.learn.kinds import open_network
from cutaway.learn.run import Run
from cutaway.ship.formats import open_exported
from cutaway.ship.measures import BATCHES, apart, latencies
from cutaway.ship.serve.engine import Engine, ExportedEngine, TorchEngine, threads

WAYS = ("auto", "torch", "onnx")
DIFFERENCE = 1e-3
"""How far a probability of two engines may lie apart."""


def check_way(way: str) -> str:
    """The way itself.

    Raises:
        UsageError: there is none of this name.
    """
    if way not in WAYS:
        raise UsageError(f"There is no --with {way}.{nearest(way, WAYS)}")
    return way


def load_engine(path: Path, way: str = "auto") -> Engine:
    """The network at a path, which has answered once.

    Args:
        way: of a run, `torch` or `onnx` (exported for this, where the run has no export); `auto`
            is PyTorch, or the run's own export to ONNX where that is faster.

    Raises:
        CutawayError: there is none, or none that can be served.
    """
    real = path.resolve()  # a link may be turned while it loads
    engine = _exported(real) if _is_export(real) else _trained(real, path, way)
    engine.answer(noise(engine, 1))  # what is made only once, no request has to wait for
    return engine


def noise(engine: Engine, count: int) -> UInt8[np.ndarray, "n h w c"]:
    """Pixels of no meaning, as it takes them."""
    shape = (count, *engine.about.size, engine.about.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _is_export(path: Path) -> bool:
    if path.is_dir():
        return (path / "config.json").is_file() or (path / "model.onnx").is_file()
    return path.is_file()


def _exported(path: Path) -> Engine:
    inside = path / "model.onnx"
    file = inside if inside.is_file() else path
    if file.suffix != ".onnx":
        return ExportedEngine(open_exported(path), "PyTorch")
    from cutaway.ship.formats.onnx_file import read

    return ExportedEngine(read(file, threads()), "onnxruntime")


def _trained(real: Path, named: Path, way: str) -> Engine:
    if not (real / "recipe.toml").is_file() and not (real / "fleet.json").is_file():
        raise UsageError(f"{named} is neither a run, nor a fleet, nor an exported network.")
    trained = open_network(real)
    plain = TorchEngine(trained)
    if way == "torch" or not isinstance(trained, Run):
        return plain
    export = _export_of(trained)
    if export is None and way == "auto":
        return plain
    other = _exported(export) if export else _exported_now(trained)
    _compare(plain, other, export or real)
    return other if way == "onnx" or _faster(other, plain) else plain


def _export_of(run: Run) -> Path | None:
    """The run's own export to ONNX, if it is not older than the run's weights."""
    found = run.path / "exports" / f"{run.path.name}.onnx"
    try:
        fresh = found.stat().st_mtime >= (run.path / "weights.safetensors").stat().st_mtime
    except OSError:
        return None
    return found if fresh else None


def _exported_now(run: Run) -> Engine:
    from cutaway.ship.formats import find
    from cutaway.ship.shipment import Shipment

    with TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        find("onnx").write(Shipment.of(run), file)
        return _exported(file)


def _compare(one: Engine, other: Engine, path: Path) -> None:
    off = apart(one.answer(noise(one, 8)), other.answer(noise(other, 8)))["largest"]
    if not off <= DIFFERENCE:
        raise RunError(
            f"The ONNX export of {path} gives other outputs than the run (largest difference "
            f"{off:.2g}): export it again, or serve --with torch."
        )


def _faster(one: Engine, other: Engine) -> bool:
    """Whether it answers an image and a batch sooner than the other, asked in turn."""
    times = latencies({"one": one.answer, "other": other.answer}, noise(one, max(BATCHES)))
    return prod(times["one"][n] / times["other"][n] for n in BATCHES) < 1
