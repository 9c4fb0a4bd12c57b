"""Hooks on layers and access to their outputs, for the length of a block."""

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
from cutaway.see.layers import check_hookable, layers, tensors, with_replaced

Note = Callable[[str, nn.Module, Tensor], None]
"""Called with the name of a call, the layer and its output. It must copy what it keeps, since later
layers may work in place."""
SCORES = ("logits", "out")
"""Names of the scores where a model returns several tensors; else the first counts."""


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
    """A model's output for a batch: one tensor, of several its logits, or else the first.

    The model is given a copy of the batch, for it may work in place.

    Args:
        x: a tensor; a tuple or list of what it takes in order, or a mapping of what it takes by
            name.

    Raises:
        UsageError: an answer without a tensor.
    """
    scores = scores_of(call_on_copy(model, x))
    if scores is None:
        raise UsageError(f"{type(model).__name__} does not return a tensor of real numbers.")
    return scores


def call_on_copy(model: nn.Module, x: Any) -> Any:
    """Call a model on a copy of a batch; return its output unchanged."""
    return call_model(model, copy_inputs(x))


def call_model(model: nn.Module, x: Any) -> Any:
    """Call a model on a tensor, or on several in order or by name."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, tuple | list) else model(x)


def copy_inputs(x: Any) -> Any:
    """Copies of the tensors, in the graph of the originals; a batch as the model takes it."""
    if isinstance(x, Batch):
        x = x.parts
    if isinstance(x, Mapping):
        return {name: copy_inputs(one) for name, one in x.items()}
    if isinstance(x, tuple | list):
        return tuple(map(copy_inputs, x))
    return x.clone() if isinstance(x, Tensor) else x


def scores_of(output: Any) -> Tensor | None:
    """The tensor of scores in an output; None where there is none."""
    if isinstance(output, Tensor):
        return output
    for name in SCORES:
        value = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(value, Tensor):
            return value
    return next(tensors(output), None)


@contextmanager
def hooked(layers: Mapping[str, nn.Module], note: Note) -> Iterator[None]:
    """Call `note` for every call of the layers; all hooks are removed afterwards."""
    for one in layers.values():
        check_hookable(one)
    calls = Calls()

    def note_output(layer: str, module: nn.Module, inputs: Any, output: Any) -> None:
        for x in tensors(output):
            note(calls.next(layer)[0], module, x)

    handles = [
        one.register_forward_hook(partial(note_output, name)) for name, one in layers.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Last:
    """The last output of a layer, of several tensors the first.

    Attributes:
        layer: its name.
    """

    layer: str
    _value: Tensor | None = None
    _edge: GradientEdge | None = None

    @property
    def value(self) -> Tensor:
        """The output as it was then, with its graph.

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
        """The gradient of a score by the layer's output, whatever was done to that afterwards in
        place.

        Raises:
            UsageError: the score does not depend on it, or cannot be differentiated.
        """
        value = self.value
        if self._edge is None or not score.requires_grad:
            raise UsageError(f"No gradient reaches '{self.layer}'.")
        (gradient,) = torch.autograd.grad(score, [self._edge], allow_unused=True)
        return torch.zeros_like(value) if gradient is None else gradient

    def record_output(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """A forward hook. A view loses its place in the graph when it is changed, so a copy of it
        goes on."""
        y = next(tensors(output), None)
        if y is None:
            return None
        self._value, self._edge = y.clone(), None
        if not y.requires_grad:
            return None
        z = y.clone() if y._is_view() else y
        self._edge = get_gradient_edge(z)
        return None if z is y else with_replaced(output, y, z)


@contextmanager
def last_answer(model: nn.Module, layer: str) -> Iterator[Last]:
    """Record the last output of a layer; the model is in evaluation mode.

    Raises:
        UsageError: no such layer.
    """
    check_hookable(model)
    last = Last(layer)
    handles = [m.register_forward_hook(last.record_output) for m in layers(model, [layer]).values()]
    try:
        with resting(model):
            yield last
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """Evaluation mode: no dropout, no batch statistics, and float32 that is not rounded.

    What is compiled runs as it was written. Afterwards each module is as it was.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with grad_enabled(), eager(model), exact():
            yield
    finally:
        for module, training in modes:
            module.training = training


def grad_enabled() -> AbstractContextManager[Any]:
    """Enable gradients, also where the caller is in inference mode."""
    if not torch.is_inference_mode_enabled():
        return nullcontext()
    stack, previous = ExitStack(), torch.is_grad_enabled()
    stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.set_grad_enabled(previous))  # which the line before has turned on
    return stack


def leaf(x: Tensor) -> Tensor:
    """A copy that receives gradients.

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
        (gradient,) = torch.autograd.grad(score, x, allow_unused=True)
        if gradient is not None:
            return gradient
    raise UsageError(
        "No gradient reaches the input: somewhere on its way the network detaches it, or "
        "computes outside of PyTorch."
    )


def eager(model: nn.Module) -> AbstractContextManager[Any]:
    """Run compiled code eagerly, so that its layers can be hooked."""
    compiled = any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in model.modules())
    # Asked for only where it is needed: the compiler takes seconds to import.
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def answers(model: nn.Module, x: Any, only: Sequence[str] = ()) -> dict[str, Float[Tensor, "..."]]:
    """Outputs of each layer for a batch, in the order of the calls; the model is in evaluation
    mode.

    Args:
        x: as `answer` takes it.
        only: names or patterns of layers; by default all that compute something.

    Raises:
        UsageError: no such layer.
    """
    activations: dict[str, Tensor] = {}

    def note(name: str, module: nn.Module, y: Tensor) -> None:
        activations[name] = y.clone()

    with torch.no_grad(), resting(model), hooked(layers(model, only), note):
        call_on_copy(model, x)
    return activations
