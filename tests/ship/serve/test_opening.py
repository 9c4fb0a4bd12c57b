"""What answers: runs, fleets and exported networks, and which of two is taken."""

import os
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from helpers.digits import digits

from cutaway.errors import RunError, UsageError
from cutaway.learn.fleet import launch
from cutaway.learn.recipe import Recipe
from cutaway.learn.run import Run
from cutaway.learn.runtime import computing
from cutaway.ship.export import default_path
from cutaway.ship.formats import find
from cutaway.ship.serve.engine import TorchEngine
from cutaway.ship.serve.opening import check_backend, load_engine
from cutaway.ship.shipment import Shipment

PIXELS = digits(20, size=32).images.numpy()


@pytest.fixture(scope="session")
def exported(lenet: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run again, with its export to ONNX."""
    run = Run(copytree(lenet.path, tmp_path_factory.mktemp("exported") / "lenet"))
    shipment = Shipment.of(run)
    file = default_path(shipment, find("onnx"))
    file.parent.mkdir()
    find("onnx").write(shipment, file)
    return run


def test_a_run_is_asked_by_either(exported: Run) -> None:
    plain, other = load_engine(exported.path, "torch"), load_engine(exported.path, "onnx")
    assert (plain.name, other.name) == ("PyTorch", "onnxruntime")
    assert plain.about.classes == other.about.classes
    np.testing.assert_allclose(plain.answer(PIXELS), other.answer(PIXELS), atol=1e-5)


def test_threads_are_as_many_as_before(lenet: Run) -> None:
    before = torch.get_num_threads()
    with computing(before + 1):
        load_engine(lenet.path, "torch").answer(PIXELS)
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_the_faster_is_taken(exported: Run, lenet: Run) -> None:
    assert load_engine(exported.path).name in ("PyTorch", "onnxruntime")
    assert load_engine(lenet.path).name == "PyTorch"  # there is no other


def test_an_export_older_than_the_weights_is_not_used(exported: Run, tmp_path: Path) -> None:
    run = copytree(exported.path, tmp_path / "lenet")
    file = run / "exports" / "lenet.onnx"
    os.utime(file, (0, 0))
    assert load_engine(run).name == "PyTorch"


def test_an_export_that_answers_otherwise_is_refused(exported: Run, tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    run = copytree(exported.path, tmp_path / "lenet")
    file = run / "exports" / "lenet.onnx"
    model = onnx.load(file)
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.ndim > 1:
            tensor.CopyFrom(numpy_helper.from_array(-value, tensor.name))
    onnx.save(model, file)
    with pytest.raises(RunError, match="gives other outputs"):
        load_engine(run)


def test_exported_files_are_served(exported: Run) -> None:
    engine = load_engine(exported.path / "exports" / "lenet.onnx")
    assert engine.name == "onnxruntime"
    expected = TorchEngine(exported).answer(PIXELS)
    np.testing.assert_allclose(engine.answer(PIXELS), expected, atol=1e-5)


def test_a_fleet_answers_as_one(tmp_path: Path) -> None:
    recipe = Recipe(model="mlp", data="own:digits", epochs=1, replicates=3)
    fleet = launch(recipe, digits(200), out=tmp_path / "fleet")
    engine, pixels = load_engine(fleet.path), digits(20).images.numpy()
    expected = np.mean([TorchEngine(run).answer(pixels) for run in fleet.members], axis=0)
    np.testing.assert_allclose(engine.answer(pixels), expected, atol=1e-6)


def test_other_ways_and_places(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'onnx'"):
        check_backend("onx")
    with pytest.raises(UsageError, match="neither a run, nor a fleet, nor an exported"):
        load_engine(tmp_path)
