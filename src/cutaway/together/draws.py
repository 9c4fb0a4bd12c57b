"""PyTorch's own functions while a process computes its share of a batch.

A network says `dropout(x)` and `batch_norm(x)`, and means the batch. Here these see the rows of all
processes: a mask, or noise, is drawn for every row and ours are taken, so that it differs between
images and is the same however many processes there are. What is drawn for no row of the batch is
the same in every process.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cutaway.together.normalising import batch_norm
from cutaway.together.share import Share, computing, repeated, rows_in

DROPPED = (
    F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout,
    torch.dropout, torch.dropout_, torch.feature_dropout, torch.feature_dropout_,
    torch.alpha_dropout, torch.feature_alpha_dropout,
)  # fmt: skip
"""Functions that draw for the rows of their argument, and give as many."""
LIKE = (torch.rand_like, torch.randn_like, torch.randint_like, torch.bernoulli, torch.normal)
"""Functions that draw as many rows as their first argument has."""
FILLED = (
    Tensor.bernoulli_, Tensor.normal_, Tensor.uniform_, Tensor.exponential_, Tensor.random_,
    Tensor.bernoulli, Tensor.multinomial, torch.multinomial,
)  # fmt: skip
"""Methods that fill a tensor with draws, or draw by its values."""
SIZED = (torch.rand, torch.randn)
"""Functions that draw as many rows as the first size says."""


def sharing(share: Share | None) -> AbstractContextManager[Any]:
    """Inside, what is computed are the rows of a share, and the whole batch is seen so."""
    return nullcontext() if share is None else _sharing(share)


@contextmanager
def _sharing(share: Share) -> Iterator[None]:
    with computing(share), nullcontext() if share.same else Sharing(share):
        yield


class Sharing(TorchFunctionMode):
    """Inside, draws and batch normalisation are those of the whole batch."""

    def __init__(self, share: Share):
        super().__init__()
        self.share = share

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.batch_norm:
            return self._batch_norm(*args, **kwargs)
        if func in DROPPED or func in LIKE or func in FILLED:
            return self._of_rows(func, args, kwargs)
        if func in SIZED:
            return self._sized(func, args, kwargs)
        return func(*args, **kwargs)

    def _batch_norm(
        self, x: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
        weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
        momentum: float = 0.1, eps: float = 1e-5,
    ) -> Tensor:  # fmt: skip
        if not training:
            return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        return batch_norm(x, running_mean, running_var, weight, bias, momentum, eps, self.share)

    def _of_rows(self, func: Callable[..., Tensor], args: Any, kwargs: Any) -> Tensor:
        """Draw for a tensor that stands for every row, in which ours are at their places."""
        x = args[0] if args else kwargs.pop("input")
        sizes = repeated(self.share, x.shape)
        if sizes is None:
            return func(x, *args[1:], **kwargs)
        rows = rows_in(self.share, sizes[0]).to(x.device)
        whole = _zeros(x, sizes).index_copy(0, rows, x)
        own = func(whole, *args[1:], **kwargs).index_select(0, rows)
        return x.copy_(own) if func in FILLED and func.__name__.endswith("_") else own

    def _sized(self, func: Callable[..., Tensor], args: Any, kwargs: Any) -> Tensor:
        given = args[0] if args and not isinstance(args[0], int) else args
        sizes = repeated(self.share, kwargs.pop("size", given))
        if sizes is None:
            return func(*args, **kwargs)
        whole = func(sizes, **kwargs)
        return whole.index_select(0, rows_in(self.share, sizes[0]).to(whole.device))


def _zeros(x: Tensor, sizes: list[int]) -> Tensor:
    """Zeros of these sizes in the memory order of `x`, in which draws are made."""
    zeros = x.new_zeros(sizes)
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return zeros.contiguous(memory_format=torch.channels_last)
    return zeros
