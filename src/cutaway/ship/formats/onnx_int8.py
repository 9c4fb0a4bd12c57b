"""ONNX in 8 bits, by onnxruntime.

Static: weights a channel at a time (`int8_ranges`) and activations by ranges that training images
showed, written as QuantizeLinear and DequantizeLinear around each operation. Dynamic: the ranges of
activations are measured anew at each call. Weights: only those are in 8 bits, in blocks.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from cutaway.errors import UsageError, nearest
from cutaway.files import write_whole
from cutaway.ship.formats.int8_ranges import ranges
from cutaway.ship.formats.onnx_file import describe, model, read
from cutaway.ship.program import silenced
from cutaway.ship.shipment import Shipment

__all__ = ["METHODS", "read", "write"]

METHODS = ("auto", "static", "dynamic", "weights")
OPERATIONS = [
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Relu", "Clip", "MaxPool", "AveragePool",
    "GlobalAveragePool", "Concat",
]  # fmt: skip
"""Operations that are computed in 8 bits; what comes before the network and after it is not."""
BATCH, FEW_CHANNELS = 32, 4


def write(shipment: Shipment, path: Path) -> None:
    """Write `path`, quantised by the method that the shipment asks for.

    Raises:
        UsageError: an unknown way.
    """
    method = method_for(shipment)
    with TemporaryDirectory() as folder, silenced():
        plain, prepared, quantised = (str(Path(folder, f"{name}.onnx")) for name in ("a", "b", "c"))
        onnx.save(model(shipment), plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        if method == "static":
            _static(prepared, quantised, shipment)
        elif method == "dynamic":
            # Unsigned, since signed ones overflow (`int8_ranges`), and are no faster.
            quantize_dynamic(prepared, quantised, weight_type=QuantType.QUInt8, per_channel=True)
        else:
            _weights(prepared, quantised)
        proto = onnx.load(quantised)
    _strip(proto)
    describe(proto, shipment.about)
    write_whole(path, proto.SerializeToString())


def method_for(shipment: Shipment) -> str:
    """The method: static for networks that convolve, dynamic for dense ones, unless one is asked
    for."""
    if shipment.int8 not in METHODS:
        raise UsageError(
            f"There is no 8-bit method '{shipment.int8}'.{nearest(shipment.int8, METHODS)}"
        )
    if shipment.int8 != "auto":
        return shipment.int8
    modules = shipment.network.modules()
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)
    return "static" if any(isinstance(one, kinds) for one in modules) else "dynamic"


class CalibrationBatches(CalibrationDataReader):
    """Batches of examples, under the name of the network's input."""

    def __init__(self, name: str, examples: np.ndarray):
        self.batches: Iterator[np.ndarray] = iter(
            np.array_split(examples, max(1, len(examples) // BATCH))
        )
        self.name = name

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {self.name: batch}


def _static(prepared: str, quantised: str, shipment: Shipment) -> None:
    proto = onnx.load(prepared)
    batches = CalibrationBatches(proto.graph.input[0].name, shipment.examples.calibration())
    quantize_static(
        prepared, quantised, batches,
        quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=OPERATIONS,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=_excluded_nodes(proto),
        extra_options={"TensorQuantOverrides": ranges(proto)},
    )  # fmt: skip


def _excluded_nodes(proto: onnx.ModelProto) -> list[str]:
    """Nodes that stay in float32: those from pixels to x, and first convolutions over few channels.

    On so few (the colours of an image, or one map each) a convolution in 8 bits is not faster, and
    what it rounds away there, all later layers miss.
    """
    weights = {one.name: one.dims for one in proto.graph.initializer}
    names: list[str] = []
    for node in proto.graph.node:
        shape = weights.get(node.input[1], ()) if len(node.input) > 1 else ()
        if node.op_type in ("ConvTranspose", "Gemm", "MatMul"):
            break
        if node.op_type == "Conv" and not (shape and shape[1] <= FEW_CHANNELS):
            break
        names.append(node.name)
    return names


def _strip(proto: onnx.ModelProto) -> None:
    """Remove what readers can infer (inner shapes, offsets of biases): a tenth of a small file."""
    del proto.graph.value_info[:]
    tensors = {one.name: one for one in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "DequantizeLinear" and len(node.input) == 3:
            zero: Any = tensors[node.input[2]]
            if zero.data_type == onnx.TensorProto.INT32:  # of a bias, where it is always 0
                del node.input[2]
    used = {name for node in proto.graph.node for name in node.input}
    initializers = [one for one in proto.graph.initializer if one.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(initializers)


def _weights(prepared: str, quantised: str) -> None:
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    dense = ONNXModel(onnx.load(prepared))
    dense.replace_gemm_with_matmul()
    quantizer = MatMulNBitsQuantizer(dense.model, bits=8, block_size=32, is_symmetric=True)
    quantizer.process()
    onnx.save(quantizer.model.model, quantised)
