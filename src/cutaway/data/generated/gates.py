"""Truth tables of gates with two inputs."""

from dataclasses import replace

import torch

from cutaway.data.imageset import ImageSet
from cutaway.data.named_sets import named_set

# The outputs for 00, 01, 10 and 11.
GATES = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
    "xor": (0, 1, 1, 0),
}


def gate(name: str) -> ImageSet:
    """Four samples of two values, 0 or 255, and the output of each."""
    bit = torch.tensor([0, 1])
    inputs = torch.cartesian_prod(bit, bit)
    images = (255 * inputs).to(torch.uint8)[..., None]
    names = [f"{name}/{a}{b}" for a, b in inputs.tolist()]
    gate_set = named_set(name, images, {"targets": GATES[name]}, ["0", "1"])
    return replace(gate_set, names=names, whole=True)
