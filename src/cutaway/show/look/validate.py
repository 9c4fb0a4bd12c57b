"""Examples and their classes as a user has them, checked before anything is computed of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.batch import Batch
from cutaway.see.graph import graph
from cutaway.see.layers import is_scripted
from cutaway.see.probe import call_on_copy, resting, scores_of

UNTOLD = "Give their classes too: `ca.look(model, x, t)`."
NO_SCORES = "The network's output is not a row of scores of two classes or more for each example."
NO_CLASSES = "The targets given are not classes, which are whole numbers from 0."


def as_inputs(x: Any) -> Tensor | Batch:
    """Examples as a model takes them.

    Args:
        x: a tensor or array, or a list of one for each example; a tuple of such for several
            inputs, a mapping for inputs by name.

    Raises:
        UsageError: none, or inputs of which one has more examples than another.
    """
    if x is None:
        raise UsageError("Give examples as the network takes them: `ca.look(model, x)`.")
    if isinstance(x, tuple) and len(x) == 1:
        return as_inputs(x[0])
    if isinstance(x, tuple | Mapping) and len(x):
        parts = [_tensor(one) for one in (x.values() if isinstance(x, Mapping) else x)]
        if len({len(one) for one in parts}) > 1:
            counts = ", ".join(str(len(one)) for one in parts)
            raise UsageError(f"Each input needs as many examples as the others, not {counts}.")
        if isinstance(x, Mapping):
            return Batch(dict(zip(x, parts, strict=True)))
        return Batch(tuple(parts))
    return _tensor(x)


def _tensor(x: Any) -> Tensor:
    try:
        if isinstance(x, list) and x and not isinstance(x[0], int | float | list):
            x = torch.stack([torch.as_tensor(one) for one in x])
        inputs = torch.as_tensor(x).detach()
    except (RuntimeError, TypeError, ValueError) as error:
        raise UsageError(
            f"Examples are a tensor or an array with one along its first side, not {_kind_of(x)}: "
            f"{str(error).splitlines()[0]}"
        ) from None
    if not inputs.ndim or not len(inputs):
        raise UsageError("There are no examples: their number is the first side of the tensor.")
    if inputs.is_inference():  # which could not be differentiated
        with torch.inference_mode(False):
            inputs = inputs.clone()
    return inputs


def _kind_of(x: Any) -> str:
    return f"a list of {type(x[0]).__name__}" if isinstance(x, list) else f"a {type(x).__name__}"


def first_output(model: nn.Module, x: Tensor | Batch) -> Tensor | None:
    """The model's output for the first example; None where that is no tensor.

    Raises:
        UsageError: it fails; the layer is named.
    """
    try:
        with torch.no_grad(), resting(model), torch.random.fork_rng([]):
            return scores_of(call_on_copy(model, x[:1]))
    except Exception as error:  # whatever a network does
        if not is_scripted(model):
            graph(model, x[:1], times=1)  # says which layer it is
        raise UsageError(f"The network fails: {error}") from error


def class_targets(output: Tensor | None, t: Any, n: int) -> tuple[Int[Tensor, " m"], str]:
    """The class of each example; where they have none, no classes and the reason in a sentence.

    Args:
        output: the network's output for an example.
        t: whole numbers, or rows of zeros with a one.

    Raises:
        UsageError: not one for each of the n examples, or a class that has no score.
    """
    none = torch.zeros(0, dtype=torch.long)
    if t is None:
        return none, UNTOLD
    t = _targets(t, n)
    if output is None or output.ndim != 2 or output.shape[1] < 2:
        return none, NO_SCORES
    width = output.shape[1]
    if t.shape == (n, width) and bool(((t == 0) | (t == 1)).all() & (t.sum(1) == 1).all()):
        t = t.argmax(1)
    t = t[:, 0] if t.shape == (n, 1) else t
    if t.ndim != 1 or t.is_floating_point():
        return none, NO_CLASSES
    wrong = t[(t < 0) | (t >= width)]
    if len(wrong):
        raise UsageError(f"There is a class {int(wrong[0])}, and the outputs are 0 to {width - 1}.")
    return t.long(), ""


def _targets(t: Any, n: int) -> Tensor:
    try:
        targets = torch.as_tensor(t).detach()
    except (RuntimeError, TypeError, ValueError) as error:
        raise UsageError(f"Classes are whole numbers, one for each example: {error}") from None
    if not targets.ndim or len(targets) != n:
        count = len(targets) if targets.ndim else 1
        raise UsageError(f"There are {n} examples and {count} targets: give one for each.")
    return targets


def class_names(classes: Sequence[str], output: Tensor | None) -> tuple[str, ...]:
    """Names of the classes, by default their numbers.

    Raises:
        UsageError: not as many as there are outputs.
    """
    width = output.shape[1] if output is not None and output.ndim == 2 else 0
    if len(classes) and len(classes) != width:
        raise UsageError(f"There are {len(classes)} names of classes and {width} outputs.")
    return tuple(classes) or tuple(map(str, range(width)))
