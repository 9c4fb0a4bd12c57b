"""A network at rest, and examples as it takes them: the subject of every view."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cutaway.data.feed import Normalise
from cutaway.errors import CutawayError, UsageError
from cutaway.see.layers import layers
from cutaway.see.probe import answer, answers

VALUES, LEAST = 1 << 21, 32
"""Numbers in examples that are measured on again and again, and how many examples at least."""
BATCH = 1 << 20
"""Numbers in examples that are answered at once."""


Inputs = Any
"""A network's inputs: mostly a tensor, of examples along its first side, or a `Batch` of them."""
UNCLASSED = "The network is not a classifier."


class CannotShow(CutawayError):
    """A view has nothing to show of this network; the sentence says why."""


@dataclass(frozen=True)
class Examples:
    """Images as the network takes them.

    Attributes:
        t: the class of each; empty where classes are not known.
        normalise: what was done to pixels of 0 to 1.
    """

    x: Inputs
    t: Int[Tensor, " m"]
    names: tuple[str, ...]
    normalise: Normalise

    def __len__(self) -> int:
        return len(self.x)

    @property
    def pictures(self) -> Float[Tensor, "n h w c"]:
        """The examples as pictures, grey or in colour, from 0 to 1."""
        return self.as_pictures(self.x)

    def as_pictures(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n h w c"]:
        """Pictures of values as the network takes them."""
        pixels = self.normalise.undo(x.float().cpu()).clamp(0, 1).movedim(1, -1)
        return pixels[..., : 3 if pixels.shape[-1] >= 3 else 1]

    @property
    def low(self) -> Float[Tensor, "c *one"]:
        """Black, in the units of the network's input; `high` is white."""
        return self._end(0.0)

    @property
    def high(self) -> Float[Tensor, "c *one"]:
        return self._end(1.0)

    def _end(self, value: float) -> Tensor:
        return self.normalise(torch.full_like(self.x[:1], value))[0, :, :1, :1]

    def some(self, count: int) -> "Examples":
        """The first of them."""
        return Examples(self.x[:count], self.t[:count], self.names[:count], self.normalise)


def softmax(outputs: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    return outputs.softmax(1)


@dataclass(frozen=True)
class Specimen:
    """A network and what is needed to look at it.

    Attributes:
        name: what it is called.
        shown: the examples that pictures are of, first the one asked for.
        held: examples that it did not learn from, which measures are taken on.
        learned: some that it learned from; None where they are not at hand.
        classes: their names; none where its outputs are no classes.
        layer: the one asked for; empty for those that suit a view.
        unclassed: why there are no classes, a sentence.
        fresh: gives the network before its training; None where it was not trained here.
        source: what the held examples are, in words.
        probabilities: of a classifier's outputs, as its task gives them.
    """

    name: str
    model: nn.Module
    shown: Examples
    held: Examples
    learned: Examples | None = None
    classes: tuple[str, ...] = ()
    layer: str = ""
    unclassed: str = UNCLASSED
    fresh: Callable[[], nn.Module] | None = None
    source: str = ""
    probabilities: Callable[[Float[Tensor, "n k"]], Float[Tensor, "n k"]] = softmax

    @cached_property
    def sizes(self) -> dict[str, torch.Size]:
        """The shape of each layer call's output for one example, in the order of the calls."""
        return {name: y.shape for name, y in answers(self.model, self.shown.x[:1]).items()}

    @cached_property
    def shapes(self) -> dict[str, torch.Size]:
        """The same without the side of the batch."""
        return {name: size[1:] for name, size in self.sizes.items()}

    @cached_property
    def output(self) -> Float[Tensor, "n k"]:
        """The network's outputs for the shown examples."""
        return self.predict(self.shown.x)

    def batches(self, x: Inputs) -> tuple[Inputs, ...]:
        """Split inputs into parts that fit in memory with all that is computed of them."""
        return tuple(x.split(max(1, min(256, BATCH // max(1, x[:1].numel())))))

    @torch.no_grad()
    def predict(self, x: Inputs) -> Tensor:
        """The network's outputs, computed in batches, in float32 or wider.

        Raises:
            CannotShow: the outputs are not one row for each example.
        """
        outputs = []
        for part in self.batches(x):
            y = answer(self.model, part)
            if not y.ndim or len(y) != len(part):
                raise CannotShow("The network's output does not have a row for each example.")
            outputs.append(y.to(torch.promote_types(y.dtype, torch.float32)))
        return torch.cat(outputs)

    def few(self, count: int) -> Examples:
        """The first `count` held examples; fewer of large ones, for measures that repeat."""
        return self.held.some(min(count, max(LEAST, VALUES // max(1, self.held.x[:1].numel()))))

    def require_classes(self) -> None:
        """Check that the network is a classifier and the classes of its examples are known.

        Raises:
            CannotShow: the network tells none apart, or the examples' classes are not known.
        """
        if not (self.classes and len(self.held.t)):
            raise CannotShow(
                f"This needs a classifier, and examples whose classes are known. {self.unclassed}"
            )

    def require_pictures(self) -> None:
        """Check that the examples are pictures.

        Raises:
            CannotShow: the examples are none, or no numbers between black and white.
        """
        x = self.held.x
        if x.ndim != 4 or not x.is_floating_point():
            raise CannotShow("This needs examples that are pictures (n, channels, height, width).")

    @cached_property
    def spatial_layer(self) -> str:
        """The layer asked for, or the last whose outputs have places and that is called once.

        Raises:
            CannotShow: none has.
        """
        if self.layer:
            return self.layer
        rank = self.shown.x.ndim - 1
        again = {called(name) for name in self.shapes if called(name) != name}
        maps = [n for n, s in self.shapes.items() if len(s) == rank > 1 and max(s[1:]) > 1]
        once = [name for name in maps if called(name) not in again]
        if not once:
            raise CannotShow("This network has no layer whose outputs are maps.")
        return once[-1]

    @cached_property
    def width(self) -> int:
        """The number of units of the spatial layer.

        Raises:
            CannotShow: its outputs have none.
        """
        layer = self.spatial_layer
        shape = self.shapes.get(layer)
        if shape is None:  # a module that holds others
            shape = (
                answers(self.model, self.shown.x[:1], [layer]).get(layer, torch.empty(1)).shape[1:]
            )
        if not shape:
            raise CannotShow(f"The outputs of {layer} have no units.")
        return shape[0]

    @cached_property
    def hidden_layer(self) -> str:
        """The layer asked for, or the last before the outputs.

        Raises:
            CannotShow: there is none.
        """
        if self.layer:
            return self.layer
        before = [called(name) for name in list(self.shapes)[:-1]]
        if not before:
            raise CannotShow("This network has no hidden layer.")
        return before[-1]


def called(call: str) -> str:
    """The layer of a call: `relu` of `relu (2)`."""
    return call.split(" (")[0]


def known(model: nn.Module, layer: str) -> str:
    """The name of one layer, checked.

    Raises:
        UsageError: there is none, or a pattern that names several.
    """
    matches = layers(model, [layer])
    if len(matches) > 1:
        raise UsageError(f"--layer takes one layer, and '{layer}' names {len(matches)}.")
    return next(iter(matches))
