"""The layers of a network that are inspected, and their names."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from copy import copy
from dataclasses import fields, is_dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cutaway.errors import UsageError, nearest

PASSIVE = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
"""Layers that compute nothing."""


WHOLE = (nn.MultiheadAttention,)
"""Layers that compute with their children's weights without calling them."""


def layers(model: nn.Module, patterns: Sequence[str] = ()) -> dict[str, nn.Module]:
    """Layers by name, in the order of construction.

    Args:
        patterns: names of modules, or patterns such as `stages.*.norm`; by default the modules
            without children that compute something. A module that is used twice is one layer.

    Raises:
        UsageError: no module has such a name; the nearest is offered.
    """
    model = getattr(model, "_orig_mod", model)  # of a compiled network, the one that was written
    modules = {name or type(model).__name__: module for name, module in model.named_modules()}
    if not patterns:
        within = {id(part) for one in modules.values() for part in _parts(one)}
        return {
            name: one
            for name, one in modules.items()
            if not (isinstance(one, PASSIVE) or id(one) in within)
            and all(id(child) in within for child in one.children())
        }
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in modules):
            raise UsageError(f"There is no layer '{pattern}'.{nearest(pattern, modules)}")
    return {
        name: one
        for name, one in modules.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def check_hookable(model: nn.Module) -> None:
    """Refuse a network whose layers cannot be hooked.

    Raises:
        UsageError: it is, or holds, one of TorchScript.
    """
    if is_scripted(model):
        raise UsageError(
            "The layers of a network of TorchScript cannot be seen: give the module that it was "
            "made from."
        )


def is_scripted(model: nn.Module) -> bool:
    """Whether it is, or holds, a network of TorchScript, whose layers cannot be hooked."""
    return any(isinstance(one, torch.jit.ScriptModule) for one in model.modules())


def unwrapped(model: nn.Module) -> nn.Module:
    """The original module of a compiled network or one on several devices."""
    while hasattr(model, "_orig_mod") or isinstance(model, nn.DataParallel):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module  # type: ignore[assignment]
    return model


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """The modules in a layer that is inspected as a whole, or that make a layer's weights."""
    if isinstance(module, WHOLE):
        yield from (part for part in module.modules() if part is not module)
    elif parametrize.is_parametrized(module):
        yield from module.get_submodule("parametrizations").modules()


def tensors(output: Any) -> Iterator[Tensor]:
    """The real-valued tensors of a module's output, however they are packed."""
    return (x for x in unpacked(output) if x.is_floating_point())


def unpacked(values: Any) -> Iterator[Tensor]:
    """All tensors in mappings, lists, tuples and dataclasses of them."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        yield from unpacked(list(values.values()))
    elif isinstance(values, list | tuple):
        for one in values:
            yield from unpacked(one)
    elif is_dataclass(values):
        yield from unpacked([getattr(values, one.name, None) for one in fields(values)])


def with_replaced(values: Any, old: Tensor, new: Tensor) -> Any:
    """The same mappings, lists, tuples and dataclasses with one tensor replaced by another."""
    if values is old:
        return new
    if isinstance(values, MutableMapping):
        copied = copy(values)
        for name, one in values.items():
            copied[name] = with_replaced(one, old, new)
        return copied
    if isinstance(values, list | tuple):
        parts = [with_replaced(one, old, new) for one in values]
        return type(values)(*parts) if hasattr(values, "_fields") else type(values)(parts)
    if is_dataclass(values) and not isinstance(values, type):
        values_by_name = {one.name: getattr(values, one.name) for one in fields(values) if one.init}
        return replace(
            values, **{name: with_replaced(one, old, new) for name, one in values_by_name.items()}
        )
    return values


def memory(x: Tensor) -> int:
    """The address of a tensor's memory."""
    return x.untyped_storage()._cdata if x.layout is torch.strided else id(x)


def index_last(place: Iterable[int | slice]) -> tuple[Any, ...]:
    """An index of a place along the last sides, whatever comes before them."""
    return (..., *place)
