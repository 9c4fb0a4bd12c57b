"""A network on a batch, run a few times and written down."""

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
from cutaway.see.graph.forward import Begun, Forward
from cutaway.see.graph.levels import levels
from cutaway.see.graph.parts import Call, Cost, Graph, Operation, Pass, total
from cutaway.see.layers import hookable, layers, tensors, unpacked
from cutaway.see.probe import called, copied, resting

FROZEN = "It has no trainable parameters, so there is no backward pass."
Ran = tuple[Forward, tuple[int, ...], tuple[Operation, ...], str]
"""A forward pass, the operations that made its outputs, the backward pass, why there is none."""


def graph(model: nn.Module, x: Any, times: int = 3) -> Graph:
    """What a network does with a batch: the tree of its module calls and all operations.

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
    hookable(model)
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
    with _quietly(model, device):
        with torch.no_grad():
            x = copied(x)  # a network may work in place
        forward = Forward(x)
        try:
            with forward.hooked(layers(model, ["*"])), forward:
                output = called(model, x)
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
def _quietly(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Inside, the network is at rest and differentiated; afterwards chance is as it was."""
    devices = [] if device.type in ("cpu", "meta") else [device]
    with (
        torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"),
        torch.enable_grad(),
        resting(model),
    ):
        yield


def _failure(forward: Forward, error: Exception) -> str:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    where = forward.failed
    if where is None or where.parent is None:
        return f"The network fails in its own forward pass: {said}"
    return f"The network fails in its layer '{where.name}' ({_type(where)}): {said}"


def _timed(
    operations: Sequence[Operation], runs: Sequence[Sequence[Operation]]
) -> tuple[Operation, ...]:
    """With the median of the times, where all runs did the same."""
    same = [run for run in runs if [o.name for o in run] == [o.name for o in operations]]
    return tuple(
        replace(one, cost=replace(one.cost, ms=median(run[i].cost.ms for run in same)))
        for i, one in enumerate(operations)
    )


def _pass(
    parents: Sequence[int | None], operations: tuple[Operation, ...], results: tuple[int, ...]
) -> Pass:
    homes = [one.call for one in operations]
    found = levels(parents, homes, [one.sources for one in operations], results)
    return Pass(operations, results, found)


def _calls(
    model: nn.Module,
    begun: Sequence[Begun],
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
    """Of each call, what its operations cost and those of the calls in it."""
    each: list[list[Cost]] = [[] for _ in parents]
    for one in operations:
        each[one.call].append(one.cost)
    found = [total(costs) for costs in each]
    for i in reversed(range(1, len(found))):
        found[parents[i] or 0] += found[i]
    return found


def _parameters(model: nn.Module, begun: Sequence[Begun]) -> Counter[int]:
    """How many each call is the first to have; of a module never called, whoever holds it."""
    first: dict[nn.Module, int] = {}
    for i, call in enumerate(begun):
        first.setdefault(call.module, i)
    found: Counter[int] = Counter()
    for name, p in model.named_parameters():
        home = name.rpartition(".")[0]
        while home and model.get_submodule(home) not in first:
            home = home.rpartition(".")[0]
        found[first[model.get_submodule(home)]] += p.numel()
    return found


def _type(call: Begun) -> str:
    return type(call.module).__name__
