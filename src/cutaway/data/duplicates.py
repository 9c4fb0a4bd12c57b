"""Images that are copies of one another, found without comparing every pair."""

import numpy as np
import torch
from jaxtyping import Int, UInt8
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from torch import Tensor


def exact(images: UInt8[Tensor, "n h w c"]) -> Int[Tensor, " n"]:
    """A cluster number for each image: the same for images that are equal in every pixel."""
    rows = images.reshape(len(images), -1).contiguous().numpy()
    whole = rows.view(np.dtype((np.void, max(1, rows.shape[1])))).ravel()
    return torch.from_numpy(np.unique(whole, return_inverse=True)[1].reshape(-1))


def near(images: UInt8[Tensor, "n h w c"]) -> Int[Tensor, " n"]:
    return exact(images)


def joined(first: Int[Tensor, " n"], second: Int[Tensor, " n"] | None = None) -> Int[Tensor, " n"]:
    """A cluster number for each image, such that two share one if a chain of relations joins them.

    Each argument numbers the images by one relation: those with the same number are related.
    """
    labels = [first] if second is None else [first, second]
    n = len(first)
    ends, base = [], n
    for label in labels:
        kinds, inverse = torch.unique(label, return_inverse=True)
        ends.append(inverse.numpy() + base)
        base += len(kinds)
    starts = np.tile(np.arange(n), len(labels))
    graph = coo_array((np.ones(len(starts), bool), (starts, np.concatenate(ends))), (base, base))
    return torch.from_numpy(connected_components(graph, directed=False)[1][:n].astype(np.int64))
