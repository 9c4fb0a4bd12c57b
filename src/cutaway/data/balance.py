"""An order of examples in which each class comes equally often."""

from math import ceil

import torch
from jaxtyping import Int
from torch import Tensor


def balanced_order(classes: Int[Tensor, " n"], draws: torch.Generator) -> Int[Tensor, " n"]:
    """Positions of n examples in random order, of each of their k classes n / k.

    One more of some classes, where k does not divide n. No example of a class comes again before
    all of them have come equally often; of a class with more than n / k some do not come.
    """
    present = classes.unique()
    size, more = divmod(len(classes), len(present))
    extra = torch.randperm(len(present), generator=draws) < more
    parts = [
        _in_turn((classes == c).nonzero().flatten(), size + int(one_more), draws)
        for c, one_more in zip(present, extra, strict=True)
    ]
    order = torch.cat(parts)
    return order[torch.randperm(len(order), generator=draws)]


def _in_turn(own: Int[Tensor, " m"], count: int, draws: torch.Generator) -> Int[Tensor, " count"]:
    """`count` examples of a class: all in random order, then all in another, and so on."""
    rounds = max(1, ceil(count / len(own)))
    turns = [own[torch.randperm(len(own), generator=draws)] for _ in range(rounds)]
    return torch.cat(turns)[:count]
