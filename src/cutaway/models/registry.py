"""Which models there are, and how one is built for a data set."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from cutaway.errors import UsageError, nearest

Builder = Callable[..., nn.Module]


@dataclass(frozen=True)
class Model:
    """A registered model.

    Attributes:
        build: called with channels, classes, image_size (pixels) and the model's own options.
        title: one line for a table.
        source: paper or text, with section.
        data: the data set that it is tried on first.
        example: (channels, classes, image_size) as in the source.
        parameters: how many the source counts for `example`; None where it gives no number.
    """

    name: str
    build: Builder
    title: str
    source: str
    data: str
    example: tuple[int, int, int]
    parameters: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The model's own options with their defaults."""
        found = list(inspect.signature(self.build).parameters.values())[3:]
        return {parameter.name: parameter.default for parameter in found}


MODELS: dict[str, Model] = {}


def register(name: str, **about: Any) -> Callable[[Builder], Builder]:
    """Enter a builder in the registry; `about` are the other fields of `Model`."""

    def enter(builder: Builder) -> Builder:
        assert name not in MODELS, name
        MODELS[name] = Model(name, builder, **about)
        return builder

    return enter


def find(name: str) -> Model:
    """The registered model called `name`.

    Raises:
        UsageError: there is none; the nearest name is offered.
    """
    if name not in MODELS:
        raise UsageError(f"There is no model '{name}'.{nearest(name, MODELS)}")
    return MODELS[name]


def build(
    name: str, channels: int, classes: int, image_size: int, options: Mapping[str, Any] = {}
) -> nn.Module:
    """A new network.

    Args:
        channels: of an image (1 grey, 3 colour).
        classes: how many outputs.
        image_size: side of the square images in pixels.
        options: the model's own, see `Model.options`.

    Raises:
        UsageError: an unknown model or option, or a size that the model cannot take.
    """
    model = find(name)
    for option in options:
        if option not in model.options:
            hint = nearest(option, model.options) if model.options else ""
            raise UsageError(f"The model '{name}' has no option '{option}'.{hint}")
    return model.build(channels, classes, image_size, **options)


def count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def require_size(name: str, image_size: int, least: int) -> None:
    """Refuse images that would vanish on their way through the network."""
    if image_size < least:
        raise UsageError(
            f"{name} needs images of at least {least} x {least} pixels, and these are "
            f"{image_size} x {image_size}: enlarge them with --image-size {least}."
        )
