"""Eight bits: smaller, nearly as good, and computed so where it says so."""

import numpy as np
import onnx
import pytest

from cutaway.ship.export import export
from cutaway.ship.formats import open_exported


def kinds(path):
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.slow
def test_static_networks_hold_ranges_of_training_images(shipped):
    plain, small = shipped("lenet5", "onnx"), shipped("lenet5", "onnx-int8")
    assert small.check.bytes < 0.32 * plain.check.bytes
    assert small.check.lost < 2  # on 360 digits: seven of them
    assert small.check.difference["agreement"] > 0.97
    nodes = onnx.load(small.path).graph
    assert "QuantizeLinear" in kinds(small.path)
    eight = [one for one in nodes.initializer if one.name.endswith("weight_quantized")]
    assert len(eight) == 4  # of five layers: the first sees one channel and stays
    assert {one.data_type for one in eight} == {onnx.TensorProto.INT8}
    scales = {one.name: list(one.dims) for one in nodes.initializer}
    assert scales["network.c5.weight_scale"] == [120]  # one for each unit


@pytest.mark.parametrize(
    ("way", "operation"), [("dynamic", "MatMulInteger"), ("weights", "MatMulNBits")]
)
@pytest.mark.slow
def test_dense_networks(trained, shipped, way, operation, tmp_path):
    (small,) = export(trained("mlp"), "onnx-int8", int8=way, out=tmp_path / "small.onnx")
    assert operation in kinds(small.path)
    assert small.check.bytes < 0.45 * shipped("mlp", "onnx").check.bytes
    assert small.check.difference["agreement"] > 0.98


def test_dense_networks_are_dynamic_unless_told(trained, tmp_path):
    (small,) = export(trained("mlp"), "onnx-int8", out=tmp_path / "small.onnx")
    assert "MatMulInteger" in kinds(small.path)


def test_batches_do_not_matter(shipped):
    opened = open_exported(shipped("lenet5", "onnx-int8").path)
    x = np.random.default_rng(0).integers(0, 256, (5, 40, 30, 1), dtype=np.uint8)
    one_by_one = np.concatenate([opened.answer(x[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(opened.answer(x), one_by_one, atol=1e-6)
