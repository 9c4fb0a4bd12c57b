"""torchvision and timm, to compare with: their models need none of torchvision's compiled parts."""

import importlib
from importlib.util import find_spec
from types import ModuleType

import pytest
import torch

DECLARED = torch.library.Library("torchvision", "FRAGMENT")
"""Kept, since what it declares is gone with it."""
ASKED_FOR = ("nms", "qnms")


def package(name: str) -> ModuleType:
    """torchvision or timm; a skip where it is not installed."""
    if find_spec(name) is None or find_spec("torchvision") is None:
        pytest.skip(f"{name} is not installed")
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    # A build for CUDA loads none of its operators beside a PyTorch without CUDA, and asks for two.
    for operator in ASKED_FOR:
        DECLARED.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module(name)
