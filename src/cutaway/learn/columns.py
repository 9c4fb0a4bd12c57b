"""What is found of each image of a feed, the images being shared out among the processes."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from cutaway.data.batch import Batch
from cutaway.data.feed import Feed
from cutaway.learn.runtime import Runtime
from cutaway.together.draws import sharing
from cutaway.together.share import Division, Share
from cutaway.together.team import Team

Row = tuple[Tensor, ...]
"""Tensors with an entry an image."""


def columns(
    feed: Feed,
    runtime: Runtime,
    find: Callable[[Batch], Row],
    index: Int[Tensor, " n"] | None = None,
) -> Row:
    """Join what is found in each batch of a feed: columns with an entry an image, in order.

    Each process computes some images of each batch, and has the columns of all of them. A batch of
    fewer images than processes is computed by all.

    Args:
        find: gives a tensor a column, with an entry for each image of a batch.
        index: the images, in order; by default those of the feed.

    Returns:
        The columns, on the processor.
    """
    team, batches = runtime.team, (feed.index if index is None else index).split(feed.batch_size)
    shares = [Division(team).of(len(some)) if len(some) >= team.size else None for some in batches]
    rows = [_found(feed, find, some, share) for some, share in zip(batches, shares, strict=True)]
    own = [torch.cat(column).cpu() for column in zip(*rows, strict=True)]
    if team.alone:
        return tuple(own)
    sizes = [len(some) for some in batches]
    return tuple(_whole(column, team, sizes) for column in own)


def _found(feed: Feed, find: Callable[[Batch], Row], index: Tensor, share: Share | None) -> Row:
    with sharing(share):
        return find(feed.of(index if share is None else index[share.rows]))


def _whole(
    own: Shaped[Tensor, "m *shape"], team: Team, sizes: Sequence[int]
) -> Shaped[Tensor, "n *shape"]:
    """A column of all images, from the entries of each process."""
    places = [torch.cat(one) for one in zip(*(_places(team, sizes)), strict=True)]
    kind, plain = own.dtype, own.byte() if own.dtype == torch.bool else own
    whole = plain.new_empty(sum(sizes), *own.shape[1:])
    for place, some in zip(places, team.stacked(plain, [len(one) for one in places]), strict=True):
        whole[place] = some
    return whole.to(kind)


def _places(team: Team, sizes: Sequence[int]) -> list[list[Tensor]]:
    """Of each batch the positions that each process has computed, in the order of all images."""
    found, start = [], 0
    for size in sizes:
        every = torch.arange(start, start + size)
        whole = size < team.size  # all have computed it, and all would write the same
        found.append([every if whole else every[rank :: team.size] for rank in range(team.size)])
        start += size
    return found
