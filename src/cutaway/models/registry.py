"""The registry of models."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from cutaway.errors import UsageError, nearest

Builder = Callable[..., nn.Module]
Naming = Callable[[str], str]
"""Gives the name that a file uses for a parameter or buffer of ours."""
Size = tuple[int, ...]
"""The grid of an example: (height, width), (length,) of a signal, (frames, height, width)."""


@dataclass(frozen=True)
class Weights:
    """Published weights of a model.

    Attributes:
        find: gives the file, of any format; UsageError where it is not at hand.
        names: those that the file uses.
        mean, std: what they were learned with, a channel at a time, for pixels in 0..1.
        size: side in pixels of the images that they were learned from.
    """

    find: Callable[[], Path]
    names: Naming
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int


@dataclass(frozen=True)
class Counterpart:
    """The same network in another library, whose weights fit ours.

    Attributes:
        library: torchvision or timm.
        model: that library's name of the network.
        names: those that its files use.
        tag: names weights of it on the Hugging Face hub.
        also: other names of that library for it, as an option of ours changes it.
        eps: what its normalisations add to a variance, where ours add something else.
    """

    library: str
    model: str
    names: Naming
    tag: str = ""
    also: tuple[str, ...] = ()
    eps: float | None = None

    @property
    def hub(self) -> str:
        """The repository of the Hugging Face hub with the weights of its tag."""
        return f"{self.library}/{self.model}.{self.tag}"


@dataclass(frozen=True)
class Model:
    """A registered model.

    Attributes:
        build: called with channels, classes, size (see `Size`) and the model's own options.
        title: one line for a table.
        source: paper or text, with section.
        data: the data set that it is tried on first.
        example: (channels, classes, size) as in the source; a whole number is a square's side.
        parameters: how many the source counts for `example`; None where it gives no number.
        rank: axes of an example's grid: 1 for signals, 2 for images, 3 for videos; 0 for any.
        min_size: smallest side of an image in pixels.
        task: what its outputs mean, a name of `learn.tasks`.
        head: the module that gives the answers, which is new where a pre-trained network meets
            other classes; the rest is the backbone.
        counterparts: the same network in other libraries.
        weights: the file that is at hand without being named; None where there is none.
    """

    name: str
    build: Builder
    title: str
    source: str
    data: str
    example: tuple[int, int, int | Size]
    parameters: int | None = None
    rank: int = 2
    min_size: int = 1
    task: str = "classify"
    head: str = "output"
    counterparts: tuple[Counterpart, ...] = ()
    weights: Weights | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The model's own options with their defaults."""
        parameters = list(inspect.signature(self.build).parameters.values())[3:]
        return {parameter.name: parameter.default for parameter in parameters}

    @property
    def hub(self) -> str:
        """The weights of it on the Hugging Face hub, `owner/name`; nothing where none are known."""
        return next((one.hub for one in self.counterparts if one.tag), "")


MODELS: dict[str, Model] = {}


def register(name: str, **about: Any) -> Callable[[Builder], Builder]:
    """Register a builder; `about` are the other fields of `Model`."""

    def enter(builder: Builder) -> Builder:
        assert name not in MODELS, name
        MODELS[name] = Model(name, builder, **about)
        return builder

    return enter


Library = Callable[[str], Model]
LIBRARIES: dict[str, Library] = {}
"""Other libraries by name, each of which finds a model of its own by its name there."""


def library(find_there: Library) -> Library:
    """Register a library under its function's name: `timm/resnet18` asks `timm` for `resnet18`."""
    LIBRARIES[find_there.__name__] = find_there
    return find_there


def is_model(name: str) -> bool:
    """Whether a name is that of a registered model, or says which library has it."""
    return name in MODELS or ("/" in name and name.partition("/")[0] in LIBRARIES)


def find(name: str) -> Model:
    """The registered model called `name`, or that of another library: `timm/resnet18.a1_in1k`.

    Raises:
        UsageError: there is none, with the nearest name; or its library is not installed.
    """
    if "/" in name and is_model(name):
        where, _, there = name.partition("/")
        return LIBRARIES[where](there)
    if name not in MODELS:
        raise UsageError(f"There is no model '{name}'.{nearest(name, MODELS)}")
    return MODELS[name]


def build(
    name: str, channels: int, classes: int, size: int | Size, options: Mapping[str, Any] = {}
) -> nn.Module:
    """Build a new network.

    Args:
        channels: of an image (1 grey, 3 colour).
        classes: how many outputs.
        size: of the images; a whole number is a square's side in pixels.
        options: the model's own, see `Model.options`.

    Raises:
        UsageError: an unknown model or option, or a size that the model cannot take.
    """
    model = find(name)
    for option in options:
        if option not in model.options:
            hint = nearest(option, model.options) if model.options else ""
            raise UsageError(f"The model '{name}' has no option '{option}'.{hint}")
    size = (size, size) if isinstance(size, int) else tuple(size)
    _check_size(model, size)
    return model.build(channels, classes, size, **options)


def count(module: nn.Module, held: bool = False) -> int:
    """Number of trainable parameters; `held`: with those that are held fixed."""
    return sum(p.numel() for p in module.parameters() if held or p.requires_grad)


def _check_size(model: Model, size: Size) -> None:
    """Refuse examples of another rank, and images that are too small for the model."""
    if model.rank and len(size) != model.rank:
        kinds = {1: "signals", 2: "images", 3: "videos"}
        raise UsageError(
            f"{model.name} takes {kinds[model.rank]}, these are "
            f"{kinds.get(len(size), 'no such')}: `cutaway models` shows what each network takes."
        )
    if min(size[-2:]) < model.min_size:
        shape, smallest = " x ".join(map(str, size)), f"{model.min_size} x {model.min_size}"
        raise UsageError(
            f"{model.name} needs images of at least {smallest} pixels, and these are {shape}: "
            f"enlarge them with --image-size {model.min_size}."
        )
