"""Splits: nothing divided that belongs together, everything covered, the same again from a seed."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.noise_sets import a_set, apart, covers, grouped
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.data.duplicates import join_clusters
from cutaway.data.split import Split, split
from cutaway.data.stratify import deal, expected_leakage, leakage
from cutaway.errors import DataError, RunError, UsageError


@given(grouped(), st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_properties_of_a_grouped_split(case, seed):
    groups, targets, val, test = case
    images = a_set(targets, groups)
    parts = apart(images, val=val, test=test, seed=seed)
    assert covers(parts, len(images))
    sides = {"train": parts.train, "val": parts.val, "test": parts.test}
    held = [set(groups[side.numpy()]) for side in sides.values()]
    assert sum(map(len, held)) == len(set(groups))
    assert parts.leakage == 0
    for c in range(len(images.classes)):
        of_class = targets == c
        largest = np.bincount(groups[of_class]).max()
        for name, share in (("val", val), ("test", test)):
            got = int((targets[sides[name].numpy()] == c).sum())
            assert (got > 0) == (share > 0)
            assert abs(got - share * of_class.sum()) <= 2 * largest + 1
        assert c in targets[parts.train.numpy()]


@given(grouped(), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_a_seed_gives_the_same_split_again_and_a_file_gives_it_back(tmp_path_factory, case, seed):
    groups, targets, val, test = case
    images = a_set(targets, groups)
    first, second = (apart(images, val=val, test=test, seed=seed) for _ in range(2))
    path = tmp_path_factory.mktemp("split") / "split.json"
    first.save(path)
    for other in (second, Split.load(path, images)):
        for key, value in vars(first).items():
            same = value.equal(getattr(other, key)) if isinstance(value, torch.Tensor) else (
                value == getattr(other, key))  # fmt: skip
            assert same, key


@given(st.integers(0, 99), st.lists(st.integers(0, 3), min_size=60, max_size=200))
@settings(max_examples=50, deadline=None)
def test_groups_of_several_classes_are_not_divided(seed, targets):
    groups = np.random.default_rng(seed).integers(0, 30, len(targets))
    images = a_set(targets, groups)
    parts = apart(images, seed=seed)
    held = [set(groups[side.numpy()]) for side in (parts.train, parts.val, parts.test)]
    assert sum(map(len, held)) == len(set(groups))
    assert parts.leakage == 0


def test_without_groups_the_classes_keep_their_shares_exactly():
    parts = apart(a_set([0] * 100 + [1] * 50))
    assert [len(parts.train), len(parts.val), len(parts.test)] == [105, 15, 30]
    assert (parts.test < 100).sum() == 20
    assert (parts.val < 100).sum() == 10
    assert parts.kept_together == (0, 0)
    assert parts.findings == ()


def test_another_seed_gives_another_split():
    images = a_set([0] * 100)
    assert not apart(images, seed=0).test.equal(apart(images, seed=1).test)


def test_groups_joined_by_a_duplicate_stay_together():
    images = a_set([0] * 90, groups=np.arange(90) // 3)
    duplicates = torch.arange(90)
    duplicates[3] = 0  # the first image of the second group copies the first of the first
    for seed in range(5):
        parts = split(images, seed=seed, duplicates=duplicates)
        assert any(
            set(range(6)) <= set(side.tolist()) for side in (parts.train, parts.val, parts.test)
        )
    assert parts.kept_together == (29, 90)


def test_join_clusters_follows_chains():
    first, second = torch.tensor([0, 0, 1, 2, 3]), torch.tensor([7, 8, 8, 9, -1])
    label = join_clusters(first, second)
    assert label[0] == label[1] == label[2]
    assert len(set(label.tolist())) == 3


def test_no_part_is_all_singles():
    """Half of the images are pairs: about half of the test images must be, too."""
    groups = np.concatenate([np.arange(500) // 2, 500 + np.arange(500)])
    shares = [
        (apart(a_set([0] * 1000, groups), seed=s).test < 500).float().mean() for s in range(5)
    ]
    assert 0.35 < np.mean(shares) < 0.65


def test_random_leakage_is_the_mean_of_random_splits():
    rng = np.random.default_rng(0)
    unit, target = rng.integers(0, 40, 100), rng.integers(0, 2, 100)
    side = deal(np.arange(100), target, [0.0, 0.1, 0.2], rng)
    draws = []
    for _ in range(2000):
        shuffled = side.copy()
        for c in range(2):
            shuffled[target == c] = rng.permutation(side[target == c])
        draws.append(leakage(unit, shuffled))
    error = 4 * np.std(draws) / len(draws) ** 0.5
    assert expected_leakage(unit, target, side) == pytest.approx(np.mean(draws), abs=error)


def test_a_class_in_one_group_trains_and_is_named():
    images = a_set([0] * 30 + [1] * 4, [*range(30), *[30] * 4], classes=("cat", "dog"))
    parts = apart(images)
    assert set(range(30, 34)) <= set(parts.train.tolist())
    assert {finding.kind for finding in parts.findings} == {"undivided-class"}
    assert all(finding.where == ("dog",) for finding in parts.findings)
    assert "'dog'" in parts.findings[0].detail


def test_two_groups_serve_training_and_test():
    parts = apart(a_set([0] * 30 + [1] * 4, [*range(30), 30, 30, 31, 31]))
    assert len(set(parts.test.tolist()) & set(range(30, 34))) == 2


def test_nothing_to_test_on_is_refused():
    with pytest.raises(DataError, match="No image is left for the val part"):
        apart(a_set([0, 0, 1, 1], groups=[0, 0, 1, 1]), test=0)
    with pytest.raises(DataError, match="test=0"):
        apart(a_set([0]), val=0)
    assert len(apart(a_set([0]), val=0, test=0).train) == 1


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0.2), (0.5, 0.5), (float("nan"), 0.2)])
def test_impossible_shares_are_refused(val, test):
    with pytest.raises(UsageError, match="shares"):
        apart(a_set([0] * 9), val=val, test=test)


def test_the_sources_own_test_part_is_kept():
    images = a_set([0, 1] * 50, parts=[0] * 80 + [2] * 20)
    parts = apart(images)
    assert parts.test.tolist() == list(range(80, 100))
    assert len(parts.val) == 8
    assert covers(parts, 100)


def test_the_sources_own_validation_part_is_kept():
    parts = apart(a_set([0, 1] * 50, parts=[0] * 70 + [1] * 10 + [2] * 20))
    assert parts.val.tolist() == list(range(70, 80))


def test_one_part_only_is_no_division():
    assert len(apart(a_set([0] * 100, parts=[0] * 100)).test) == 20


def test_a_test_part_without_training_is_refused():
    with pytest.raises(DataError, match="no training part"):
        apart(a_set([0] * 4, parts=[1, 1, 2, 2]))


def test_a_leaking_benchmark_is_reported_and_mended_only_when_asked():
    images = a_set([0] * 100, parts=[0] * 80 + [2] * 20)
    duplicates = torch.arange(100)
    duplicates[99] = duplicates[98] = 5
    kept, mended = (split(images, duplicates=duplicates, drop_leaks=drop) for drop in (False, True))
    assert kept.leakage == pytest.approx(0.1)
    assert [finding.kind for finding in kept.findings] == ["leak", "drawn-val"]
    assert kept.findings[0].where == ("image 98", "image 99")
    assert mended.leakage == 0
    assert mended.dropped.tolist() == [5]
    assert covers(kept, 100)
    assert covers(mended, 100)
    assert kept.test.equal(mended.test)


def test_a_split_of_other_images_is_refused(tmp_path):
    images = a_set([0] * 20)
    apart(images).save(tmp_path / "split.json")
    with pytest.raises(RunError, match="another image set"):
        Split.load(tmp_path / "split.json", replace(images, classes=("other",)))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1}', "\x00"])
def test_a_damaged_file_is_one_sentence(tmp_path, text):
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(RunError, match=r"split\.json"):
        Split.load(path)


def test_a_missing_file_and_an_unwritable_place_are_sentences(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        Split.load(tmp_path / "none.json")
    with pytest.raises(RunError, match="cannot be written"):
        apart(a_set([0] * 20)).save(tmp_path / "no folder" / "split.json")


def test_a_changed_number_is_noticed(tmp_path):
    path = tmp_path / "split.json"
    apart(a_set([0] * 20)).save(path)
    body = json.loads(path.read_text())
    body["seed"] = 1
    path.write_text(json.dumps(body))
    with pytest.raises(RunError, match="checksum"):
        Split.load(path)
    path.write_text(json.dumps({**body, "version": 3}))
    with pytest.raises(RunError, match="version 3"):
        Split.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "split.json"
    images = a_set([0] * 20)
    apart(images).save(path)
    before = path.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError):
        apart(images, seed=1).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["split.json"]


def test_all_there_is_is_learned_and_tested(tmp_path):
    images = replace(a_set([0, 1, 1, 0]), whole=True, name="xor")
    parts = split(images)
    assert parts.train.tolist() == parts.test.tolist() == [0, 1, 2, 3]
    assert (len(parts.val), len(parts.dropped), parts.leakage) == (0, 0, 0)
    assert [(f.kind, f.left_out) for f in parts.findings] == [("whole", False)]
    assert "These 4 images are all there is: nothing is held out" in parts.findings[0].detail
    parts.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json", images).test.tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="xor is all there is and has no folds"):
        split(images, fold="1/2")


def test_which_images_are_related_is_kept(tmp_path):
    parts = apart(a_set(np.arange(60) % 2, np.arange(60) // 3), seed=1)
    parts.save(tmp_path / "split.json")
    again = Split.load(tmp_path / "split.json")
    assert again.groups == parts.groups == tuple((k, k + 1, k + 2) for k in range(0, 60, 3))
    number = again.related(torch.tensor([4, 0, 3, 59, 1]))
    assert number.tolist() == [number[2], number[4], number[2], number[3], number[4]]
    assert len(number.unique()) == 3
    assert again.related(torch.tensor([0, 3, 6])) is None
