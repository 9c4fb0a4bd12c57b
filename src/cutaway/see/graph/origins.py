"""Map tensors to the operations that made them."""

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
        self._creators: dict[Key, int] = {}
        self._writers: dict[int, int] = {}
        self._named: dict[int, StorageWeakRef] = {}

    def note(self, x: Tensor, operation: int, in_place: bool = False) -> None:
        """Record that an operation made x; or changed it, with all that share its memory."""
        if x.layout is not torch.strided:
            return
        name = memory(x)
        if name not in self._named:
            self._named[name] = StorageWeakRef(x.untyped_storage())
        self._creators[_key(x)] = operation
        if in_place:
            self._writers[name] = operation

    def of(self, x: Tensor) -> set[int]:
        """The operation that made x, and one that changed its memory after that."""
        if x.layout is not torch.strided:
            return set()
        creator, writer = self._creators.get(_key(x)), self._writers.get(memory(x))
        if creator is not None and writer is not None and creator >= writer:
            return {creator}
        return {one for one in (creator, writer) if one is not None}


def _key(x: Tensor) -> Key:
    return memory(x), x.storage_offset(), tuple(x.shape), tuple(x.stride()), x.dtype
