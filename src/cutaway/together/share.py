"""A process's share of a batch: which rows, and draws that do not depend on how many share it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from cutaway.together.team import ALONE, Team


@dataclass(frozen=True)
class Share:
    """The rows of a batch that a process computes: every so manieth one of each part.

    Attributes:
        count: rows of the whole batch.
        parts: in how many parts of almost equal size it is computed, one after the other.
        same: whether every process has all rows, and shares what it makes of them.
    """

    team: Team
    count: int
    parts: int = 1
    same: bool = False

    @cached_property
    def rows(self) -> Int[Tensor, " m"]:
        """Positions in the whole batch of this process's rows."""
        every = torch.arange(self.count)
        if self.same:
            return every
        pieces = every.tensor_split(min(self.parts, self.count))
        return torch.cat([piece[self.team.rank :: self.team.size] for piece in pieces])

    @property
    def weight(self) -> float:
        """What the mean over these rows counts for in the mean over all."""
        return 1 / self.team.size if self.same else len(self.rows) / self.count

    @property
    def counts(self) -> list[int]:
        """How many rows each process has, where the batch is one part."""
        assert self.parts == 1
        return [len(range(rank, self.count, self.team.size)) for rank in range(self.team.size)]

    def each(self) -> "list[Share]":
        """The share of each part."""
        sizes = [
            len(one) for one in torch.arange(self.count).tensor_split(min(self.parts, self.count))
        ]
        return [replace(self, count=size, parts=1) for size in sizes]


@dataclass(frozen=True)
class Division:
    """How batches are divided among processes; by default one has them whole.

    Attributes:
        parts, same: as those of `Share`.
    """

    team: Team = ALONE
    parts: int = 1
    same: bool = False

    def of(self, count: int) -> Share | None:
        """This process's share of a batch with so many rows."""
        return None if self.team.alone else Share(self.team, count, self.parts, self.same)


WHOLE = Division()

_CURRENT: ContextVar[Share | None] = ContextVar("share", default=None)


def current() -> Share | None:
    """The share that is being computed; None where a process computes whole batches."""
    return _CURRENT.get()


@contextmanager
def computing(share: Share | None) -> Iterator[None]:
    """Inside, what is computed are the rows of a share."""
    token = _CURRENT.set(share)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def drawn(count: int, draw: Callable[[int], Tensor], dim: int = 0) -> Tensor:
    """Random numbers for so many rows, drawn for all rows of the batch.

    Args:
        count: rows here.
        draw: gives numbers for as many rows as it is told, along `dim`.
    """
    share = current()
    if share is None or share.same:
        return draw(count)
    assert count == len(share.rows)
    whole = draw(share.count)
    return whole.index_select(dim, share.rows.to(whole.device))


def mine(whole: Shaped[Tensor, "n *shape"]) -> Shaped[Tensor, "m *shape"]:
    """This process's rows of something that every process has."""
    share = current()
    return whole if share is None else whole[share.team.rank :: share.team.size]


def repeated(share: Share, sizes: Sequence[int]) -> list[int] | None:
    """The sizes that a tensor with a row for each of ours has with a row for each of all.

    A batch may stand in it several times over, one after the other. None where its rows are no
    multiple of ours: it is nothing that each image has.
    """
    own = len(share.rows)
    if not sizes or not sizes[0] or sizes[0] % own:
        return None
    return [sizes[0] // own * share.count, *sizes[1:]]


def rows_in(share: Share, count: int) -> Int[Tensor, " m"]:
    """The positions of our rows in a tensor that holds the whole batch `count / share.count`
    times."""
    starts = torch.arange(0, count, share.count)
    return (starts[:, None] + share.rows).flatten()
