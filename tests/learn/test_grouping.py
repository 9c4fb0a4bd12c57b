"""Images that look alike come into one group; the number of groups follows the silhouette."""

import numpy as np
import pytest
import torch
from helpers.drawn_classes import shapes
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score

from cutaway.data.sources import load
from cutaway.errors import CutawayError
from cutaway.learn.grouping import cut, group_images, joined, silhouettes, spread


def clouds(count: int, apart: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Points around corners of a simplex, more around the first ones."""
    draw = np.random.default_rng(0)
    true = np.concatenate([np.full(30 - 5 * k, k) for k in range(count)])
    return np.eye(count)[true] * apart + draw.normal(size=(len(true), count)), true


def test_clouds_are_found_and_counted():
    x, true = clouds(4)
    tree = joined(x)
    scores = silhouettes(x, tree)
    assert max(scores, key=lambda k: scores[k]) == 4
    group, distance = spread(x, x, cut(tree, 4))
    assert (group == true).all()  # the largest first
    assert scores[4] == pytest.approx(silhouette_score(x, true))
    middles = np.stack([x[true == k].mean(0) for k in range(4)])
    assert distance == pytest.approx(np.linalg.norm(x - middles[true], axis=1))


def test_those_left_out_of_the_tree_go_to_the_nearest_middle():
    x, true = clouds(4)
    group, distance = spread(x, x[::2], cut(joined(x[::2]), 4))
    assert (group == true).all()
    assert (distance < 6).all()


def test_digits_are_grouped_as_people_would():
    images = load("digits").subset(torch.arange(600))
    found = group_images(images, 10)
    assert adjusted_mutual_info_score(images.targets.numpy(), found.group) > 0.55
    assert sum(map(len, found.members)) == 600
    sizes = [len(members) for members in found.members]
    assert sizes == sorted(sizes, reverse=True)
    for members in found.members:
        assert (np.diff(found.distance[members]) >= 0).all()


def test_impossible_numbers_of_groups_are_sentences():
    for groups in (1, -2, 40):
        with pytest.raises(CutawayError, match="cannot be sorted into"):
            group_images(shapes(40), groups)


def test_equal_images_are_no_failure():
    images = shapes(12)
    images.images[:] = images.images[:1]
    assert sum(map(len, group_images(images).members)) == 12
