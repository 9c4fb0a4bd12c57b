"""The kinds of changes that somebody can make in a network while it learns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.learn.interventions.lasting import Lasting
from cutaway.learn.interventions.units import as_they_are, dropouts, plain, unit_rows, units

if TYPE_CHECKING:
    from cutaway.learn.training import Training


@dataclass(frozen=True)
class Change:
    """Something that is changed; each kind is a subclass."""

    kind: ClassVar[str]

    def check(self, training: "Training") -> None:
        """Refuse what this training does not have. Raises UsageError."""

    def remember(self, lasting: Lasting) -> None:
        """Note what it means for all steps that follow."""

    def make(self, training: "Training") -> None:
        """Change what it changes once."""

    def undone(self, training: "Training", lasting: Lasting) -> "tuple[Change, ...]":
        """The changes that would take it back, as things stand before it."""
        raise NotImplementedError

    def taken_back(self) -> str:
        """It in words, where it takes another back."""
        text = str(self)
        return f"Taken back: {text[:1].lower()}{text[1:]}"

    def __str__(self) -> str:
        raise NotImplementedError


class OfWeights(Change):
    """A change of weights, which a network that stands still can have, too."""

    def expect(self, model: nn.Module) -> None:
        """Refuse what this network does not have. Raises UsageError."""
        raise NotImplementedError

    def set_in(self, model: nn.Module) -> None:
        """Set what it sets once."""

    def check(self, training: "Training") -> None:
        self.expect(training.model)

    def make(self, training: "Training") -> None:
        self.set_in(training.model)


@dataclass(frozen=True)
class Rate(Change):
    """The learning rate is so many times that of the recipe from here on."""

    factor: float
    kind: ClassVar[str] = "rate"

    def check(self, training: "Training") -> None:
        if not (math.isfinite(self.factor) and self.factor >= 0):
            raise UsageError(
                f"The learning rate is multiplied by a number from 0, not {self.factor}."
            )

    def remember(self, lasting: Lasting) -> None:
        lasting.factor = self.factor

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        return (Rate(lasting.factor),)

    def __str__(self) -> str:
        if self.factor == 1:
            return "The learning rate became that of the recipe again."
        return f"The learning rate became {self.factor:g} times that of the recipe."


@dataclass(frozen=True)
class Dropout(Change):
    """Dropout has this probability from here on; None: that of the recipe."""

    p: float | None
    kind: ClassVar[str] = "dropout"

    def check(self, training: "Training") -> None:
        if self.p is not None and not 0 <= self.p < 1:
            raise UsageError(f"Dropout is a probability from 0 and below 1, not {self.p}.")
        if not list(dropouts(training.model)):
            raise UsageError("This network has no dropout.")

    def remember(self, lasting: Lasting) -> None:
        lasting.dropout = self.p

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        return (Dropout(lasting.dropout),)

    def __str__(self) -> str:
        return "Dropout became " + (
            "that of the recipe again." if self.p is None else f"{self.p:g}."
        )


@dataclass(frozen=True)
class Images(Change):
    """Each step learns from so many images of its batch from here on; None: from all."""

    count: int | None
    kind: ClassVar[str] = "images"

    def check(self, training: "Training") -> None:
        size = training.stage.recipe.batch_size
        if self.count is not None and not 2 <= self.count <= size:
            raise UsageError(f"A step learns from 2 to {size} images, not {self.count}.")
        if not divisible(training):
            raise UsageError("The batches of this training cannot be made smaller.")

    def remember(self, lasting: Lasting) -> None:
        lasting.images = self.count

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        return (Images(lasting.images),)

    def __str__(self) -> str:
        if self.count is None:
            return "Each step learned from its whole batch again."
        return f"Each step learned from {self.count} images of its batch."


def divisible(training: "Training") -> bool:
    """Whether a part of a batch is a smaller batch, and this process has all of it."""
    task = training.stage.task
    return not (task.single or task.partly) and training.runtime.team.alone


@dataclass(frozen=True)
class Hold(OfWeights):
    """A unit of a layer gives one value, whatever it is shown; None: it learns again.

    Its weights are 0 and its bias is the value, which no step moves. So it leaves with the weights.

    Attributes:
        unit: of a convolution or a normalisation, a channel.
    """

    layer: str
    unit: int
    value: float | None = 0.0
    kind: ClassVar[str] = "hold"

    def expect(self, model: nn.Module) -> None:
        count = units(model, self.layer)
        if not 0 <= self.unit < count:
            raise UsageError(f"{self.layer} has units 0 to {count - 1}, and no {self.unit}.")
        rows = unit_rows(model, self.layer, self.unit)
        _expect_learning(model, *(f"{self.layer}.{name}" for name in rows))
        if self.value is not None and not math.isfinite(self.value):
            raise UsageError(f"A unit is held at a finite number, not {self.value}.")
        if self.value and "bias" not in rows:
            raise UsageError(f"{self.layer} has no bias: its units can be held at 0 alone.")

    def remember(self, lasting: Lasting) -> None:
        if self.value is None:
            lasting.held.pop((self.layer, self.unit), None)
        else:
            lasting.held[self.layer, self.unit] = self.value

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        before = lasting.held.get((self.layer, self.unit))
        if before is not None or self.value is None:
            return (Hold(self.layer, self.unit, before),)
        before_it = as_they_are(training.model, self.layer, self.unit)
        return Hold(self.layer, self.unit, None), *(Weights(*one) for one in before_it)

    def __str__(self) -> str:
        if self.value is None:
            return f"Unit {self.unit} of {self.layer} learned again."
        return f"Unit {self.unit} of {self.layer} was held at {self.value:g}."


@dataclass(frozen=True)
class Weights(OfWeights):
    """Some weights are set, and learn on from there.

    Attributes:
        parameter: its name.
        index: a position along each of its first axes; -1: all of that axis.
        values: of all that lies there, in its order.
    """

    parameter: str
    index: tuple[int, ...]
    values: tuple[float, ...]
    kind: ClassVar[str] = "weights"

    def expect(self, model: nn.Module) -> None:
        p = dict(model.named_parameters()).get(self.parameter)
        if p is None:
            raise UsageError(f"This network has no parameter {self.parameter}.")
        sizes = zip(self.index, p.shape, strict=False)
        if len(self.index) > p.ndim or not all(-1 <= i < size for i, size in sizes):
            raise UsageError(
                f"{self.parameter} has the shape {tuple(p.shape)}, and no place {self.index}."
            )
        if (count := self._there(p).numel()) != len(self.values):
            raise UsageError(
                f"{count} weights lie at {self.parameter}{list(self.index)}, and "
                f"{len(self.values)} values were given."
            )
        if not all(map(math.isfinite, self.values)):
            raise UsageError("Weights are finite numbers.")
        _expect_learning(model, self.parameter)

    @torch.no_grad()
    def set_in(self, model: nn.Module) -> None:
        there = model.get_parameter(self.parameter).detach()[self._at]
        there.copy_(torch.tensor(self.values).view(there.shape))

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        p = dict(training.model.named_parameters())[self.parameter]
        return (Weights(self.parameter, self.index, plain(self._there(p))),)

    @property
    def _at(self) -> tuple[int | slice, ...]:
        return tuple(slice(None) if i == -1 else i for i in self.index)

    def _there(self, p: Tensor) -> Tensor:
        return p.detach()[self._at]

    def taken_back(self) -> str:
        return super().taken_back().replace("set by hand", "set as before")

    def __str__(self) -> str:
        count = "A weight" if len(self.values) == 1 else f"{len(self.values)} weights"
        verb = "was" if len(self.values) == 1 else "were"
        return f"{count} of {self.parameter} {verb} set by hand."


def _expect_learning(model: nn.Module, *names: str) -> None:
    """Refuse weights that do not learn now: what they give may have been computed once for all."""
    parameters = dict(model.named_parameters())
    if still := [name for name in names if not parameters[name].requires_grad]:
        raise UsageError(f"{still[0]} does not learn in this stage, and cannot be changed in it.")


KINDS: dict[str, type[Change]] = {one.kind: one for one in (Rate, Dropout, Images, Hold, Weights)}


def change_of(content: Mapping[str, Any]) -> Change:
    """The change that plain data say; raises UsageError where they say none."""
    about = dict(content)
    kind = KINDS.get(str(about.pop("kind", "")))
    if kind is None:
        raise UsageError(f"A change is one of {', '.join(KINDS)}.")
    try:
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in about.items()}
        change = kind(**values)
        _expect_types(change)
    except TypeError:
        wanted = ", ".join(one.name for one in fields(kind))
        raise UsageError(f"The change '{kind.kind}' is told by: {wanted}.") from None
    return change


def _expect_types(change: Change) -> None:
    """Raises TypeError where a field is of another type."""
    for spec in fields(change):
        value, kind = getattr(change, spec.name), str(spec.type)
        if value is None and "None" in kind:
            continue
        numbers = value if isinstance(value, tuple) else (value,)
        wanted = str if "str" in kind else int if "int" in kind else (int, float)
        plain_ones = all(isinstance(one, wanted) and not isinstance(one, bool) for one in numbers)
        if isinstance(value, tuple) != ("tuple" in kind) or not plain_ones:
            raise TypeError
