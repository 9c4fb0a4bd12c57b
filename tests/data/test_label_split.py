"""Splits of several labels an image: shares kept, units undivided."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.data.imageset import ImageSet, Numbered
from cutaway.data.split import Split, split
from cutaway.data.stratify import TEST, TRAIN, VAL, deal


def drawn(n: int, shares: list[float], seed: int) -> np.ndarray:
    """Labels of independent images, each with its share."""
    return (np.random.default_rng(seed).random((n, len(shares))) < shares).astype(np.uint8)


def labelled(rows: np.ndarray, groups: np.ndarray | None = None) -> ImageSet:
    pixels = torch.randint(256, (len(rows), 4, 4, 1), generator=torch.Generator().manual_seed(0))
    images = ImageSet(pixels.byte(), torch.zeros(len(rows)).long(), (), Numbered("x", len(rows)))
    images = images.with_labels(torch.from_numpy(rows), [f"l{k}" for k in range(rows.shape[1])])
    return (
        images
        if groups is None
        else ImageSet(**{**vars(images), "groups": torch.from_numpy(groups)})
    )


def apart(images: ImageSet, **more: object) -> Split:
    return split(images, duplicates=torch.arange(len(images)), **more)  # type: ignore[arg-type]


def test_shares_of_labels_are_kept_far_better_than_at_random() -> None:
    shares = [0.5, 0.2, 0.1, 0.05, 0.02]
    rows = drawn(1000, shares, 0)
    side = deal(np.arange(1000), rows, [0.0, 0.1, 0.2], np.random.default_rng(0))
    off = [abs(rows[side == TEST, k].mean() - rows[:, k].mean()) for k in range(5)]
    rng = np.random.default_rng(1)
    random = [
        [abs(rows[rng.permutation(1000)[:200], k].mean() - rows[:, k].mean()) for k in range(5)]
        for _ in range(20)
    ]
    assert np.mean(off) < 0.5 * np.mean(random)
    assert max(off[1:]) < 0.01
    assert [(side == part).sum() for part in (TRAIN, VAL, TEST)] == pytest.approx(
        [700, 100, 200], abs=12
    )


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(3, 60))
@settings(max_examples=60, deadline=None)
def test_units_stay_whole_and_labels_are_in_every_part(seed: int, k: int, units: int) -> None:
    rng = np.random.default_rng(seed)
    unit = np.sort(rng.integers(0, units, 3 * units))
    unit = np.unique(unit, return_inverse=True)[1]
    rows = drawn(len(unit), rng.random(k).tolist(), seed)
    side = deal(unit, rows, [0.0, 0.1, 0.2], rng)
    assert ((side >= TRAIN) & (side <= TEST)).all()
    assert all(len({*side[unit == one]}) == 1 for one in range(unit.max() + 1))
    for label in range(k):
        if rows[:, label].any():
            assert rows[side == TRAIN, label].any()


def test_a_rare_label_goes_to_each_part() -> None:
    rows = np.zeros((200, 3), np.uint8)
    rows[:, 0], rows[:3, 1], rows[3:5, 2] = 1, 1, 1
    parts = apart(labelled(rows), seed=3)
    assert all(rows[side.numpy(), 1].sum() == 1 for side in (parts.train, parts.val, parts.test))
    assert rows[parts.train.numpy(), 2].sum() == 1
    assert rows[parts.test.numpy(), 2].sum() == 1
    (finding,) = parts.findings
    assert (finding.kind, finding.where) == ("untested-label", ("l2",))
    assert "No validation image has the label 'l2'" in finding.detail


def test_groups_are_kept_together_and_folds_cover_everything() -> None:
    groups = np.arange(300) // 5
    images = labelled(drawn(300, [0.4, 0.1], 2), groups)
    tests = [apart(images, fold=f"{k}/4").test.numpy() for k in range(1, 5)]
    assert sorted(np.concatenate(tests).tolist()) == list(range(300))
    assert sum(len({*groups[test]}) for test in tests) == 60
    assert images.labels is not None
    counts = [images.labels[test].sum(0).tolist() for test in tests]
    assert np.ptp(counts, axis=0).max() <= 8


def test_the_source_s_own_part_may_lack_a_label() -> None:
    rows = np.zeros((30, 2), np.uint8)
    rows[:15, 0], rows[20:, 1] = 1, 1
    images = labelled(rows)
    own = torch.where(torch.arange(30) < 20, 0, 2)
    parts = apart(ImageSet(**{**vars(images), "parts": own}))
    kinds = {finding.kind: finding.where for finding in parts.findings}
    assert kinds["untrained-label"] == ("l1",)
    assert kinds["untested-label"] == ("l0",)
