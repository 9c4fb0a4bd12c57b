"""Load an engine from a path: a run, a fleet or an export."""

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import UInt8

from cutaway.errors import RunError, UsageError, nearest
from cutaway.learn.kinds import open_network
from cutaway.learn.run import Run
from cutaway.ship.formats import open_exported
from cutaway.ship.measures import BATCHES, compare_outputs, latencies
from cutaway.ship.serve.engine import Engine, ExportedEngine, TorchEngine, threads

BACKENDS = ("auto", "torch", "onnx")
DIFFERENCE = 1e-3
"""Largest difference of a probability that two engines may have."""


def check_backend(backend: str) -> str:
    """Return the backend's name if it is known.

    Raises:
        UsageError: there is none of this name.
    """
    if backend not in BACKENDS:
        raise UsageError(f"There is no --with {backend}.{nearest(backend, BACKENDS)}")
    return backend


def load_engine(path: Path, backend: str = "auto") -> Engine:
    """Load the network at a path and let it answer once.

    Args:
        backend: of a run, `torch` or `onnx` (exported for this, where the run has no export);
            `auto` is PyTorch, or the run's own export to ONNX where that is faster.

    Raises:
        CutawayError: there is none, or none that can be served.
    """
    real = path.resolve()  # a link may be turned while it loads
    engine = _exported(real) if _is_export(real) else _trained(real, path, backend)
    engine.answer(noise(engine, 1))  # what is made only once, no request has to wait for
    return engine


def noise(engine: Engine, count: int) -> UInt8[np.ndarray, "n h w c"]:
    """Random pixels of the shape that an engine takes."""
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


def _trained(real: Path, path: Path, backend: str) -> Engine:
    if not (real / "recipe.toml").is_file() and not (real / "fleet.json").is_file():
        raise UsageError(f"{path} is neither a run, nor a fleet, nor an exported network.")
    trained = open_network(real)
    plain = TorchEngine(trained)
    if backend == "torch" or not isinstance(trained, Run):
        return plain
    export = _export_of(trained)
    if export is None and backend == "auto":
        return plain
    other = _exported(export) if export else _export_now(trained)
    _compare(plain, other, export or real)
    return other if backend == "onnx" or _faster(other, plain) else plain


def _export_of(run: Run) -> Path | None:
    """The run's own export to ONNX, if it is not older than the run's weights."""
    path = run.path / "exports" / f"{run.path.name}.onnx"
    try:
        fresh = path.stat().st_mtime >= (run.path / "weights.safetensors").stat().st_mtime
    except OSError:
        return None
    return path if fresh else None


def _export_now(run: Run) -> Engine:
    from cutaway.ship.formats import find
    from cutaway.ship.shipment import Shipment

    with TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        find("onnx").write(Shipment.of(run), file)
        return _exported(file)


def _compare(one: Engine, other: Engine, path: Path) -> None:
    difference = compare_outputs(one.answer(noise(one, 8)), other.answer(noise(other, 8)))[
        "largest"
    ]
    if not difference <= DIFFERENCE:
        raise RunError(
            f"The ONNX export of {path} gives other outputs than the run (largest difference "
            f"{difference:.2g}): export it again, or serve --with torch."
        )


def _faster(one: Engine, other: Engine) -> bool:
    """Whether the first answers an image and a batch sooner than the other, called in turn."""
    times = latencies({"one": one.answer, "other": other.answer}, noise(one, max(BATCHES)))
    return prod(times["one"][n] / times["other"][n] for n in BATCHES) < 1
