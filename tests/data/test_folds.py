"""Cross-validation: every unit is tested once, and never divided."""

import numpy as np
import pytest
import torch
from helpers.noise_sets import a_set, apart, covers, grouped
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.data.split import Split
from cutaway.errors import DataError, UsageError


@given(grouped(), st.integers(2, 4), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_each_unit_is_tested_in_exactly_one_fold(case, count, seed):
    groups, targets, val, _ = case
    images = a_set(targets, groups, parts=np.arange(len(targets)) % 2 * 2)
    parts = [apart(images, val=val, seed=seed, fold=f"{k}/{count}") for k in range(1, count + 1)]
    tested = torch.cat([part.test for part in parts])
    assert tested.sort().values.equal(torch.arange(len(images)))
    for part in parts:
        assert covers(part, len(images))
        assert (part.leakage, part.fold[1:]) == (0, f"/{count}")
        assert (len(part.val) > 0) == (val > 0)
        held = [set(groups[side.numpy()]) for side in (part.train, part.val, part.test)]
        assert sum(map(len, held)) == len(set(groups))
        for c in range(len(images.classes)):  # the share of a class is a fold's but for one unit
            largest = np.bincount(groups[targets == c]).max()
            got = int((targets[part.test.numpy()] == c).sum())
            assert abs(got - (targets == c).sum() / count) <= largest


def test_folds_of_single_images_are_of_one_size_and_stratified():
    images = a_set([0] * 37 + [1] * 25 + [2] * 8)
    parts = [apart(images, fold=f"{k}/5") for k in range(1, 6)]
    counts = np.array([np.bincount(images.targets[p.test], minlength=3) for p in parts])
    assert (counts.max(0) - counts.min(0) <= 1).all()
    assert counts.sum(1).tolist() == [14] * 5
    again = apart(images, fold="3/5")
    assert again.test.equal(parts[2].test)
    assert not again.test.equal(apart(images, fold="3/5", seed=1).test)


@pytest.mark.parametrize("text", ["6/5", "0/5", "1/1", "x", "2", "2/5/7", "-1/5", "2 / 5", "٢/٥x"])
def test_a_fold_that_makes_no_sense(text):
    with pytest.raises(UsageError, match="is not a fold: write 2/5"):
        apart(a_set([0] * 40), fold=text)


def test_more_folds_than_groups_are_refused():
    with pytest.raises(DataError, match=r"fall into 4 groups .* too few for 5 folds"):
        apart(a_set([0] * 40, groups=np.arange(40) // 10), fold="1/5")


def test_a_fold_is_kept_in_its_file(tmp_path):
    images = a_set([0] * 40)
    apart(images, fold="2/4").save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json", images).fold == "2/4"
