"""What the members of a stack learn from, a batch for each at every step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.data.feed import Batch, Feed


@dataclass(frozen=True)
class Batches(Batch):
    """A batch for each of n members; as long as one of them."""

    x: Float[Tensor, "n b c *grid"]
    t: Int[Tensor, "n b *places"]
    index: Int[Tensor, "n b"]

    def __len__(self) -> int:
        return self.t.shape[1]


class Feeds:
    """The feeds of many members as one; their batches are of one size."""

    def __init__(self, feeds: Sequence[Feed]):
        first, self.feeds = feeds[0], feeds
        self.alike = all(f.plain and f.normalise == first.normalise for f in feeds)

    def batch(self, number: int) -> Batches:
        """Each member's batch, the one that it would get alone."""
        if not self.alike:
            many = [feed.batch(number) for feed in self.feeds]
            return Batches(
                *(torch.stack([getattr(b, k) for b in many]) for k in ("x", "t", "index"))
            )
        chosen = torch.stack([feed.chosen(number) for feed in self.feeds])
        all_in_one = self.feeds[0].of(chosen.flatten())  # gathered and scaled at once
        x, t = (v.unflatten(0, chosen.shape) for v in (all_in_one.x, all_in_one.t))
        return Batches(x, t, chosen)
