"""Which parts of a network are looked at, and by what names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from cutaway.errors import UsageError, nearest

PLUMBING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
"""Layers that compute nothing."""


WHOLE = (nn.MultiheadAttention,)
"""Layers that compute with their children's weights without calling them."""


def layers(model: nn.Module, wanted: Sequence[str] = ()) -> dict[str, nn.Module]:
    """Layers by their names, in the order in which they were made.

    Args:
        wanted: names of modules, or patterns such as `stages.*.norm`; by default the modules
            without children that compute something. A module that is used twice is one layer.

    Raises:
        UsageError: no module has such a name; the nearest is offered.
    """
    modules = {name or type(model).__name__: module for name, module in model.named_modules()}
    if not wanted:
        within = {id(part) for one in modules.values() for part in _parts(one)}
        return {
            name: one
            for name, one in modules.items()
            if not (isinstance(one, PLUMBING) or id(one) in within)
            and (isinstance(one, WHOLE) or not list(one.children()))
        }
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in modules):
            raise UsageError(f"There is no layer '{pattern}'.{nearest(pattern, modules)}")
    return {
        name: one
        for name, one in modules.items()
        if any(fnmatchcase(name, pattern) for pattern in wanted)
    }


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """What lies in a layer that is looked at as a whole."""
    if isinstance(module, WHOLE):
        yield from (part for part in module.modules() if part is not module)


def tensors(output: Any) -> Iterator[Tensor]:
    """The tensors of real numbers in what a module gave back, however they are packed."""
    return (x for x in unpacked(output) if x.is_floating_point())


def unpacked(values: Any) -> Iterator[Tensor]:
    """All tensors in mappings, lists and tuples of them."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        yield from unpacked(list(values.values()))
    elif isinstance(values, list | tuple):
        for one in values:
            yield from unpacked(one)


def beyond(place: Iterable[int | slice]) -> tuple[Any, ...]:
    """An index of a place along the last sides, whatever comes before them."""
    return (..., *place)
