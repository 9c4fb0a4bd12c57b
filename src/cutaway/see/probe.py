"""Being told what layers answer, for the length of a block."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from cutaway.arithmetic import exact
from cutaway.errors import UsageError
from cutaway.see.batch import Batch
from cutaway.see.layers import exchanged, hookable, layers, tensors

Note = Callable[[str, nn.Module, Tensor], None]
"""Told the name of a call, the layer and what it answered; a copy of it is the note's to make,
for what comes next may work in place."""
SCORES = ("logits", "out")
"""Names of what counts where a model answers with several tensors; else the first counts."""


class Calls:
    """Names for the calls of layers: `relu`, and where it is called again, `relu (2)`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def next(self, layer: str) -> tuple[str, int]:
        """The name of the next call, and its number."""
        self._counts[layer] += 1
        count = self._counts[layer]
        return (layer if count == 1 else f"{layer} ({count})"), count


def answer(model: nn.Module, x: Any) -> Tensor:
    """What a model answers to a batch: one tensor, of several its logits, or else the first.

    The model is given a copy of the batch, for it may work in place.

    Args:
        x: a tensor; a tuple or list of what it takes in order, or a mapping of what it takes by
            name.

    Raises:
        UsageError: an answer without a tensor.
    """
    found = scored(asked(model, x))
    if found is None:
        raise UsageError(f"{type(model).__name__} does not return a tensor of real numbers.")
    return found


def asked(model: nn.Module, x: Any) -> Any:
    """What a model gives back for a copy of a batch, as it gives it back."""
    return called(model, copied(x))


def called(model: nn.Module, x: Any) -> Any:
    """The model on a tensor, on several in order or by name."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, tuple | list) else model(x)


def copied(x: Any) -> Any:
    """Tensors of one's own, in the graph of the others; a batch as what the model takes."""
    if isinstance(x, Batch):
        x = x.parts
    if isinstance(x, Mapping):
        return {name: copied(one) for name, one in x.items()}
    if isinstance(x, tuple | list):
        return tuple(map(copied, x))
    return x.clone() if isinstance(x, Tensor) else x


def scored(output: Any) -> Tensor | None:
    """The one tensor of an answer that counts; None where there is none."""
    if isinstance(output, Tensor):
        return output
    for name in SCORES:
        held = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(held, Tensor):
            return held
    return next(tensors(output), None)


@contextmanager
def probing(chosen: Mapping[str, nn.Module], note: Note) -> Iterator[None]:
    """Inside, every call of the chosen layers is noted; afterwards no hook is left."""
    for one in chosen.values():
        hookable(one)
    calls = Calls()

    def look(layer: str, module: nn.Module, inputs: Any, output: Any) -> None:
        for x in tensors(output):
            note(calls.next(layer)[0], module, x)

    handles = [one.register_forward_hook(partial(look, name)) for name, one in chosen.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Last:
    """What a layer answered last, of several tensors the first.

    Attributes:
        layer: its name.
    """

    layer: str
    _value: Tensor | None = None
    _edge: GradientEdge | None = None

    @property
    def value(self) -> Tensor:
        """As it was then, with its graph.

        Raises:
            UsageError: the layer was not called.
        """
        if self._value is None:
            raise UsageError(
                f"'{self.layer}' was not called, or did not return a tensor: the network does not "
                "use it, or runs where its layers cannot be seen (as those of TorchScript)."
            )
        return self._value

    def gradient(self, score: Float[Tensor, ""]) -> Tensor:
        """Of a score by the layer's answer, whatever was done to that afterwards in place.

        Raises:
            UsageError: the score does not depend on it, or cannot be differentiated.
        """
        value = self.value
        if self._edge is None or not score.requires_grad:
            raise UsageError(f"No gradient reaches '{self.layer}'.")
        (found,) = torch.autograd.grad(score, [self._edge], allow_unused=True)
        return torch.zeros_like(value) if found is None else found

    def hear(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """A forward hook. What is seen through another tensor loses its place in the graph when
        it is changed, so a copy of that goes on."""
        y = next(tensors(output), None)
        if y is None:
            return None
        self._value, self._edge = y.clone(), None
        if not y.requires_grad:
            return None
        z = y.clone() if y._is_view() else y
        self._edge = get_gradient_edge(z)
        return None if z is y else exchanged(output, y, z)


@contextmanager
def last_answer(model: nn.Module, layer: str) -> Iterator[Last]:
    """Inside, what a layer answered last is known; the model is at rest.

    Raises:
        UsageError: no such layer.
    """
    hookable(model)
    last = Last(layer)
    handles = [m.register_forward_hook(last.hear) for m in layers(model, [layer]).values()]
    try:
        with resting(model):
            yield last
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """The model as it answers: no dropout, no batch statistics, and float32 that is not rounded.

    What is compiled runs as it was written. Afterwards each module is as it was.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with recorded(), eager(model), exact():
            yield
    finally:
        for module, training in modes:
            module.training = training


def recorded() -> AbstractContextManager[Any]:
    """Inside, gradients are possible also where the caller is in inference mode."""
    if not torch.is_inference_mode_enabled():
        return nullcontext()
    stack, wanted = ExitStack(), torch.is_grad_enabled()
    stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.set_grad_enabled(wanted))  # which the line before has turned on
    return stack


def leaf(x: Tensor) -> Tensor:
    """A copy that gradients come back to.

    Raises:
        UsageError: whole numbers, which have none.
    """
    if not x.is_floating_point():
        raise UsageError("Inputs that are whole numbers have no gradients.")
    return x.detach().clone().requires_grad_()


def slope(score: Float[Tensor, ""], x: Tensor) -> Tensor:
    """The gradient of a score by the input that it was computed from.

    Raises:
        UsageError: the network cuts it off.
    """
    if score.requires_grad:
        (found,) = torch.autograd.grad(score, x, allow_unused=True)
        if found is not None:
            return found
    raise UsageError(
        "No gradient reaches the input: somewhere on its way the network detaches it, or "
        "computes outside of PyTorch."
    )


def eager(model: nn.Module) -> AbstractContextManager[Any]:
    """Inside, what is compiled runs as it was written, so that its layers can be seen."""
    compiled = any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in model.modules())
    # Asked for only where it is needed: the compiler takes seconds to import.
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def answers(model: nn.Module, x: Any, only: Sequence[str] = ()) -> dict[str, Float[Tensor, "..."]]:
    """What each layer answers to a batch, in the order of the calls; the model is at rest.

    Args:
        x: as `answer` takes it.
        only: names or patterns of layers; by default all that compute something.

    Raises:
        UsageError: no such layer.
    """
    found: dict[str, Tensor] = {}

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        found[name] = y.clone()

    with torch.no_grad(), resting(model), probing(layers(model, only), note):
        asked(model, x)
    return found
