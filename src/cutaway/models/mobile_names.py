"""Names of torchvision and timm for the parts of networks made of inverted residuals."""

from collections.abc import Callable, Mapping, Sequence

from cutaway.models.inverted_residual import Shape
from cutaway.models.registry import Naming

TOP = {"top.0": "conv_head", "top.1": "bn2"}
"""timm's names of the last convolution and its norm."""
Stages = Sequence[Sequence[Shape]]
Names = Mapping[str, str]
"""Their name of each module of ours that has parameters of its own."""


def naming(names: Names) -> Naming:
    """Names of parameters, by those of the modules that they belong to."""

    def theirs(name: str) -> str:
        module, _, field = name.rpartition(".")
        return f"{names.get(module, module)}.{field}"

    return theirs


def torchvision_names(stages: Stages, block: Callable[[int, int, int], str], last: Names) -> Naming:
    """torchvision's: the parts of a block are counted, with a convolution 0 and a norm 1 in each.

    Args:
        block: gives the name of a block, from its stage, its place there and its place in all.
        last: names of what follows the blocks.
    """
    names = {"stem.0": "features.0.0", "stem.1": "features.0.1"}
    for ours, theirs, shape in _blocks(stages, block):
        for i, part in enumerate(shape.parts):
            ends = {"0": "0", "1": "1"}
            if part == "gate":
                ends = {"squeeze": "fc1", "excite": "fc2"}
            names |= {f"{ours}.{part}.{a}": f"{theirs}.{i}.{b}" for a, b in ends.items()}
    return naming({**names, **last})


def mobilenet_v2_names(stages: Stages) -> Naming:
    """torchvision's for MobileNetV2, where the last convolution and norm of a block lie bare."""
    count = sum(map(len, stages))
    top = {"top.0": f"features.{count + 1}.0", "top.1": f"features.{count + 1}.1"}

    def place(stage: int, i: int, k: int) -> str:
        return f"features.{k + 1}.conv"

    bare: dict[str, str] = {}
    for ours, theirs, shape in _blocks(stages, place):
        k = len(shape.parts) - 1
        bare |= {f"{ours}.project.{i}": f"{theirs}.{k + i}" for i in (0, 1)}
    return torchvision_names(stages, place, {**bare, **top, "output": "classifier.1"})


def timm_names(stages: Stages, last: Names) -> Naming:
    """timm's: a convolution that widens is called conv_pw, and so is the only other one without it.

    Args:
        last: names of what follows the blocks.
    """
    names = {"stem.0": "conv_stem", "stem.1": "bn1"}
    for ours, theirs, shape in _blocks(stages, lambda stage, i, k: f"blocks.{stage}.{i}"):
        widens = "expand" in shape.parts
        parts = {"expand": "conv_pw", "depthwise": "conv_dw", "project": "conv_pw"}
        parts |= {"project": "conv_pwl"} if widens else {}
        present = [part for part in shape.parts if part != "gate"]
        for i, part in enumerate(present, 1):
            names[f"{ours}.{part}.0"] = f"{theirs}.{parts[part]}"
            names[f"{ours}.{part}.1"] = f"{theirs}.bn{i}"
        names[f"{ours}.gate.squeeze"] = f"{theirs}.se.conv_reduce"
        names[f"{ours}.gate.excite"] = f"{theirs}.se.conv_expand"
    return naming({**names, "output": "classifier", **last})


def _blocks(stages: Stages, block: Callable[[int, int, int], str]) -> list[tuple[str, str, Shape]]:
    """Our name of each block, theirs, and its shape."""
    places = [(a, b, shape) for a, stage in enumerate(stages) for b, shape in enumerate(stage)]
    return [(f"stages.{a}.{b}", block(a, b, k), shape) for k, (a, b, shape) in enumerate(places)]
