"""Watching a network learn: a scope around anyone's training loop."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from cutaway.errors import UsageError
from cutaway.see.layers import hookable, layers, scripted
from cutaway.see.step_hooks import Glance
from cutaway.see.watched import Fault, Watched, together

KEPT = 1 << 26
"""Bytes of statistics; where they are more, every second step is dropped, and `every` doubles."""

NAMED = 5
"""Layers that are named where more could not be looked at."""
UNSEEN = (
    "No step was seen: the model itself was never called in training mode (`model.train()`) with "
    "gradients. Where its parts are called, call `scope.begin(step)` at each step."
)
COMPILED = "The network is compiled, so only its weights are watched, not its layers."


def watch(model: nn.Module, every: int = 50, only: Sequence[str] = (), most: int = KEPT) -> "Scope":
    """Statistics of a network's layers at some steps of its training.

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
    """What `watch` gives: a context in which a network is watched.

    Args:
        inside: whether layers are looked at, or only weights.

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
    ):
        if every < 1:
            raise UsageError(f"A network is watched at every step (1) or at fewer, not {every}.")
        self.model, self.every, self.most = model, every, most
        compiled = hasattr(model, "_orig_mod") or model._compiled_call_impl is not None
        self.note = COMPILED if compiled or not inside else ""
        if isinstance(model, torch.jit.ScriptModule):
            hookable(model)
        self.layers = {} if self.note else layers(model, only)
        self._shut = {name for name, one in self.layers.items() if scripted(one)}
        self.layers = {n: one for n, one in self.layers.items() if n not in self._shut}
        parameters = model.named_parameters()
        self.parameters = {name.removeprefix("_orig_mod."): p for name, p in parameters}
        self.step = 0
        self._moments: list[Watched] = []
        self._glance: Glance | None = None
        self._unseen: set[str] = set()
        self._root: RemovableHandle | None = None
        self.fault: Fault | None = None

    def __enter__(self) -> "Scope":
        self._root = self.model.register_forward_pre_hook(self._passing)
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
        self._tell(self._shut)
        if not self._moments and not self.note:
            self.note = UNSEEN

    def _passing(self, module: nn.Module, inputs: Any) -> None:
        if module.training and torch.is_grad_enabled():
            self.begin(self.step + 1)

    def begin(self, step: int) -> None:
        """A step begins, and with it the one before has ended.

        Called by hand where a step is not one forward pass of the whole model.
        """
        self.end()
        self.step = step
        if (step - 1) % self.every == 0:
            self._glance = Glance(step, self.layers, self.parameters)

    def end(self) -> None:
        """The step has ended; what was seen of it is kept."""
        if self._glance:
            glance, self._glance = self._glance, None
            seen = glance.closed()
            self.keep(seen)
            self._tell(glance.unseen)
            self.fault = self.fault or seen.fault

    def _tell(self, unseen: set[str]) -> None:
        """Say what could not be looked at."""
        new = sorted(unseen - self._unseen)
        if new:
            self._unseen |= unseen
            names = ", ".join(sorted(self._unseen)[:NAMED])
            why = "their tensors have no plain values"
            why += " or TorchScript hides them" if self._shut else ""
            rest = f" and {len(self._unseen) - NAMED} more" if len(self._unseen) > NAMED else ""
            self.note = f"Not watched, because {why}: {names}{rest}."

    def keep(self, moment: Watched) -> None:
        """One more watched step; where there are too many, every second is let go."""
        self._moments.append(moment)
        if len(self._moments) > 2 and len(self._moments) * moment.nbytes > self.most:
            del self._moments[1::2]
            self.every *= 2

    def remember(self, earlier: Watched, step: int) -> None:
        """Go on from what was seen in the steps up to `step` of a training that was stopped."""
        self._moments = [one for one in earlier.moments() if one.steps[0] <= step]
        self.fault = earlier.fault

    @property
    def watched(self) -> Watched:
        """What was seen so far."""
        return together(self._moments, self.fault)
