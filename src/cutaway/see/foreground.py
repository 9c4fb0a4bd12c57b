"""Segmentation of the foreground object in a picture, by colour and texture.

Two histograms of colour and texture, one of the thing and one of its surroundings, say what each
pixel looks like; the cheapest border between the two, a minimum cut, says where the thing ends;
both are found again from what was cut, until nothing changes.

Source: Boykov and Jolly 2001, 'Interactive graph cuts', for the cut; Rother et al. 2004,
'GrabCut', for its repetition; Vicente et al. 2009 for histograms.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

SIDE = 96
"""Longer side in pixels at which is cut; the mask is enlarged again."""
BINS, LOW, HIGH = (20, 10, 10, 5), (0.0, -50.0, -50.0, 0.0), (100.0, 50.0, 50.0, 12**0.5)
"""Bins and ranges of L, a, b and the root of the spread of L around a pixel."""
MAX_EVIDENCE = 6.0
"""Largest log ratio of one colour, so that one pixel alone decides nothing."""
SMOOTH = 6.0
"""Cost of a border between two pixels of one colour, in nats."""
ROUNDS = 6
STARTS = ((0.42, 0.36), (0.30, 0.26))
"""Half axes of the ellipses where the search starts, as shares of the picture."""
MIN_OVERLAP = 0.85
"""Overlap (intersection over union) of the results of both starts, below which neither is used."""
MIN_SHARE, MAX_SHARE = 0.005, 0.9
"""Shares of the picture that are too small, or too large, for an object."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the picture."""
Array = np.ndarray


@dataclass(frozen=True)
class View:
    """A small version of a picture, with its features per pixel.

    Attributes:
        features: L, a, b and texture of each pixel.
        x, y: where the pixels' middles are, from 0 to 1.
    """

    features: Float[Array, "h w 4"]
    x: Float[Array, "h w"]
    y: Float[Array, "h w"]


def foreground(pixels: UInt8[Tensor, "h w c"], box: Box | None = None) -> Bool[Tensor, "h w"]:
    """The mask of the object; empty where the result is not reliable.

    Without a box it is sought near the middle, twice, from a large and from a small ellipse, and
    is believed where both come to the same. That wants a plain background: other things in the
    picture are easily taken for it, or with it.

    Args:
        box: where the thing lies, if that is known: the smallest box that holds it.
    """
    view = make_view(pixels.cpu().numpy())
    mask = mask_in_box(view, box) if box else mask_without_box(view)
    rows, columns = (
        ((np.arange(n) + 0.5) * small / n).astype(int)
        for n, small in zip(pixels.shape[:2], mask.shape, strict=True)
    )
    return torch.from_numpy(mask[rows][:, columns]).to(pixels.device)


def mask_without_box(view: View) -> Bool[Array, "h w"]:
    """The mask on which two starts agree; empty where they do not, or where it is hardly an
    object."""
    first, second = (_largest_object(view, *start) for start in STARTS)
    union, share = (first | second).sum(), first.mean()
    if (
        not union
        or (first & second).sum() < MIN_OVERLAP * union
        or not MIN_SHARE < share < MAX_SHARE
    ):
        return np.zeros_like(first)
    return first


def mask_in_box(view: View, box: Box) -> Bool[Array, "h w"]:
    """The object in a box, and all of its pieces that are not small beside it."""
    left, top, right, bottom = box
    q = ((2 * view.x - left - right) / (right - left)) ** 2
    q += ((2 * view.y - top - bottom) / (bottom - top)) ** 2
    inside = (left < view.x) & (view.x < right) & (top < view.y) & (view.y < bottom)
    return cleaned(cut_out(view.features, inside & (q < 1), 3 * (1 - q), ~inside) & inside, 0.1)


def _largest_object(view: View, across: float, down: float) -> Bool[Array, "h w"]:
    """The largest object near a point a little below the middle."""
    q = ((view.x - 0.5) / across) ** 2 + ((view.y - 0.58) / down) ** 2
    edge = np.maximum(abs(view.x - 0.5), abs(view.y - 0.5)) > 0.47
    return cleaned(cut_out(view.features, q < 1, 1 - q, edge & (q > 2)), 1.0)


def cut_out(
    features: Float[Array, "h w 4"],
    mask: Bool[Array, "h w"],
    prior: Float[Array, "h w"],
    outside: Bool[Array, "h w"],
) -> Bool[Array, "h w"]:
    """log p(features | object) - log p(features | rest) + prior, cut at the least cost, repeatedly.

    Args:
        mask: the first estimate of the object.
        prior: log odds of the object by place alone.
        outside: what cannot be of it.
    """
    places = _bins(features)
    for _ in range(ROUNDS):
        if not (mask.any() and (~mask).any()):
            break
        odds = _log_share(places, mask) - _log_share(places, ~mask)
        odds = np.where(outside, -1000.0, odds.clip(-MAX_EVIDENCE, MAX_EVIDENCE) + prior)
        before, mask = mask, cheapest_cut(odds, features[..., :3])
        if (before == mask).all():
            break
    return mask


def _bins(features: Float[Array, "h w 4"]) -> tuple[Array, ...]:
    """The bin of a pixel in each of the four measures."""
    shares = (features - LOW) / np.subtract(HIGH, LOW)
    return tuple((shares[..., i].clip(0, 0.999) * n).astype(int) for i, n in enumerate(BINS))


def _log_share(places: tuple[Array, ...], some: Bool[Array, "h w"]) -> Float[Array, "h w"]:
    """The share of `some` that looks like each pixel, by a smoothed histogram."""
    from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

    counts = np.zeros(BINS)
    np.add.at(counts, tuple(place[some] for place in places), 1.0)
    counts = gaussian_filter(counts, (1.0, 0.7, 0.7, 0.7), mode="constant")
    return np.log(counts / counts.sum() + 1e-6)[places]


def cheapest_cut(odds: Float[Array, "h w"], colours: Float[Array, "h w 3"]) -> Bool[Array, "h w"]:
    """The mask M of least cost: -sum of odds over M, and SMOOTH e^(-d^2 / 2s) a border pixel.

    d is the distance of two neighbours' colours (eight neighbours a pixel), s its mean square:
    a border costs little where the colour changes. It is the side of the source that a maximum
    flow leaves unsaturated (Ford and Fulkerson 1956).
    """
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import (  # type: ignore[import-untyped]
        breadth_first_order,
        maximum_flow,
    )

    n, units = odds.size, 1000  # flows are of whole numbers
    source, sink = n, n + 1
    a, b = _neighbours(odds.shape)
    distance = ((colours.reshape(n, 3)[a] - colours.reshape(n, 3)[b]) ** 2).sum(1)
    cost = SMOOTH * np.exp(-distance / (2 * distance.mean() + 1e-9)) + 1 / units
    flat, every = odds.ravel(), np.arange(n)
    of = np.concatenate([a, b, np.full(n, source), every])
    to = np.concatenate([b, a, every, np.full(n, sink)])
    capacity = np.concatenate([cost, cost, flat.clip(0), (-flat).clip(0)])
    graph = csr_matrix(((units * capacity).round().astype(np.int32), (of, to)), (n + 2, n + 2))
    left = graph - maximum_flow(graph, source, sink).flow
    left.eliminate_zeros()
    reached = breadth_first_order(left, source, return_predecessors=False)
    return np.isin(every, reached).reshape(odds.shape)


def _neighbours(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Pairs of adjacent pixels, by side or by corner, each once."""
    at = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = (
        (at[:, :-1], at[:, 1:]), (at[:-1], at[1:]),
        (at[:-1, :-1], at[1:, 1:]), (at[:-1, 1:], at[1:, :-1]),
    )  # fmt: skip
    first, second = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    return first, second


def cleaned(mask: Bool[Array, "h w"], min_share: float) -> Bool[Array, "h w"]:
    """Pieces of at least that share of the largest, without threads, gaps and holes."""
    from scipy import ndimage  # type: ignore[import-untyped]

    numbers, count = ndimage.label(ndimage.binary_opening(mask))
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(numbers.ravel())[1:]
    large = np.isin(numbers, 1 + np.flatnonzero(sizes >= min_share * sizes.max()))
    closed = ndimage.binary_closing(np.pad(large, 3, mode="edge"), iterations=2)[3:-3, 3:-3]
    return ndimage.binary_fill_holes(closed)


def make_view(pixels: UInt8[Array, "h w c"]) -> View:
    """Colour and texture at SIDE pixels; a smaller picture keeps its size."""
    from scipy import ndimage

    colours = lab(np.broadcast_to(pixels[..., :3], (*pixels.shape[:2], 3)))
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    size = max(1, round(1 / scale))
    light = colours[..., 0]
    mean, square = (ndimage.uniform_filter(z, 3 * size) for z in (light, light**2))
    spread = np.sqrt((square - mean**2).clip(0)) ** 0.5
    features = [
        ndimage.zoom(
            ndimage.uniform_filter(z, size), scale, order=1, grid_mode=True, mode="nearest"
        )
        for z in (*np.moveaxis(colours, -1, 0), spread)
    ]
    h, w = features[0].shape
    x, y = np.meshgrid((np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h)
    return View(np.stack(features, -1), x, y)


def lab(pixels: UInt8[Array, "h w 3"]) -> Float[Array, "h w 3"]:
    """Convert sRGB to CIE L*a*b*, in which distances are perceptual (CIE 15:2004, D65)."""
    v = np.arange(256) / 255
    x = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)[pixels] @ TO_XYZ.T
    x /= TO_XYZ.sum(1)
    f = np.where(x > (6 / 29) ** 3, np.cbrt(x), x / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [
            116 * f[..., 1] - 16,
            500 * (f[..., 0] - f[..., 1]),
            200 * (f[..., 1] - f[..., 2]),
        ],
        -1,
    )


TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear sRGB to XYZ (IEC 61966-2-1)."""
