"""Groups of images that look alike, found without labels."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, ward  # type: ignore[import-untyped]

from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.learn.image_features import Progress, image_features, principal_components
from cutaway.learn.sorting import Sorter

MOST_GROUPS = 20
"""The largest number of groups that is tried where none is asked for."""
COMPONENTS = 32
"""Principal components of the features among which distances are taken."""
JOINED = 4000
"""Images at most, evenly chosen, that are compared pair by pair; the others go to the group whose
middle is nearest."""


@dataclass(frozen=True)
class Groups:
    """Images in groups, the largest group first.

    Attributes:
        group: of each image, from 0.
        distance: of each image to the middle of its group; small where it is typical.
        made_by: in words, by what they were compared.
        scores: the mean silhouette for each number of groups that was tried; empty where the
            number was asked for.
    """

    group: Int[np.ndarray, " n"]
    distance: Float[np.ndarray, " n"]
    made_by: str
    scores: dict[int, float]

    @property
    def names(self) -> list[str]:
        """`group-01`: names that sort."""
        return [f"group-{k + 1:02}" for k in range(len(self.members))]

    @cached_property
    def members(self) -> list[Int[np.ndarray, " m"]]:
        """The images of each group, the most typical first."""
        order = np.argsort(self.distance, kind="stable")
        return [order[self.group[order] == k] for k in range(self.group.max() + 1)]


def group_images(images: ImageSet, groups: int = 0, progress: Progress | None = None) -> Groups:
    """Group images by their features, joining whatever adds least to the spread within groups.

    Without a number of groups, the one of 2 to 20 with the largest mean silhouette is taken: how
    much nearer an image is to its own group than to the next.

    Source: Ward 1963, 'Hierarchical grouping to optimize an objective function'; Rousseeuw 1987,
    'Silhouettes'.

    Raises:
        UsageError: fewer images than groups, one group only, or they are no pictures.
    """
    if groups == 1 or groups < 0 or len(images) < max(3, groups + 1):
        raise UsageError(
            f"{len(images)} images cannot be sorted into {groups or 'several'} groups: ask for 2 "
            "or more groups, and for fewer than there are images."
        )
    features = image_features(images, progress)
    x = principal_components(features.values.numpy(), COMPONENTS)
    some = x[:: -(-len(x) // JOINED)]
    tree = joined(some)
    scores = {} if groups else silhouettes(some, tree)
    group, distance = spread(x, some, cut(tree, groups or max(scores, key=lambda k: scores[k])))
    return Groups(group, distance, features.made_by, scores)


def sort_groups(folder: Path, images: ImageSet, found: Groups) -> None:
    """Copy each picture into a folder of its group, the most typical first.

    Raises:
        UsageError: the images are not from files, or they lie in the folder itself.
        RunError: it cannot be written.
    """
    if images.sources is None:
        raise UsageError(f"{images.name} is not a folder of files, so nothing can be copied.")
    sorter = Sorter(folder, "--into")
    for name, members in zip(found.names, found.members, strict=True):
        for at in members.tolist():
            sorter.copy(images.sources[at], images.names[at], name)


def joined(x: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "joins 4"]:
    """Ward's tree of joins, as `scipy.cluster.hierarchy.linkage` gives it."""
    tree: np.ndarray = ward(x)
    return tree


def cut(tree: Float[np.ndarray, "joins 4"], groups: int) -> Int[np.ndarray, " n"]:
    """The group of each image, the largest is 0; fewer groups where images are equal."""
    group = fcluster(tree, groups, "maxclust") - 1
    order = np.argsort(-np.bincount(group), kind="stable")
    place: np.ndarray = np.argsort(order, kind="stable")[group]
    return place


def silhouettes(
    x: Float[np.ndarray, "n k"], tree: Float[np.ndarray, "joins 4"]
) -> dict[int, float]:
    """The mean silhouette for each number of groups."""
    tried = range(2, min(MOST_GROUPS, len(x) - 1) + 1)
    return {k: _silhouette(x, cut(tree, k)) for k in tried}


def _silhouette(x: Float[np.ndarray, "n k"], group: Int[np.ndarray, " n"]) -> float:
    """The mean silhouette; -1 where all images are the same, so that one group has them all."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(x, group)) if len(np.unique(group)) > 1 else -1.0


def spread(
    x: Float[np.ndarray, "n k"], some: Float[np.ndarray, "m k"], group: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The group of every image, and its distance to the middle of it, given those of some."""
    middles = [some[group == k].mean(0) for k in range(group.max() + 1)]
    apart = np.stack([np.linalg.norm(x - middle, axis=1) for middle in middles], 1)
    every = group if len(some) == len(x) else apart.argmin(1)
    return every, apart[np.arange(len(x)), every]
