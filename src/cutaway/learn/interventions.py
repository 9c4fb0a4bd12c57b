"""What somebody changes in a network while it learns, each change written down with its step.

A run's `interventions.jsonl` holds them, so that a run that goes on, and one that repeats it
(`cutaway train ... --interventions runs/digits-1`), changes the same at the same steps, and ends
with the same bytes. A change is made after as many steps as it says, before the next.

    {"step": 120, "kind": "hold", "layer": "conv1", "unit": 3, "value": 0.0}
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from cutaway.errors import RunError, UsageError
from cutaway.files import read_rows, write_whole
from cutaway.learn.callbacks import Callback

if TYPE_CHECKING:
    from cutaway.learn.training import Training

FILE = "interventions.jsonl"


@dataclass(frozen=True)
class Change:
    """Something that is changed; each kind is a subclass."""

    kind: ClassVar[str]

    def check(self, training: "Training") -> None:
        """Refuse what this training does not have. Raises UsageError."""

    def remember(self, lasting: "Lasting") -> None:
        """Note what it means for all steps that follow."""

    def make(self, training: "Training") -> None:
        """Change what it changes once."""

    def undone(self, training: "Training", lasting: "Lasting") -> "tuple[Change, ...]":
        """The changes that would take it back, as things stand before it."""
        raise NotImplementedError

    def __str__(self) -> str:
        raise NotImplementedError


@dataclass
class Lasting:
    """What changes so far mean for all steps that follow.

    Attributes:
        factor: of the learning rate.
        dropout: its probability; None: that of the recipe.
        held: what a unit of a layer is held at.
    """

    factor: float = 1.0
    dropout: float | None = None
    held: dict[tuple[str, int], float] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.held = {}


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
class Hold(Change):
    """A unit of a layer gives one value, whatever it is shown; None: it learns again.

    Its weights are 0 and its bias is the value, which no step moves. So it leaves with the weights.

    Attributes:
        unit: of a convolution or a normalisation, a channel.
    """

    layer: str
    unit: int
    value: float | None = 0.0
    kind: ClassVar[str] = "hold"

    def check(self, training: "Training") -> None:
        count = units(training.model, self.layer)
        if not 0 <= self.unit < count:
            raise UsageError(f"{self.layer} has units 0 to {count - 1}, and no {self.unit}.")
        rows = unit_rows(training.model, self.layer, self.unit)
        _expect_learning(training, *(f"{self.layer}.{name}" for name in rows))
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
        rows = unit_rows(training.model, self.layer, self.unit)
        return (
            Hold(self.layer, self.unit, None),
            *(
                Weights(f"{self.layer}.{name}", _place(training.model, self, name), _plain(row))
                for name, row in rows.items()
            ),
        )

    def __str__(self) -> str:
        if self.value is None:
            return f"Unit {self.unit} of {self.layer} learned again."
        return f"Unit {self.unit} of {self.layer} was held at {self.value:g}."


@dataclass(frozen=True)
class Weights(Change):
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

    def check(self, training: "Training") -> None:
        p = dict(training.model.named_parameters()).get(self.parameter)
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
        _expect_learning(training, self.parameter)

    def make(self, training: "Training") -> None:
        _set(training, self.parameter, self._at, torch.tensor(self.values))

    def undone(self, training: "Training", lasting: Lasting) -> tuple[Change, ...]:
        p = dict(training.model.named_parameters())[self.parameter]
        return (Weights(self.parameter, self.index, _plain(self._there(p))),)

    @property
    def _at(self) -> tuple[int | slice, ...]:
        return tuple(slice(None) if i == -1 else i for i in self.index)

    def _there(self, p: Tensor) -> Tensor:
        return p.detach()[self._at]

    def __str__(self) -> str:
        count = "A weight" if len(self.values) == 1 else f"{len(self.values)} weights"
        verb = "was" if len(self.values) == 1 else "were"
        return f"{count} of {self.parameter} {verb} set by hand."


KINDS: dict[str, type[Change]] = {one.kind: one for one in (Rate, Dropout, Hold, Weights)}


@dataclass(frozen=True)
class Intervention:
    """A change, and how many steps of the run had been taken."""

    step: int
    change: Change

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step, "kind": self.change.kind, **asdict(self.change)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Intervention":
        """Raises ValueError where it is none."""
        about = dict(content)
        step = about.pop("step", None)
        if not isinstance(step, int) or step < 0:
            raise ValueError("an intervention has a step, a whole number from 0")
        return cls(step, change_of(about))


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
    for field in fields(change):
        value, kind = getattr(change, field.name), str(field.type)
        numbers = value if isinstance(value, tuple) else (value,)
        wanted = str if "str" in kind else int if "int" in kind else (int, float, type(None))
        if isinstance(value, tuple) != ("tuple" in kind) or any(
            isinstance(one, bool) or not isinstance(one, wanted) for one in numbers
        ):
            raise TypeError
        if value is None and "None" not in kind:
            raise TypeError


def read_interventions(path: Path) -> tuple[Intervention, ...]:
    """Those of a file, or of a run.

    Raises:
        UsageError: there are none, or they cannot be read.
    """
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise UsageError(f"{path} holds no {FILE}: nobody reached into that training.")
    try:
        found = [Intervention.from_dict(row) for row in read_rows(file)]
    except (ValueError, RunError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    return tuple(sorted(found, key=lambda one: one.step))


def written(interventions: Iterable[Intervention]) -> str:
    """The lines of a file of them."""
    return "".join(json.dumps(one.to_dict()) + "\n" for one in interventions)


class Interventions(Callback):
    """Makes the changes of a run at their steps, and takes new ones.

    Attributes:
        log: all of them, in their order; of a run that repeats another, also those to come.
        lasting: what those so far mean from here on.
    """

    def __init__(self, path: Path):
        self.path = path / FILE
        self.log = list(read_interventions(path)) if self.path.exists() else []
        self.lasting, self._done = Lasting(), 0
        self._undo: list[tuple[Change, ...]] = []
        self._own: dict[nn.Module, float] = {}

    @property
    def made(self) -> Sequence[Intervention]:
        """Those up to here."""
        return self.log[: self._done]

    @property
    def undoable(self) -> bool:
        """Whether there is one that can be taken back."""
        return bool(self._undo)

    def on_stage_begin(self, training: "Training") -> None:
        """Take up what was changed before; weights were put away with the network."""
        self.lasting, behind = Lasting(), [one for one in self.log if one.step < training.step]
        for one in behind:
            one.change.remember(self.lasting)
        self._done = len(behind)
        self._establish(training)

    def on_step_begin(self, training: "Training") -> None:
        while self._done < len(self.log) and self.log[self._done].step == training.step:
            change = self.log[self._done].change
            change.check(training)
            self._make(training, change)

    def on_step_end(self, training: "Training") -> None:
        if self.lasting.held:
            self._hold(training)

    def add(self, training: "Training", change: Change) -> None:
        """Change something now, between two steps: it is written down, and then made.

        Raises:
            UsageError: this training does not have what is to be changed.
            RunError: it cannot be written down; nothing is changed.
        """
        self._add(training, change)

    def undo(self, training: "Training") -> bool:
        """Take the last change back that was made since the training began or was resumed; False
        where there is none. What was learned in between stays."""
        if not self._undo:
            return False
        taken_back = self._undo.pop()
        for change in taken_back:
            self._add(training, change, again=False)
        return True

    def _add(self, training: "Training", change: Change, again: bool = True) -> None:
        if not training.runtime.team.alone or training.runtime.sharded:
            raise UsageError("A training of several processes takes no changes.")
        change.check(training)
        log = [*self.log]
        log.insert(self._done, Intervention(training.step, change))
        write_whole(self.path, written(log))
        self.log = log
        if again:
            self._undo.append(change.undone(training, self.lasting))
        self._make(training, change)

    def _make(self, training: "Training", change: Change) -> None:
        change.make(training)
        change.remember(self.lasting)
        self._done += 1
        self._establish(training)

    def _establish(self, training: "Training") -> None:
        if not self.log:
            return
        for player_optimizer in training.stage.player_optimizers:
            player_optimizer.factor = self.lasting.factor
        for module in dropouts(training.model):
            own = self._own.setdefault(module, module.p)
            module.p = own if self.lasting.dropout is None else self.lasting.dropout
        self._hold(training)

    @torch.no_grad()
    def _hold(self, training: "Training") -> None:
        for (layer, unit), value in self.lasting.held.items():
            for model in _networks(training):
                for name, row in unit_rows(model, layer, unit).items():
                    row.fill_(value if name == "bias" else 0.0)


def kernel(model: nn.Module, layer: str, unit: int) -> dict[str, Any]:
    """The weights of a unit as plain data, as they can be set: see `Weights`.

    Raises:
        UsageError: there is no such unit.
    """
    count = units(model, layer)
    if not 0 <= unit < count:
        raise UsageError(f"{layer} has units 0 to {count - 1}, and no {unit}.")
    weight = unit_rows(model, layer, unit)["weight"]
    index = _place(model, Hold(layer, unit), "weight")
    return {
        "layer": layer, "unit": unit, "parameter": f"{layer}.weight", "index": list(index),
        "shape": list(weight.shape), "values": list(_plain(weight)),
    }  # fmt: skip


def dropouts(model: nn.Module) -> Iterator[Any]:
    """The layers of dropout in a network."""
    return (one for one in model.modules() if isinstance(one, nn.modules.dropout._DropoutNd))


def units(model: nn.Module, layer: str) -> int:
    """How many units a layer has; raises UsageError where its units cannot be held."""
    module = dict(model.named_modules()).get(layer)
    if module is None:
        raise UsageError(f"This network has no layer {layer}.")
    weight = getattr(module, "weight", None)
    grouped = isinstance(module, Transposed) and module.groups > 1
    if grouped or not (isinstance(module, HELD) and isinstance(weight, Tensor)):
        raise UsageError(
            f"{layer} has no units with weights of their own: choose a convolution, a linear layer "
            "or a normalisation."
        )
    return weight.shape[_axis(module)]


Conv = nn.modules.conv._ConvNd
Transposed = nn.modules.conv._ConvTransposeNd
HELD = (Conv, nn.Linear, nn.modules.batchnorm._NormBase, nn.GroupNorm)
"""Layers whose units can be held."""


def _axis(module: nn.Module) -> int:
    """The axis of a weight along which its units lie."""
    return 1 if isinstance(module, Transposed) else 0


def unit_rows(model: nn.Module, layer: str, unit: int) -> dict[str, Tensor]:
    """The weight and the bias of a unit, as views."""
    module = model.get_submodule(layer)
    weight, bias = module.weight, getattr(module, "bias", None)
    rows = {"weight": weight.detach().select(_axis(module), unit)}  # type: ignore[operator]
    return rows if bias is None else rows | {"bias": bias.detach()[unit]}  # type: ignore[index]


def _place(model: nn.Module, hold: Hold, name: str) -> tuple[int, ...]:
    axis = _axis(model.get_submodule(hold.layer)) if name == "weight" else 0
    return (*[-1] * axis, hold.unit)


def _plain(values: Tensor) -> tuple[float, ...]:
    return tuple(values.flatten().tolist())


def _networks(training: "Training") -> Sequence[nn.Module]:
    """What learns, and its moving average."""
    average = training.stage.average
    return [training.model] if average is None else [training.model, average.module]


@torch.no_grad()
def _set(training: "Training", name: str, at: tuple[int | slice, ...], values: Tensor) -> None:
    p = dict(training.model.named_parameters())[name]
    there = p.detach()[at]
    there.copy_(values.view(there.shape))


def _expect_learning(training: "Training", *names: str) -> None:
    """Refuse weights that do not learn now: what they give may have been computed once for all."""
    parameters = dict(training.model.named_parameters())
    if still := [name for name in names if not parameters[name].requires_grad]:
        raise UsageError(f"{still[0]} does not learn in this stage, and cannot be changed in it.")
