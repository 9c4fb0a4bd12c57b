"""Images that are copies of one another, found without comparing every pair.

Exact copies have the same digest. For near ones each image gets a code of signs of random
projections of its detail (Charikar, 2002). The codes are sorted in several bit orders, and each
is compared with the next few in each order only, so that the work grows as n log n whatever the
images are: a million flat or alike images cost what a million different ones do. Candidates are
then verified by the correlation of their detail.

How alike two copies must be depends on the set: two hand-written ones are alike, two photographs
of one stone are not. So the distance of a pair must also be a small part of the distance to the
usual neighbours of both, smaller the fewer pixels and the more images there are.
"""

from hashlib import blake2b

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from torch import Tensor

COARSE, FINE = 16, 32  # longest sides of the two thumbnails, pixels
BITS, ORDERS, WINDOW = 128, 16, 4
FLAT = 1.0  # detail weaker than this (root mean square, grey levels) has nothing to compare
BITS_APART, COARSE_APART, FINE_APART = 32, 0.05, 0.1  # no pair above these is a copy
SAME_APART = 0.005  # re-encoding moves a picture as little; a pair below is one, whatever the set
NEIGHBOUR, SAMPLE = 10, 2000  # the usual neighbour: the 10th nearest of 2,000 images
FRACTION = 0.2  # of the distance to it, for up to 2,000 photographs
TINT = 12.0  # mean colours of copies differ by no more (grey levels, brightness taken off)
ONES = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)


def exact(images: UInt8[Tensor, "n h w c"]) -> Int[Tensor, " n"]:
    """A cluster number for each image: the same for images that are equal in every pixel."""
    seen: dict[bytes, int] = {}
    labels = [
        seen.setdefault(blake2b(image, digest_size=16).digest(), len(seen))
        for chunk in images.split(_chunk(images))
        for image in chunk.contiguous().numpy()
    ]
    return torch.tensor(labels, dtype=torch.int64)


def near(images: UInt8[Tensor, "n h w c"]) -> Int[Tensor, " n"]:
    """A cluster number for each image: the same for exact and near copies.

    Near copies are re-encoded, slightly resized, brighter or darker, or mirrored, and photographs
    of one view taken one after another. Views from other sides are not.
    """
    copies = exact(images)
    first = torch.from_numpy(np.unique(copies.numpy(), return_index=True)[1])
    i, j = _pairs(images, first)
    ends = np.concatenate([copies.numpy()[first[i]], copies.numpy()[first[j]]]).reshape(2, -1)
    return _components(len(first), ends)[copies]


def joined(first: Int[Tensor, " n"], second: Int[Tensor, " n"] | None = None) -> Int[Tensor, " n"]:
    """A cluster number for each image, such that two share one if a chain of relations joins them.

    Each argument numbers the images by one relation: those with the same number are related.
    """
    n = len(first)
    _, kind = torch.unique(first, return_inverse=True)
    ends = [np.stack([np.arange(n), kind.numpy() + n])]
    if second is not None:
        _, other = torch.unique(second, return_inverse=True)
        ends.append(np.stack([np.arange(n), other.numpy() + 2 * n]))
    return torch.unique(_components(3 * n, np.concatenate(ends, 1))[:n], return_inverse=True)[1]


def clusters(labels: Int[Tensor, " n"]) -> list[list[int]]:
    """The images of each cluster of two or more, in order."""
    order = torch.argsort(labels, stable=True)
    groups = order.split(torch.unique(labels, return_counts=True)[1].tolist())
    return sorted(group.tolist() for group in groups if len(group) > 1)


def _components(n: int, ends: np.ndarray) -> Tensor:
    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), (n, n))
    return torch.from_numpy(connected_components(graph, directed=False)[1].astype(np.int64))


def _chunk(images: Tensor) -> int:
    """How many images at once take some 32 MB as numbers."""
    return max(1, (1 << 23) // max(1, images[:1].numel()))


def _detail(images: UInt8[Tensor, "n h w c"], size: int, grey: bool) -> Float[Tensor, "n c h w"]:
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


def _pairs(images: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Positions in `index` of pairs of near copies."""
    none = torch.empty(0, dtype=torch.int64)
    if len(index) < 2:
        return none, none
    chunk = _chunk(images)
    coarse = torch.cat([_detail(images[k], COARSE, True).half() for k in index.split(chunk)])
    busy = torch.nonzero(coarse.flatten(1).any(1))[:, 0]
    if len(busy) < 2:
        return none, none
    coarse, index = coarse[busy], index[busy]
    i, j, mirrored = _candidates(coarse)
    i, j, mirrored, apart = _verified(images, index, i, j, mirrored)
    usual = _usual_distance(images, index, torch.cat([i, j])).view(2, -1).amin(0)
    alike = apart < (_fraction(images, len(index)) * usual).clamp(SAME_APART, FINE_APART)
    return busy[i[alike]], busy[j[alike]]


def _candidates(coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (i < j, or i with j mirrored) whose codes and coarse details nearly agree."""
    n = len(coarse)
    draw = torch.Generator().manual_seed(0)
    planes = torch.randn(BITS, *coarse.shape[1:], generator=draw)
    bits = torch.cat(
        [
            rows.float().flatten(1) @ way.flatten(1).T > 0
            for way in (planes, planes.flip(-1))
            for rows in coarse.split(8192)
        ]
    ).numpy()
    i, j = _neighbours(bits, draw)
    mirrored = (i >= n) != (j >= n)
    i, j = np.minimum(i % n, j % n), np.maximum(i % n, j % n)
    key = np.unique(((i * n + j) * 2 + mirrored)[i != j])
    first, second = torch.from_numpy(key // 2 // n), torch.from_numpy(key // 2 % n)
    flipped = torch.from_numpy(key % 2 == 1)
    keep = []
    for a, b, m in zip(first.split(65536), second.split(65536), flipped.split(65536), strict=True):
        other = torch.where(m[:, None, None, None], coarse[b].flip(-1), coarse[b])
        keep.append(1 - (coarse[a].float() * other.float()).sum((1, 2, 3)) < COARSE_APART)
    kept = torch.cat(keep)
    return first[kept], second[kept], flipped[kept]


def _neighbours(bits: np.ndarray, draw: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows at most `BITS_APART` bits apart, among the next `WINDOW` in each of several orders."""
    words = np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint16)
    found = []
    for _ in range(ORDERS):
        chosen = torch.randperm(BITS, generator=draw)[:64].numpy()
        keys = np.ascontiguousarray(np.packbits(bits[:, chosen], axis=1)).view(">u8")[:, 0]
        order = np.argsort(keys.astype(np.uint64))
        ordered = words[order]
        for step in range(1, min(WINDOW, len(order) - 1) + 1):
            apart = ONES[ordered[step:] ^ ordered[:-step]].sum(1, dtype=np.uint8)
            close = np.flatnonzero(apart <= BITS_APART)
            found.append(np.stack([order[close], order[close + step]]))
    i, j = np.concatenate(found, 1)
    return i, j


def _verified(
    images: Tensor, index: Tensor, i: Tensor, j: Tensor, mirrored: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The pairs that agree finely and in tint, with how far apart they are (1 - correlation)."""
    apart, tints = [torch.empty(0)], [torch.empty(0)]
    size = max(1, _chunk(images) // 2)
    for a, b, m in zip(i.split(size), j.split(size), mirrored.split(size), strict=True):
        left, right = images[index[a]], images[index[b]]
        right = torch.where(m[:, None, None, None], right.flip(2), right)
        apart.append(1 - (_detail(left, FINE, False) * _detail(right, FINE, False)).sum((1, 2, 3)))
        colour = left.float().mean((1, 2)) - right.float().mean((1, 2))
        tints.append((colour - colour.mean(1, keepdim=True)).abs().amax(1))
    distance = torch.cat(apart)
    keep = (distance < FINE_APART) & (torch.cat(tints) < TINT)
    return i[keep], j[keep], mirrored[keep], distance[keep]


def _usual_distance(images: Tensor, index: Tensor, which: Tensor) -> Tensor:
    """How far each of these images is from its 10th neighbour in a sample of 2,000."""
    draw = torch.Generator().manual_seed(1)
    chosen = index[torch.randperm(len(index), generator=draw)[:SAMPLE]]
    rank = min(NEIGHBOUR + 1, len(chosen))  # itself may be among them
    sample = torch.cat([_detail(images[k], FINE, False) for k in chosen.split(_chunk(images))])
    unique, back = torch.unique(which, return_inverse=True)
    distance = [torch.empty(0)]
    for k in unique.split(_chunk(images)):
        alike = _detail(images[index[k]], FINE, False).flatten(1) @ sample.flatten(1).T
        distance.append(1 - alike.topk(rank, 1).values[:, -1])
    return torch.cat(distance)[back]


def _fraction(images: Tensor, n: int) -> float:
    """What part of the usual distance a copy may be away.

    Of many images some are alike by chance, and few pixels hold little to tell them apart by; the
    powers are fitted to sets known by sight (MNIST, CIFAR-10, digits, the Apollo photographs).
    """
    pixels = min(images.shape[1], FINE) * min(images.shape[2], FINE)
    return FRACTION * (pixels / FINE**2) ** 0.5 * min(1.0, SAMPLE / n) ** 0.25
