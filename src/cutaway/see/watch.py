"""Watch a network learn: a context manager around any training loop."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from cutaway.errors import UsageError
from cutaway.see.layers import check_hookable, is_scripted, layers
from cutaway.see.step_hooks import StepHooks
from cutaway.see.watched import Fault, Watched, concatenate

KEPT = 1 << 26
"""Bytes of statistics; where they are more, every second step is dropped, and `every` doubles."""

MAX_NAMES = 5
"""Number of layers that are named where more could not be recorded."""
UNSEEN = (
    "No step was seen: the model itself was never called in training mode (`model.train()`) with "
    "gradients. Where its parts are called, call `scope.begin(step)` at each step."
)
COMPILED = "The network is compiled, so only its weights are watched, not its layers."


def watch(model: nn.Module, every: int = 50, only: Sequence[str] = (), most: int = KEPT) -> "Scope":
    """Record statistics of a network's layers at some steps of its training.

        with ca.watch(model, every=50) as scope:
            train(model)
        print(scope.watched.ratio)

    A step is what happens from one forward pass of the model in training mode to the next. In the
    steps between the watched ones nothing is hooked but the model itself. The model's outputs, its
    gradients and the random stream are those of an unwatched training, to the bit. What is not
    differentiated (validation, what is computed without gradients) is not looked at.

    Args:
        every: steps from one that is watched to the next.
        only: names or patterns of layers (`conv1`, `stages.*.norm`).
        most: bytes of statistics that are kept.

    Raises:
        UsageError: no such layer, `every` below 1, or a network of TorchScript.
    """
    return Scope(model, every, only, most)


class Scope:
    """The context manager that `watch` returns.

    Args:
        inside: whether layers are looked at, or only weights.
        late: whether gradients are complete only at the end of a step.

    Attributes:
        every: as asked for, doubled each time that memory was full.
        note: what cannot be seen, a sentence; empty where all can.
        fault: the first number that was not finite, if there was one.
    """

    def __init__(
        self,
        model: nn.Module,
        every: int = 50,
        only: Sequence[str] = (),
        most: int = KEPT,
        inside: bool = True,
        late: bool = False,
    ):
        if every < 1:
            raise UsageError(f"A network is watched at every step (1) or at fewer, not {every}.")
        self.model, self.every, self.most, self.late = model, every, most, late
        compiled = hasattr(model, "_orig_mod") or model._compiled_call_impl is not None
        self.note = COMPILED if compiled or not inside else ""
        if isinstance(model, torch.jit.ScriptModule):
            check_hookable(model)
        self.layers = {} if self.note else layers(model, only)
        self._scripted = {name for name, one in self.layers.items() if is_scripted(one)}
        self.layers = {n: one for n, one in self.layers.items() if n not in self._scripted}
        parameters = model.named_parameters()
        self.parameters = {name.removeprefix("_orig_mod."): p for name, p in parameters}
        self.step = 0
        self._moments: list[Watched] = []
        self._hooks: StepHooks | None = None
        self._unseen: set[str] = set()
        self._root: RemovableHandle | None = None
        self.fault: Fault | None = None

    def __enter__(self) -> "Scope":
        self._root = self.model.register_forward_pre_hook(self._on_forward)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._root:
            self._root.remove()
        self.end()
        self._note_unseen(self._scripted)
        if not self._moments and not self.note:
            self.note = UNSEEN

    def _on_forward(self, module: nn.Module, inputs: Any) -> None:
        if module.training and torch.is_grad_enabled():
            self.begin(self.step + 1)

    def begin(self, step: int) -> None:
        """Begin a step, and end the one before.

        Called by hand where a step is not one forward pass of the whole model.
        """
        self.end()
        self.step = step
        if (step - 1) % self.every == 0:
            self._hooks = StepHooks(step, self.layers, self.parameters, self.late)

    def end(self) -> None:
        """End the step and keep its statistics."""
        if self._hooks:
            hooks, self._hooks = self._hooks, None
            watched = hooks.close()
            self.keep(watched)
            self._note_unseen(hooks.unseen)
            self.fault = self.fault or watched.fault

    def _note_unseen(self, unseen: set[str]) -> None:
        """Note the layers that could not be recorded."""
        new = sorted(unseen - self._unseen)
        if new:
            self._unseen |= unseen
            names = ", ".join(sorted(self._unseen)[:MAX_NAMES])
            reason = "their tensors have no plain values"
            reason += " or TorchScript hides them" if self._scripted else ""
            count = len(self._unseen) - MAX_NAMES
            rest = f" and {count} more" if count > 0 else ""
            self.note = f"Not watched, because {reason}: {names}{rest}."

    def keep(self, moment: Watched) -> None:
        """Keep one more step; where there are too many, every second is dropped."""
        self._moments.append(moment)
        if len(self._moments) > 2 and len(self._moments) * moment.nbytes > self.most:
            del self._moments[1::2]
            self.every *= 2

    def remember(self, earlier: Watched, step: int) -> None:
        """Continue from the steps up to `step` of a training that was stopped."""
        self._moments = [one for one in earlier.moments() if one.steps[0] <= step]
        self.fault = earlier.fault

    @property
    def watched(self) -> Watched:
        """The statistics so far."""
        return concatenate(self._moments, self.fault)
