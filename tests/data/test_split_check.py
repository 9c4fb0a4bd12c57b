"""What is said of a division fits who made it."""

from dataclasses import replace

import pytest
import torch
from helpers.noise_sets import a_set, apart

from cutaway.data.split import split
from cutaway.errors import DataError


def said(parts) -> dict[str, str]:
    return {finding.kind: finding.detail for finding in parts.findings}


def test_groups_that_the_users_division_tears_apart_are_named():
    images = a_set([0, 1] * 50, groups=[*range(90), *range(10)], parts=[0] * 80 + [2] * 20)
    details = said(apart(images))
    assert details.keys() == {"torn-group", "drawn-val"}
    assert "10 of 20 test images are of a group that is also trained on" in details["torn-group"]


def test_copies_in_a_published_division_are_not_to_be_deleted():
    images = a_set([0, 1] * 50, parts=[0] * 80 + [2] * 20)
    images.images[99] = images.images[1]
    details = said(split(images))
    assert "Delete them" in details["leak"]
    details = said(split(replace(images, name="cifar10")))
    assert "Published figures" in details["leak"]


def test_a_single_image_of_a_class_wants_more_images_not_finer_groups():
    every = [one.detail for one in apart(a_set([0] * 30 + [1], classes=("cat", "dog"))).findings]
    lead = "No test image of class 'dog': there is only one. Add images"
    assert any(detail.startswith(lead) for detail in every)
    assert not any("group" in detail for detail in every)


def test_folds_say_that_they_replace_the_users_division():
    images = a_set([0, 1] * 50, parts=[0] * 80 + [2] * 20)
    assert said(apart(images, fold="1/5")).keys() == {"division-unused"}


def test_missing_parts_are_drawn_from_training_and_said():
    details = said(apart(a_set([0, 1] * 50, parts=[0] * 80 + [1] * 20)))
    assert "no test part: 16 of their training images" in details["drawn-test"]


def test_everything_in_the_test_part_is_refused():
    with pytest.raises(DataError, match="no training part"):
        apart(a_set([0] * 9, parts=[2] * 9))


def test_masks_have_no_class_that_is_lacking():
    images = a_set([0, 1] * 5 + [0] * 4, parts=[0] * 10 + [2] * 4)
    masks = torch.zeros(14, 4, 4, dtype=torch.uint8)
    assert "untested-class" not in said(apart(replace(images, masks=masks)))
    assert "untested-class" in said(apart(images))
