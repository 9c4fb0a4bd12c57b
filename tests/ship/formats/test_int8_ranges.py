"""Weights in 8 bits, of which no two overflow 16 bits together."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from cutaway.ship.formats.int8_ranges import largest_pair_sums, outputs_first, ranges


def eight_bits(w):
    """As onnxruntime rounds them."""
    r = np.maximum(largest_pair_sums(w), 1e-12).reshape(-1, *[1] * (w.ndim - 1))
    return np.clip(np.round(w / r * 127), -128, 127)


@given(some.integers(0, 10_000), some.integers(2, 9), some.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_neighbours_fit(seed, channels, side):
    w = np.random.default_rng(seed).normal(size=(4, channels, side, side)).astype(np.float32)
    q = np.moveaxis(eight_bits(w), 1, -1).reshape(4, -1)
    for first, second in zip(q.T[::2], q.T[1::2], strict=False):
        assert (255 * np.abs(first + second) < 2**15).all()
    assert np.abs(q).max(1).min() >= 63  # never worse than 7 bits


def test_what_has_no_neighbour_of_its_sign_keeps_all_of_its_precision():
    w = np.array([[0.5, -0.5, 0.25, 0.0], [0.5, 0.5, 0.25, -1.0]], dtype=np.float32)
    assert largest_pair_sums(w).tolist() == [0.5, 1.0]


def test_a_channel_of_zeros_reaches_nowhere():
    assert largest_pair_sums(np.zeros((2, 3), np.float32)).tolist() == [0, 0]


@pytest.mark.parametrize("turned", [0, 1])
def test_what_a_layer_leads_to_comes_first(turned):
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=turned)
    w = np.arange(6, dtype=np.float32).reshape((3, 2) if turned else (2, 3))
    weights, axis = outputs_first(node, w)
    assert weights.shape == (3, 2)
    assert axis == 1 - turned


class Bright(CalibrationDataReader):
    """One batch, as bright as can be."""

    def __init__(self, x):
        self.batches = iter([{"x": x}])

    def get_next(self):
        return next(self.batches, None)


def test_a_sum_of_large_products_comes_out_whole(tmp_path):
    """64 products of the largest activation and equal weights: the worst case."""
    w = np.full((64, 8), 0.1, np.float32)
    x = np.ones((16, 64), np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "dense")], "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
        [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(proto, tmp_path / "plain.onnx")
    quantize_static(
        tmp_path / "plain.onnx", tmp_path / "small.onnx", Bright(x), per_channel=True,
        activation_type=QuantType.QUInt8, extra_options={"TensorQuantOverrides": ranges(proto)},
    )  # fmt: skip
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
    np.testing.assert_allclose(session.run(None, {"x": x})[0], x @ w, rtol=0.01)
