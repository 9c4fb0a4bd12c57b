"""An audit names what is wrong, in bounded lists, and never fails on an odd set."""

import json
from dataclasses import replace

import pytest
import torch

from cutaway.data.audit import LISTED, audit
from cutaway.data.imageset import Finding, ImageSet


def a_set(n: int = 60, classes: int = 3, side: int = 16) -> ImageSet:
    draw = torch.Generator().manual_seed(0)
    return ImageSet(
        images=torch.randint(0, 256, (n, side, side, 1), generator=draw, dtype=torch.uint8),
        targets=torch.arange(n) % classes,
        classes=tuple("abcdefghijklmnopqrstuvwxyz"[:classes]),
        names=[f"image {i}" for i in range(n)],
    )


def kinds(result) -> list[str]:
    return [finding.kind for finding in result.findings]


def test_a_sound_set_gives_no_finding():
    result = audit(a_set())
    assert result.findings == ()
    assert result.counts == {"a": 20, "b": 20, "c": 20}
    assert (result.imbalance, result.size, result.channels) == (1.0, (16, 16), 1)
    assert result.summary()[-1] == "No problems were found."
    assert len(result.duplicates.unique()) == 60


def test_copies_contradictions_and_leaks_are_named():
    images = a_set()
    images.images[3] = images.images[0]  # the same class
    images.images[10] = images.images[50] // 8 * 8  # near, and of another class
    parts = torch.zeros(60, dtype=torch.int64)
    parts[50:] = 2
    result = audit(replace(images, parts=parts))
    by_kind = {finding.kind: finding for finding in result.findings}
    assert by_kind["exact-duplicate"].where == ("image 0", "image 3")
    assert by_kind["near-duplicate"].where == ("image 10", "image 50")
    assert by_kind["two-labels"].where == ("image 10", "image 50")
    assert "'b', 'c'" in by_kind["two-labels"].detail
    assert by_kind["leak"].where == ("image 50",)
    assert result.two_labels == result.near_clusters == [[10, 50]]
    assert result.exact_clusters == [[0, 3]]


def test_what_decoding_noticed_is_kept_and_counted():
    broken = Finding("truncated", ("x.jpg",), "The file ends early.", left_out=True)
    result = audit(replace(a_set(), findings=(broken,)))
    assert result.findings == (broken,)
    assert "1 image left out." in result.summary()


def test_tiny_and_uneven_classes_are_named():
    targets = torch.tensor([0] * 56 + [1] * 4)
    result = audit(replace(a_set(), targets=targets))
    assert kinds(result) == ["tiny-class", "empty-class", "imbalance"]
    assert result.tiny == ("b",)
    assert result.imbalance == 14
    assert "'b' (4)" in result.findings[0].detail
    assert result.findings[2].where == ("a", "b")


def test_lists_are_bounded_and_say_how_many_more():
    images = a_set(200)
    images.images[100:] = images.images[:100]
    result = audit(images)
    listed = [finding for finding in result.findings if finding.kind == "exact-duplicate"]
    assert len(listed) == LISTED + 1
    assert "80 more clusters" in listed[-1].detail
    assert len(listed[-1].where) == LISTED
    assert len(result.exact_clusters) == 100


def test_json_is_plain_and_short():
    images = a_set(200)
    images.images[1:] = images.images[:1]
    text = json.dumps(audit(images).to_json())
    body = json.loads(text)
    assert len(text) < 10_000
    assert body["exact_clusters"]["count"] == 1
    assert body["counts"] == {"a": 67, "b": 67, "c": 66}
    assert {"kind", "where", "detail", "left_out"} == body["findings"][0].keys()


@pytest.mark.parametrize(
    ("n", "classes", "side"), [(0, 1, 4), (1, 1, 8), (2, 2, 1), (7, 26, 3), (40, 1, 16)]
)
def test_odd_sets(n, classes, side):
    result = audit(a_set(n, classes, side))
    assert all(isinstance(sentence, str) for sentence in result.summary())
    json.dumps(result.to_json())


def test_one_class_and_identical_images_are_said():
    images = a_set(40, 1)
    images.images[:] = 7
    result = audit(images)
    assert kinds(result) == ["exact-duplicate", "one-class"]


def test_progress_is_told_what_is_done():
    said: list[str] = []
    audit(a_set(), said.append)
    assert said == ["looking for exact copies", "looking for near copies"]


def test_signals_are_compared_exactly_and_called_so():
    images = a_set()
    signals = images.images.reshape(60, 256, 1).clone()
    signals[3] = signals[0]
    signals[10] = signals[50] // 8 * 8
    said: list[str] = []
    result = audit(replace(images, images=signals), said.append)
    assert said == ["looking for exact copies"]
    assert result.summary()[0].startswith("60 signals of 256 values, 1 channel, 3 classes;")
    assert kinds(result) == ["exact-duplicate"]
    assert result.findings[0].detail == "2 signals are equal in every value."
    assert result.size == (256,)


def test_videos_are_called_so():
    images = a_set()
    result = audit(replace(images, images=images.images.reshape(60, 4, 8, 8, 1)))
    assert result.summary()[0].startswith("60 videos of 4 frames of 8 x 8 pixels,")


def test_all_there_is_is_not_searched():
    pixels = torch.zeros(4, 2, 1, dtype=torch.uint8)
    images = ImageSet(pixels, torch.tensor([0, 1, 1, 0]), ("0", "1"), list("abcd"), whole=True)
    result = audit(images, lambda said: pytest.fail(said))
    assert result.findings == ()
    assert result.summary() == [
        "4 samples of 2 values, 1 channel, 2 classes.",
        "They are all there is: nothing is held out from training.",
    ]
    json.dumps(result.to_json())


def test_masks_are_asked_which_classes_they_show():
    images = a_set(60, 3)
    images.images[10] = images.images[50]  # the largest classes differ: that is no contradiction
    masks = torch.zeros(60, 16, 16, dtype=torch.uint8)
    masks[:, 4:8] = 2
    result = audit(replace(images, masks=masks, targets=torch.arange(60) % 2 + 1))
    by_kind = {finding.kind: finding for finding in result.findings}
    assert by_kind.keys() == {"exact-duplicate", "empty-class"}
    assert by_kind["empty-class"].where == ("b",)
