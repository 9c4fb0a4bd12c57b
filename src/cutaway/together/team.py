"""The processes that learn together, and what they say to each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor, nn

from cutaway.together.sharded import is_sharded

BUCKET = 1 << 23
"""Values that are added up in one message: 32 MB of float32."""


@dataclass(frozen=True)
class Team:
    """The processes of a training, and this one of them.

    What is asked of the others is asked by all in the same order, and waits for the last of them.

    Attributes:
        rank: the number of this process, from 0; the first one writes.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def add(self, value: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """Add up a tensor over the processes, in place."""
        if not self.alone:
            dist.all_reduce(value)
        return value

    def adding(self, value: Shaped[Tensor, "*shape"]) -> Callable[[], Tensor]:
        """Begin to add up a tensor over the processes, in place; gives what waits for the sum."""
        if self.alone:
            return lambda: value
        work = dist.all_reduce(value, async_op=True)

        def added() -> Tensor:
            work.wait()
            return value

        return added

    def any(self, *here: bool) -> list[bool]:
        """Of several things, whether each is so in one of the processes."""
        return list(here) if self.alone else _truths(self.add(_numbers(here)))

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up the gradients over the processes, many in one message.

        Those of sharded parameters have been added up on their way back.
        """
        if self.alone:
            return
        waiting = [_Bucket(some) for some in _buckets(parameters)]
        for bucket in waiting:
            bucket.spread()

    def stacked(self, rows: Shaped[Tensor, "n *shape"], counts: Sequence[int]) -> list[Tensor]:
        """The rows of every process, given how many each of them has."""
        if self.alone:
            return [rows]
        most = max(counts)
        padded = rows.new_zeros(most, *rows.shape[1:])
        padded[: len(rows)] = rows
        found = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(found, padded)
        return [one[:count] for one, count in zip(found, counts, strict=True)]

    def handed_out(self, content: bytes) -> bytes:
        """The bytes that the first process has, in all of them."""
        if self.alone:
            return content
        size = torch.tensor(len(content))
        dist.broadcast(size, 0)
        data = torch.empty(int(size), dtype=torch.uint8)
        if self.first:
            data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        dist.broadcast(data, 0)
        return data.numpy().tobytes()

    def alike(self, module: nn.Module) -> None:
        """Give every process the parameters and buffers that the first has."""
        if self.alone:
            return
        for value in module.state_dict().values():
            plain = value.detach().contiguous()
            dist.broadcast(plain, 0)
            value.copy_(plain)


ALONE = Team()


class Question:
    """Asks at every step what `Team.any` does. Of several processes the answer is that to the
    question before, which has come while they learned; at first all is false."""

    def __init__(self, team: Team):
        self.team, self._answer = team, lambda: torch.zeros(0)

    def ask(self, *here: bool) -> list[bool]:
        if self.team.alone:
            return list(here)
        before = _truths(self._answer()) or [False] * len(here)
        self._answer = self.team.adding(_numbers(here))
        return before


def _numbers(truths: Sequence[bool]) -> Tensor:
    return torch.tensor([int(one) for one in truths])


def _truths(numbers: Tensor) -> list[bool]:
    return [bool(one) for one in numbers.tolist()]


class _Bucket:
    """Gradients on their way, in one row of values."""

    def __init__(self, parameters: Sequence[nn.Parameter]):
        self.parameters = parameters
        self.values = torch.cat([_row(_gradient(p)) for p in parameters])
        self.work = dist.all_reduce(self.values, async_op=True)

    def spread(self) -> None:
        """Wait for the sums, and give each parameter its own."""
        self.work.wait()
        pieces = self.values.split([p.numel() for p in self.parameters])
        for p, piece in zip(self.parameters, pieces, strict=True):
            _row(_gradient(p)).copy_(piece)


def _buckets(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Parameters that learn, in lists of one type and about `BUCKET` values each."""
    found: list[list[nn.Parameter]] = []
    room, kind = 0, None
    for p in parameters:
        if not p.requires_grad or is_sharded(p):
            continue
        if p.numel() > room or p.dtype != kind:
            found.append([])
            room, kind = BUCKET, p.dtype
        found[-1].append(p)
        room -= p.numel()
    return found


def _gradient(p: nn.Parameter) -> Tensor:
    """Its gradient in the memory order of the parameter, the same in every process; zeros where
    this process has none."""
    if p.grad is None:
        p.grad = torch.zeros_like(p)
    elif p.grad.stride() != p.stride():
        p.grad = torch.empty_like(p).copy_(p.grad)
    return p.grad


def _row(value: Tensor) -> Tensor:
    """All values of a dense tensor as they lie in memory."""
    return value.as_strided((value.numel(),), (1,))
