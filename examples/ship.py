"""Hand a network on: as ONNX, checked against the run, and asked without Cutaway."""

import numpy as np
import onnxruntime
from sklearn.datasets import load_digits

import cutaway as ca

run = ca.fit("lenet5", "digits", epochs=3)
(made,) = ca.export(run, "onnx")  # kept only if it answers as the run does
session = onnxruntime.InferenceSession(made.path)

digit = np.uint8(load_digits().images[7] * 15.9)  # 8 x 8
pixels = np.kron(digit, np.ones((4, 4), np.uint8))[None, ..., None]  # 1 x 32 x 32 x 1
probabilities = session.run(None, {"pixels": pixels})[0][0]
classes = session.get_modelmeta().custom_metadata_map["classes"].split("\n")
print(classes[int(probabilities.argmax())], f"{probabilities.max():.1%}")
