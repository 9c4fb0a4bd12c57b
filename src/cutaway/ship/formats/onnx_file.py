"""ONNX: the format that most other programs read."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from cutaway.errors import DataError
from cutaway.files import write_whole
from cutaway.ship.about import About
from cutaway.ship.exported_model import ExportedModel
from cutaway.ship.program import silenced
from cutaway.ship.shipment import Shipment

OPSET = 20
KEY = "cutaway"
INPUTS = {"answer": "pixels", "reconstruct": "pixels", "generate": "z", "paint": "places"}
OUTPUTS = {"reconstruct": "pictures", "generate": "pictures", "paint": "values"}


def write(shipment: Shipment, path: Path) -> None:
    """Write `path`; the description of the network is in its metadata."""
    write_whole(path, model(shipment).SerializeToString())


def model(shipment: Shipment) -> onnx.ModelProto:
    """The network as an ONNX model."""
    about = shipment.about
    output = OUTPUTS.get(about.part, about.target.answers)
    with silenced():
        exported = torch.onnx.export(
            shipment.program, (), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=[INPUTS[about.part]], output_names=[output],
        )  # fmt: skip
    assert exported is not None
    proto: onnx.ModelProto = exported.model_proto
    _clean(proto)
    _name_axes(proto, shipment.dynamic_axes)
    describe(proto, about)
    return proto


def describe(proto: onnx.ModelProto, about: About) -> None:
    """Add the description of the network, for people (in Netron) and for programs."""
    proto.producer_name, proto.producer_version = "cutaway", about.version
    proto.doc_string = f"{about.model}, trained on {about.data}: {about.part}."
    plain = {"classes": "\n".join(about.target.names), "task": about.task, "licence": about.licence}
    onnx.helper.set_model_props(proto, {KEY: about.to_json(), **plain})


def read(path: Path, threads: int = 0) -> ExportedModel:
    """Open an ONNX file that was exported by Cutaway.

    Args:
        threads: that compute; 0 for as many as there are cores.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's failures have no public base
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"{path} is not an ONNX file that onnxruntime can run ({reason})."
        ) from None
    about = About.from_json(session.get_modelmeta().custom_metadata_map.get(KEY, "null"))
    (name,) = (one.name for one in session.get_inputs())

    def answer(examples: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = session.run(None, {name: examples})[0]
        return outputs

    return ExportedModel(path, about, answer)


def _clean(proto: onnx.ModelProto) -> None:
    """Remove what the exporter noted for itself, paths of this machine among it."""
    graphs: list[Any] = [proto.graph, *proto.functions]
    for graph in graphs:
        del graph.metadata_props[:]
        for one in [*graph.node, *graph.value_info, *graph.input, *graph.output]:
            del one.metadata_props[:]
            one.doc_string = ""
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]


def _name_axes(proto: onnx.ModelProto, names: tuple[str, ...]) -> None:
    """Name the axes of any length (batch, height, width), instead of s77."""
    axes = proto.graph.input[0].type.tensor_type.shape.dim
    words = {axis.dim_param: name for axis, name in zip(axes, names, strict=False)}
    for value in [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]:
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in words:
                axis.dim_param = words[axis.dim_param]
