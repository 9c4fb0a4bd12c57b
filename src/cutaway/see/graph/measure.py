"""Measure a network's forward and backward pass on a batch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.errors import UsageError
from cutaway.see.graph.backward import Backward
from cutaway.see.graph.forward import Forward, OpenCall
from cutaway.see.graph.levels import levels
from cutaway.see.graph.parts import Call, Cost, Graph, Operation, Pass, total
from cutaway.see.layers import check_hookable, layers, tensors, unpacked
from cutaway.see.probe import call_model, copy_inputs, resting

FROZEN = "It has no trainable parameters, so there is no backward pass."
Ran = tuple[Forward, tuple[int, ...], tuple[Operation, ...], str]
"""A forward pass, the operations that made its outputs, the backward pass, and the reason if there
is none."""


def graph(model: nn.Module, x: Any, times: int = 3) -> Graph:
    """Record the tree of module calls and all operations of a network on a batch.

    The network runs `times` times, at rest (dropout and batch statistics off), forward and back,
    and a time is the median. It is seen through a dispatch mode, hooks on its modules and hooks on
    the nodes of the autograd graph, all gone afterwards; a compiled network runs as it was
    written. Parameters, gradients, mode and the random stream stay as they are. Beside what a
    training step holds only names of tensors are kept.

    Args:
        x: what the model takes, a tensor or several (see `probe.answer`); not changed.
        times: how often it runs.

    Raises:
        UsageError: the network fails on x; the layer in which it does is named.
    """
    assert times > 0
    model = getattr(model, "_orig_mod", model)
    check_hookable(model)
    runs = [_run(model, x) for _ in range(times)]
    forward, results, backward, note = runs[0]
    ahead = _timed(forward.operations, [run[0].operations for run in runs])
    back = _timed(backward, [run[2] for run in runs])
    parents = [call.parent for call in forward.calls]
    return Graph(
        _calls(model, forward.calls, ahead, back),
        _pass(parents, ahead, results),
        _pass(parents, back, ()),
        note,
    )


def _run(model: nn.Module, x: Any) -> Ran:
    device = next((one.device for one in unpacked(x)), torch.device("cpu"))
    with _evaluating(model, device):
        with torch.no_grad():
            x = copy_inputs(x)  # a network may work in place
        forward = Forward(x)
        try:
            with forward.hooked(layers(model, ["*"])), forward:
                output = call_model(model, x)
        except Exception as error:
            raise UsageError(_failure(forward, error)) from error
        results = forward.makers(output)
        return forward, results, *_back(model, forward, list(tensors(output)))


def _back(
    model: nn.Module, forward: Forward, outputs: Sequence[Tensor]
) -> tuple[tuple[Operation, ...], str]:
    ends = [y for y in outputs if y.requires_grad]
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not ends or not parameters:
        return (), FROZEN
    backward = Backward(ends)
    try:
        backward.run(ends, parameters)
    except RuntimeError as error:
        return (), f"Its backward pass fails: {str(error).splitlines()[0]}"
    return backward.operations(forward), ""


@contextmanager
def _evaluating(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode with gradients; the random state is restored afterwards."""
    devices = [] if device.type in ("cpu", "meta") else [device]
    with (
        torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"),
        torch.enable_grad(),
        resting(model),
    ):
        yield


def _failure(forward: Forward, error: Exception) -> str:
    message = (str(error).splitlines() or [type(error).__name__])[0]
    where = forward.failed
    if where is None or where.parent is None:
        return f"The network fails in its own forward pass: {message}"
    return f"The network fails in its layer '{where.name}' ({_type(where)}): {message}"


def _timed(
    operations: Sequence[Operation], runs: Sequence[Sequence[Operation]]
) -> tuple[Operation, ...]:
    """The operations with the median of the times, where all runs did the same."""
    same = [run for run in runs if [o.name for o in run] == [o.name for o in operations]]
    return tuple(
        replace(one, cost=replace(one.cost, ms=median(run[i].cost.ms for run in same)))
        for i, one in enumerate(operations)
    )


def _pass(
    parents: Sequence[int | None], operations: tuple[Operation, ...], results: tuple[int, ...]
) -> Pass:
    homes = [one.call for one in operations]
    pass_levels = levels(parents, homes, [one.sources for one in operations], results)
    return Pass(operations, results, pass_levels)


def _calls(
    model: nn.Module,
    begun: Sequence[OpenCall],
    ahead: Sequence[Operation],
    back: Sequence[Operation],
) -> tuple[Call, ...]:
    parents = [call.parent for call in begun]
    own = _parameters(model, begun)
    for i in reversed(range(1, len(begun))):  # a call comes after the one that made it
        own[parents[i] or 0] += own[i]
    forward, backward = _summed(parents, ahead), _summed(parents, back)
    return tuple(
        Call(c.name, _type(c), c.parent, c.inputs, c.outputs, own[i], forward[i], backward[i])
        for i, c in enumerate(begun)
    )


def _summed(parents: Sequence[int | None], operations: Sequence[Operation]) -> list[Cost]:
    """The total cost of each call, including the calls in it."""
    each: list[list[Cost]] = [[] for _ in parents]
    for one in operations:
        each[one.call].append(one.cost)
    sums = [total(costs) for costs in each]
    for i in reversed(range(1, len(sums))):
        sums[parents[i] or 0] += sums[i]
    return sums


def _parameters(model: nn.Module, begun: Sequence[OpenCall]) -> Counter[int]:
    """Number of parameters that each call is the first to have; those of a module never called go
    to its owner."""
    first: dict[nn.Module, int] = {}
    for i, call in enumerate(begun):
        first.setdefault(call.module, i)
    counts: Counter[int] = Counter()
    for name, p in model.named_parameters():
        home = name.rpartition(".")[0]
        while home and model.get_submodule(home) not in first:
            home = home.rpartition(".")[0]
        counts[first[model.get_submodule(home)]] += p.numel()
    return counts


def _type(call: OpenCall) -> str:
    return type(call.module).__name__
