"""Which operation made a tensor."""

from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from cutaway.see.layers import memory

Key = tuple[Any, ...]


class Origins:
    """Tensors are told apart by their memory and how they look at it: autograd passes them on in
    new objects. Memory is referred to weakly: it can be freed, but its name is not given again.
    """

    def __init__(self) -> None:
        self._made: dict[Key, int] = {}
        self._changed: dict[int, int] = {}
        self._named: dict[int, StorageWeakRef] = {}

    def note(self, x: Tensor, operation: int, in_place: bool = False) -> None:
        """x is what the operation gave; or whom it changed, with all that share its memory."""
        if x.layout is not torch.strided:
            return
        name = memory(x)
        if name not in self._named:
            self._named[name] = StorageWeakRef(x.untyped_storage())
        self._made[_key(x)] = operation
        if in_place:
            self._changed[name] = operation

    def of(self, x: Tensor) -> set[int]:
        """The operation that made x, and one that changed its memory after that."""
        if x.layout is not torch.strided:
            return set()
        made, changed = self._made.get(_key(x)), self._changed.get(memory(x))
        if made is not None and changed is not None and made >= changed:
            return {made}
        return {one for one in (made, changed) if one is not None}


def _key(x: Tensor) -> Key:
    return memory(x), x.storage_offset(), tuple(x.shape), tuple(x.stride()), x.dtype
