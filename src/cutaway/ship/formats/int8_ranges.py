"""Ranges of weights in 8 bits in which no processor overflows.

Processors without instructions for 8 bits (x86 before VNNI) multiply the activations, 0..255, by
the weights, -128..127, and add two neighbours in 16 bits: what goes beyond 32,767 is cut off there,
and a network answers otherwise than on its neighbour's machine. 255 (w1 + w2) fits as long as two
neighbours of one sign are at most 128 together. Weights in 7 bits always are, and lose half of
their precision; here each channel keeps as much of it as its own neighbours allow.
"""

from typing import Any

import numpy as np
import onnx
from jaxtyping import Float
from onnx.numpy_helper import to_array
from onnxruntime.quantization import QuantType


def ranges(proto: onnx.ModelProto) -> dict[str, list[dict[str, Any]]]:
    """The `TensorQuantOverrides` for onnxruntime, for each layer that sums over channels."""
    weights = {one.name: one for one in proto.graph.initializer}
    overrides = {}
    for node in proto.graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and node.input[1] in weights:
            w, axis = outputs_first(node, to_array(weights[node.input[1]]))
            if w.shape[1] > 1:  # a depthwise convolution adds otherwise
                overrides[node.input[1]] = [_override(float(r), axis) for r in largest_pair_sums(w)]
    return overrides


def outputs_first(
    node: onnx.NodeProto, w: np.ndarray
) -> tuple[Float[np.ndarray, "out k *places"], int]:
    """The weights with outputs on the first axis and what is summed over next; and the axis of the
    outputs in the file."""
    turned = any(one.name == "transB" and one.i for one in node.attribute)
    return (w, 0) if node.op_type == "Conv" or turned else (w.T, 1)


def largest_pair_sums(w: Float[np.ndarray, "out k *places"]) -> Float[np.ndarray, "out"]:
    """The largest sum of two neighbours of one sign, which is to become 127.

    Neighbours follow each other as onnxruntime sums them: channel by channel at each place.
    """
    flat = np.moveaxis(w, 1, -1).reshape(len(w), -1)
    flat = np.pad(flat, ((0, 0), (0, flat.shape[1] % 2)))
    pairs = flat.reshape(len(w), -1, 2)
    sums = [np.maximum(part, 0).sum(2).max(1) for part in (pairs, -pairs)]
    return np.maximum(*sums)


def _override(r: float, axis: int) -> dict[str, Any]:
    return {"quant_type": QuantType.QInt8, "symmetric": True, "axis": axis,
            "rmin": np.float32(-r), "rmax": np.float32(r)}  # fmt: skip
