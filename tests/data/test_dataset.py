"""Data sets of Hugging Face's `datasets`, as `load_dataset` gives them."""

from typing import Any

import numpy as np
import pytest
import torch
from helpers.digits import digits
from PIL import Image

from cutaway.data.sources import load
from cutaway.data.target import Labels
from cutaway.errors import DataError, UsageError

hf = pytest.importorskip("datasets", reason="`datasets` is not installed")
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
DIGITS = digits(40)
PICTURES = [Image.fromarray(one[..., 0].numpy()) for one in DIGITS.images]


def dataset(**columns: Any) -> Any:
    """Digits as rows with an image and a label, whose names are known."""
    known = {"image": hf.Image(), "label": hf.ClassLabel(names=NAMES)}
    known |= {name: feature for name, (feature, _) in columns.items()}
    values = {"image": PICTURES, "label": DIGITS.targets.tolist()}
    values |= {name: values for name, (_, values) in columns.items()}
    return hf.Dataset.from_dict(values, features=hf.Features(known))


@pytest.mark.parametrize("given", [None, "numpy", "torch", "arrow", "pandas"])
def test_images_and_names_come_as_they_are_whatever_the_format(given: str | None):
    images = load(dataset().with_format(given))
    assert torch.equal(images.images, DIGITS.images)
    assert torch.equal(images.targets, DIGITS.targets)
    assert images.classes == tuple(NAMES)


def test_splits_are_the_parts_and_the_name_is_kept():
    whole = dataset()
    whole.info.dataset_name = "small_digits"
    parts = hf.DatasetDict(
        train=whole.select(range(30)), validation=whole.select(range(30, 34)),
        test=whole.select(range(34, 40)),
    )  # fmt: skip
    images = load(parts)
    assert images.parts is not None
    assert images.parts.bincount().tolist() == [30, 4, 6]
    assert images.name == "small_digits"
    assert torch.equal(images.images, DIGITS.images)
    parts["unsupervised"] = whole.select(range(3))
    with pytest.raises(UsageError, match="'unsupervised' is not a part"):
        load(parts)


def test_pictures_that_are_not_decoded_or_are_arrays_are_taken():
    raw = dataset().cast_column("image", hf.Image(decode=False))
    arrays = dataset(image=(hf.Array2D((8, 8), "uint8"), [np.asarray(one) for one in PICTURES]))
    for one in (raw, arrays):
        assert torch.equal(load(one).images, DIGITS.images)
    whole = dataset()
    assert torch.equal(load((whole["image"], whole["label"])).images, DIGITS.images)


def test_a_list_of_class_labels_is_several_labels():
    listed = hf.Sequence(hf.ClassLabel(names=NAMES))
    two = [[int(t), (int(t) + 1) % 10] for t in DIGITS.targets]
    images = load(dataset(label=(listed, two)))
    assert isinstance(images.target, Labels)
    assert images.labels is not None
    assert [row.nonzero().flatten().tolist() for row in images.labels] == [sorted(r) for r in two]
    assert images.classes == tuple(NAMES)


def test_columns_are_found_named_and_grouped_by():
    renamed = dataset(who=(hf.Value("string"), [f"p{i // 4}" for i in range(40)]))
    renamed = renamed.rename_columns({"image": "picture", "label": "kind"})
    images = load(renamed, label="kind", group_by="who")
    assert images.classes == tuple(NAMES)
    assert images.groups is not None
    assert len(images.groups.unique()) == 10
    with pytest.raises(UsageError, match="no column that is known to hold pictures: label"):
        load(dataset().remove_columns("image"))
    with pytest.raises(UsageError, match="no column that looks like labels"):
        load(dataset().remove_columns("label"))


def test_one_that_is_broken_or_has_no_label_costs_itself():
    broken = {"bytes": b"no picture", "path": None}
    targets = [-1, *DIGITS.targets.tolist()[1:]]
    images = load(
        dataset(
            image=(hf.Image(), [*PICTURES[:39], broken]),
            label=(hf.ClassLabel(names=NAMES), targets),
        )
    )
    assert len(images) == 38
    assert sorted(one.kind for one in images.findings) == ["unlabelled", "unreadable"]
    with pytest.raises(DataError, match="no images"):
        load(dataset().select([]))
