"""Networks of the packages torchvision and timm, by name, where these are installed.

`timm/resnet18` is timm's network with random weights, `timm/resnet18.a1_in1k` the same with a name
of weights on the Hugging Face hub; `torchvision/resnet18.IMAGENET1K_V1` names torchvision's.
"""

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from cutaway.errors import UsageError, nearest
from cutaway.models.registry import (
    LIBRARIES,
    MODELS,
    Counterpart,
    Model,
    Size,
    Weights,
    library,
)

MARK = 7
"""A number of classes that only the layer with the answers has as its number of outputs."""


@library
@cache
def timm(name: str) -> Model:
    """timm's network, for instance `resnet18` or `resnet18.a1_in1k`.

    Raises:
        UsageError: timm is not installed or has no such network.
    """
    package = _package("timm", name)
    architecture, _, tag = name.partition(".")
    if not package.is_model(architecture):
        raise UsageError(f"timm has no network '{architecture}'.{_near(name, package)}")
    tags = [one.partition(".")[2] for one in package.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise UsageError(f"timm's {architecture} has no weights '{tag}'.{nearest(tag, tags)}")
    settings = package.models.get_pretrained_cfg(name).to_dict()
    head = settings.get("classifier") or ""
    if not isinstance(head, str) or not head:
        raise UsageError(
            f"timm's {architecture} has no layer of its own for classes: take another."
        )
    _, side, _ = settings["input_size"]
    fixed = bool(settings.get("fixed_input_size"))
    counterpart = Counterpart("timm", architecture, str, settings.get("tag") or "")
    return Model(
        f"timm/{name}", partial(_of_timm, architecture, fixed), f"{architecture} of timm",
        "the package timm", "rocks", (3, 1000, side), min_size=side if fixed else 1, head=head,
        counterparts=(counterpart,),
    )  # fmt: skip


@library
@cache
def torchvision(name: str) -> Model:
    """torchvision's network, for instance `resnet18` or `resnet18.IMAGENET1K_V1`.

    Raises:
        UsageError: torchvision is not installed, or has no such network or weights.
    """
    models = _package("torchvision", name).models
    architecture, _, tag = name.partition(".")
    names = models.list_models(module=models)
    if architecture not in names:
        raise UsageError(
            f"torchvision has no classifier '{architecture}'.{nearest(architecture, names)}"
        )
    choice = models.get_model_weights(architecture)
    if tag and tag not in choice.__members__:
        raise UsageError(
            f"torchvision's {architecture} has no weights '{tag}'."
            f"{nearest(tag, choice.__members__)}"
        )
    entry = choice[tag] if tag else choice.DEFAULT
    with torch.device("meta"):
        network = models.get_model(architecture, weights=None, num_classes=MARK)
    scaling = entry.transforms()
    weights = Weights(
        partial(_fetched, entry.url), str, tuple(scaling.mean), tuple(scaling.std),
        scaling.crop_size[0],
    )  # fmt: skip
    return Model(
        f"torchvision/{name}", partial(_of_torchvision, architecture),
        f"{architecture} of torchvision", "the package torchvision", "rocks",
        (3, 1000, weights.size), min_size=entry.meta["min_size"][0], head=_head(network),
        weights=weights,
    )  # fmt: skip


def versions(model: str) -> Mapping[str, str]:
    """The versions of the packages that a network comes from."""
    where = model.partition("/")[0]
    try:
        return {where: version(where)} if where in LIBRARIES and "/" in model else {}
    except PackageNotFoundError:
        return {}


def _package(where: str, name: str) -> ModuleType:
    """The package. Raises UsageError where it is not installed, or does not fit PyTorch."""
    if find_spec(where) is None:
        architecture = name.partition(".")[0]
        alike = (one.name for one in MODELS.values() for other in one.counterparts
                 if (other.library, other.model) == (where, architecture))  # fmt: skip
        ours = next(alike, "")
        or_ours = f", or train Cutaway's own {ours} --pretrained {where}/{name}" if ours else ""
        raise UsageError(
            f"{where}/{name} is a network of the package {where}, which is not installed: "
            f"pip install {where}{or_ours}."
        )
    try:
        return import_module(where)
    except (ImportError, RuntimeError, OSError) as error:  # built for another PyTorch
        raise UsageError(
            f"The package {where} cannot be used here ({str(error).splitlines()[0]}): install "
            f"builds of torchvision and PyTorch {torch.__version__} that fit each other."
        ) from None


def _near(name: str, package: Any) -> str:
    """The nearest name of timm's, which has more than can be listed."""
    found = nearest(name.partition(".")[0], package.list_models())
    return found if "Did you mean" in found else " `timm.list_models()` tells what it has."


def _of_timm(architecture: str, fixed: bool, channels: int, classes: int, size: Size) -> nn.Module:
    more = {"img_size": size} if fixed else {}
    network: nn.Module = import_module("timm").create_model(
        architecture, num_classes=classes, in_chans=channels, **more
    )
    return network


def _of_torchvision(architecture: str, channels: int, classes: int, size: Size) -> nn.Module:
    models = import_module("torchvision").models
    network: nn.Module = models.get_model(architecture, weights=None, num_classes=classes)
    if channels != 3:
        _take_channels(network, channels)
    return network


def _head(network: nn.Module) -> str:
    """The layer with as many outputs as there are classes, `MARK`."""
    layers = dict(network.named_modules()).items()
    return [
        name for name, layer in layers
        if MARK in (getattr(layer, "out_features", 0), getattr(layer, "out_channels", 0))
    ][-1]  # fmt: skip


def _take_channels(network: nn.Module, channels: int) -> None:
    """Give a network first kernels for other numbers of channels."""
    name, first = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    kernel = nn.Conv2d(
        channels, first.out_channels, first.kernel_size, first.stride, first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )  # fmt: skip
    network.set_submodule(name, kernel)


def _fetched(url: str) -> Path:
    """The file at an address of torchvision's, from PyTorch's cache where it is.

    Raises:
        UsageError: it cannot be fetched.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", Path(url).name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = path.stem.rpartition("-")[2]
        try:
            torch.hub.download_url_to_file(url, str(path), digest, progress=False)
        except (OSError, RuntimeError) as error:
            raise UsageError(
                f"The weights at {url} cannot be fetched ({error}): fetch them elsewhere and put "
                f"them at {path}."
            ) from None
    return path
