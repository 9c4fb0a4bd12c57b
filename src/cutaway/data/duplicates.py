"""Search for copies among images, without comparing every pair.

Exact copies have the same digest. For near ones each image gets a code of signs of random
projections of its detail (Charikar, 2002). The codes are sorted in several bit orders, and each
is compared with the next few in each order only, so that the work grows as n log n whatever the
images are: where all are alike, only the closest pairs go on. Candidates are then verified by the
correlation of their detail.

How alike two copies must be depends on the set: two hand-written ones are alike, two photographs
of one stone are not. So the distance of a pair must also be a small part of the distance to the
usual neighbours of both, smaller the fewer pixels and the more images there are.
"""

from hashlib import blake2b

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

VERSION = 1  # of what is found: one more where the same images would give other clusters
COARSE, FINE = 16, 32  # longest sides of the two thumbnails, pixels
BITS, ORDERS, WINDOW = 256, 16, 4
FLAT = 1.0  # detail weaker than this (root mean square, grey levels) has nothing to compare
FINE_APART = 0.13  # no pair further apart (1 - correlation) is a copy
SAME_APART = 0.005  # re-encoding moves a picture as little; a pair below is one, whatever the set
NEIGHBOUR, SAMPLE = 10, 2000  # the usual neighbour: the 10th nearest of 2,000 images
FRACTION = 0.25  # of the distance to it, for up to 2,000 photographs
TINT = 12.0  # mean colours of copies differ by no more (grey levels, brightness taken off)


def exact(images: UInt8[Tensor, "n *grid c"]) -> Int[Tensor, " n"]:
    """A cluster number for each image: the same for images that are equal in every pixel."""
    numbers: dict[bytes, int] = {}
    labels = [
        numbers.setdefault(blake2b(image, digest_size=16).digest(), len(numbers))
        for chunk in images.split(_chunk(images))
        for image in chunk.contiguous().numpy()
    ]
    return torch.tensor(labels, dtype=torch.int64)


def near(
    images: UInt8[Tensor, "n *grid c"], copies: Int[Tensor, " n"] | None = None
) -> Int[Tensor, " n"]:
    """A cluster number for each image: the same for exact and near copies.

    Near copies are re-encoded, slightly resized, brighter or darker, or mirrored, and photographs
    of one view taken one after another. Photographs of one thing from other sides are not, unless
    a backdrop that stays the same fills nearly all of the picture: groups are for those. Of
    signals and videos only the exact copies are found: these are notions of pictures.

    Args:
        copies: what `exact` gave, where it is known already.
    """
    copies = exact(images) if copies is None else copies
    if images.dim() != 4:
        return copies
    first = torch.from_numpy(np.unique(copies.numpy(), return_index=True)[1])
    pairs = _pairs(images, first)  # `exact` numbers its clusters from 0, in order of appearance
    return _components(len(first), pairs.numpy())[copies]


def join_clusters(
    first: Int[Tensor, " n"], second: Int[Tensor, " n"] | None = None
) -> Int[Tensor, " n"]:
    """A cluster number for each image, such that two share one if a chain of relations joins them.

    Each argument numbers the images by one relation: those with the same number are related.
    """
    if second is None:
        return _renumbered(first)
    n = len(first)
    relations = [torch.unique(one, return_inverse=True)[1].numpy() for one in (first, second)]
    ends = [np.stack([np.arange(n), one + k * n]) for k, one in enumerate(relations, 1)]
    return _renumbered(_components(3 * n, np.concatenate(ends, 1))[:n])


def _renumbered(labels: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The labels numbered from 0 in order of appearance."""
    _, begins, which = np.unique(labels.numpy(), return_index=True, return_inverse=True)
    return torch.from_numpy(begins.argsort().argsort()[which])


def clusters(labels: Int[Tensor, " n"]) -> list[list[int]]:
    """The images of each cluster of two or more, in order."""
    order = torch.argsort(labels, stable=True)
    counts = torch.unique(labels, return_counts=True)[1]
    ends, several = counts.cumsum(0), counts > 1
    spans = zip((ends - counts)[several].tolist(), ends[several].tolist(), strict=True)
    return sorted(order[begin:end].tolist() for begin, end in spans)


def _components(n: int, ends: np.ndarray) -> Tensor:
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), (n, n))
    return torch.from_numpy(connected_components(graph, directed=False)[1].astype(np.int64))


def _chunk(images: Tensor) -> int:
    """Number of images at once that take some 32 MB as numbers."""
    return max(1, (1 << 23) // max(1, images[:1].numel()))


def _detail(images: UInt8[Tensor, "n h w c"], size: int, grey: bool) -> Float[Tensor, "n k p q"]:
    """Thumbnails less their local mean (5 x 5), of norm 1 over an image; zero where flat."""
    planes = images.permute(0, 3, 1, 2).float()
    planes = planes.mean(1, keepdim=True) if grey else planes
    height, width = (min(side, size) for side in planes.shape[2:])
    if (height, width) != tuple(planes.shape[2:]):
        planes = F.interpolate(planes, (height, width), mode="bilinear", antialias=True)
    planes = planes - F.avg_pool2d(planes, 5, 1, 2, count_include_pad=False)
    strength = planes.square().mean((1, 2, 3), keepdim=True).sqrt()
    scale = (planes[0].numel() ** 0.5) * strength
    return torch.where(strength < FLAT, 0, planes / scale.clamp_min(1e-6))


def _details(images: Tensor, index: Tensor, size: int, grey: bool) -> Tensor:
    """`_detail` of the images at `index`, in half precision: at most 6 KB each."""
    chunks = index.split(_chunk(images))
    return torch.cat([_detail(images[chunk], size, grey).half() for chunk in chunks])


def _pairs(images: Tensor, index: Tensor) -> Tensor:
    """Positions in `index` of pairs of near copies, shape (2, pairs)."""
    none = torch.empty(2, 0, dtype=torch.int64)
    if len(index) < 2:
        return none
    coarse = _details(images, index, COARSE, grey=True)
    busy = torch.nonzero(coarse.flatten(1).any(1))[:, 0]
    fraction = _fraction(images, len(busy))
    if len(busy) < 2:
        return none
    # No usual neighbour is further than 1, and the coarse details of copies are twice as alike.
    pairs, mirrored = _candidates(coarse[busy], min(FINE_APART, fraction) / 2)
    which, pairs = torch.unique(pairs, return_inverse=True)
    which = busy[which]
    if not len(which):
        return none
    fine = _details(images, index[which], FINE, grey=False)
    apart = _distance(fine, pairs, mirrored)
    usual = _usual_distance(images, index, fine)[pairs].amin(0)
    copies = apart < (fraction * usual).clamp(SAME_APART, FINE_APART)
    copies &= _tints(images, index[which])[pairs].diff(dim=0)[0].abs().amax(1) < TINT
    return which[pairs[:, copies]]


def _candidates(coarse: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    """Pairs of rows, shape (2, pairs), less than `limit` apart, and whether one is mirrored."""
    n = len(coarse)
    draw = torch.Generator().manual_seed(0)
    directions = torch.randn(BITS, *coarse.shape[1:], generator=draw)
    directions = torch.stack([directions, directions.flip(-1)]).flatten(2)
    signs = (
        (chunk.float().flatten(1) @ direction.T > 0).numpy()
        for direction in directions
        for chunk in coarse.split(8192)
    )
    codes = np.concatenate([np.packbits(rows, axis=1) for rows in signs])
    # A bit differs with probability angle / pi; allow for two standard deviations.
    differ = np.arccos(1 - limit) / np.pi
    i, j = _neighbours(codes, BITS * differ + 2 * (BITS * differ * (1 - differ)) ** 0.5, draw)
    mirrored = (i >= n) != (j >= n)
    i, j = np.minimum(i % n, j % n), np.maximum(i % n, j % n)
    key = torch.from_numpy(np.unique(((i * n + j) * 2 + mirrored)[i != j]))
    pairs, flipped = torch.stack([key // 2 // n, key // 2 % n]), key % 2 == 1
    close = _distance(coarse, pairs, flipped) < limit
    return pairs[:, close], flipped[close]


def _neighbours(
    codes: np.ndarray, limit: float, draw: torch.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ in at most `limit` bits, among the next few in each of several orders.

    An order yields no more pairs than there are rows, the closest: enough to chain a set whose
    images are all alike, and a bound on the work.
    """
    words, close_pairs = codes.view(np.uint64), []
    for _ in range(ORDERS):
        columns = torch.randperm(codes.shape[1], generator=draw)[:8].numpy()
        order = np.argsort(np.ascontiguousarray(codes[:, columns]).view(np.uint64)[:, 0])
        ordered = words[order]
        pairs, differ = [], []
        for step in range(1, min(WINDOW, len(order) - 1) + 1):
            bits = _count_bits(ordered[step:] ^ ordered[:-step])
            close = np.flatnonzero(bits <= limit)
            pairs.append(np.stack([order[close], order[close + step]]))
            differ.append(bits[close])
        closest = np.argsort(np.concatenate(differ), kind="stable")[: len(order)]
        close_pairs.append(np.concatenate(pairs, 1)[:, closest])
    i, j = np.concatenate(close_pairs, 1)
    return i, j


def _count_bits(words: np.ndarray) -> np.ndarray:
    """Number of bits set in each row."""
    if hasattr(np, "bitwise_count"):  # since NumPy 2
        return np.bitwise_count(words).sum(1, dtype=np.uint16)
    return np.unpackbits(words.view(np.uint8), axis=1).sum(1, dtype=np.uint16)


def _distance(detail: Tensor, pairs: Tensor, mirrored: Tensor) -> Tensor:
    """1 - correlation of the details of each pair."""
    apart, chunk = [torch.empty(0)], _chunk(detail)
    for (a, b), flip in zip(pairs.split(chunk, dim=1), mirrored.split(chunk), strict=True):
        other = detail[b]
        other[flip] = other[flip].flip(-1)
        apart.append(1 - (detail[a].float() * other.float()).sum((1, 2, 3)))
    return torch.cat(apart)


def _usual_distance(images: Tensor, index: Tensor, fine: Tensor) -> Tensor:
    """Distance of each of these details from its 10th neighbour in a sample of 2,000 images."""
    draw = torch.Generator().manual_seed(1)
    sampled = index[torch.randperm(len(index), generator=draw)[:SAMPLE]]
    sample = _details(images, sampled, FINE, grey=False).float().flatten(1)
    rank = min(NEIGHBOUR + 1, len(sampled))  # it may be in the sample itself
    return torch.cat([
        1 - (rows.float().flatten(1) @ sample.T).topk(rank, 1).values[:, -1]
        for rows in fine.split(4096)
    ])  # fmt: skip


def _tints(images: Tensor, index: Tensor) -> Tensor:
    """Mean of each colour less that of all, shape (n, c): zero for grey."""
    chunks = [images[chunk].float().mean((1, 2)) for chunk in index.split(_chunk(images))]
    colours = torch.cat(chunks)
    return colours - colours.mean(1, keepdim=True)


def _fraction(images: Tensor, n: int) -> float:
    """The fraction of the usual distance within which two images are copies.

    Of many images some are alike by chance, and few pixels hold little to tell them apart by; the
    powers are fitted to sets known by sight (MNIST, CIFAR-10, digits, the Apollo photographs).
    """
    pixels = min(images.shape[1], FINE) * min(images.shape[2], FINE)
    return FRACTION * (pixels / FINE**2) ** 0.5 * min(1.0, SAMPLE / max(1, n)) ** 0.3
