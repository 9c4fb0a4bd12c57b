import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.model_packages import package
from helpers.pictures import encoded, image, noise
from PIL import Image
from torch.utils.data import Dataset

from cutaway.data.augment import parse
from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError

PICTURES = [image(8, 8, seed=i) for i in range(6)]


class Turning(Dataset):
    """Flips at random, as a transform for training does."""

    def __init__(self, draw: str = "torch") -> None:
        self.draw = draw

    def __len__(self) -> int:
        return 6

    def __getitem__(self, i: int) -> tuple:
        number = {"torch": torch.rand(()).item, "numpy": np.random.rand, "python": random.random}
        turned = PICTURES[i].transpose(Image.Transpose.ROTATE_90)
        return turned if number[self.draw]() < 0.5 else PICTURES[i], i % 2


@pytest.mark.parametrize("draw", ["torch", "numpy", "python"])
def test_random_transforms_are_told_and_give_the_same_images_each_time(draw: str) -> None:
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again = load(Turning(draw)), load(Turning(draw))
    assert [f.kind for f in first.findings] == ["varying"]
    assert "read once and kept" in first.findings[0].detail
    advice = re.search(r"augment='(.*?)'", first.findings[0].detail)
    assert advice
    assert str(parse(advice[1])) == "flip+shift:2"
    assert first.fingerprint == again.fingerprint
    assert (torch.get_rng_state() == states[0]).all()
    assert (np.random.get_state()[1] == states[1]).all()


def test_images_that_stay_as_they_are_are_not_told_of() -> None:
    assert load([(one, i % 2) for i, one in enumerate(PICTURES)]).findings == ()


class Columns(Dataset):
    """Rows with names, as a `datasets.Dataset` gives them, and its features."""

    def __init__(self, names: dict | None = None, **columns: list) -> None:
        self.columns, self.features = columns, names or {}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, i: int) -> dict:
        return {name: values[i] for name, values in self.columns.items()}


class Names:
    names = ("cat", "dog")


@pytest.mark.parametrize("column", ["image", "img", "pixel_values", "picture 1"])
@pytest.mark.parametrize("label", ["label", "labels", "target", "fine_label"])
def test_columns_by_their_usual_names(column: str, label: str) -> None:
    rows = Columns({label: Names()}, **{"id": list(range(6)), column: PICTURES, label: [0, 1] * 3})
    images = load(rows)
    assert images.classes == ("cat", "dog")
    assert (images.images[5].numpy() == noise(8, 8, seed=5)).all()


def test_a_label_can_be_chosen_and_several_are_refused() -> None:
    rows = Columns(img=PICTURES, fine_label=[0, 1, 2] * 2, coarse_label=[0, 1] * 3)
    with pytest.raises(UsageError, match=r"several columns .*: fine_label, coarse_label\. Name"):
        load(rows)
    assert load(rows, label="coarse_label").classes == ("0", "1")
    with pytest.raises(UsageError, match=r"no column 'coarse'. Did you mean 'coarse_label'\?"):
        load(rows, label="coarse")
    with pytest.raises(UsageError, match=r"no column that looks like labels: img"):
        load(Columns(img=PICTURES))
    with pytest.raises(UsageError, match=r"no column that is known to hold pictures: text, label"):
        load(Columns(text=["a"] * 6, label=[0, 1] * 3))


def test_pictures_that_are_not_decoded_yet() -> None:
    cells = [{"bytes": encoded(one), "path": None} for one in PICTURES]
    images = load(Columns(image=[*cells, {"bytes": b"no", "path": "x"}], label=[0, 1] * 3 + [0]))
    assert (images.images[3].numpy() == noise(8, 8, seed=3)).all()
    assert [(f.kind, f.where) for f in images.findings] == [("not-an-image", ("item/6",))]


def test_images_without_a_label_are_left_out() -> None:
    images = load(Columns({"label": Names()}, image=PICTURES, label=[0, 1, -1, None, 1, 0]))
    assert images.names == ["item/0", "item/1", "item/4", "item/5"]
    assert images.findings[0].where == ("item/2", "item/3")


def test_a_column_groups() -> None:
    rows = Columns(image=PICTURES, label=[0, 1] * 3, patient=list("ppqqrr"))
    images = load(rows, group_by="patient")
    assert images.groups is not None
    assert images.groups.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("side", [8, 120])
def test_targets_that_are_pictures_are_masks(side: int) -> None:
    masks = [
        Image.fromarray((noise(side, side, 1, i)[..., 0] > 99).astype(np.uint8)) for i in (0, 1)
    ]
    images = load(Columns(image=[image(side, side, seed=i) for i in (0, 1)], annotation=masks))
    assert images.masks is not None
    assert images.masks.shape == images.images.shape[:3]
    if side == 8:
        assert (images.masks[1].numpy() == np.asarray(masks[1])).all()
    with pytest.raises(
        DataError, match=r"item/0 has the shape \(4, 4\), which is not that of its image"
    ):
        load([(PICTURES[0], np.zeros((4, 4), int)), (PICTURES[1], np.zeros((4, 4), int))])


def test_one_hot_and_single_element_targets() -> None:
    rows = torch.eye(3)
    assert load([(one, rows[i % 3]) for i, one in enumerate(PICTURES)]).targets.tolist() == [
        *[0, 1, 2] * 2
    ]
    assert load([(one, torch.tensor([i % 2])) for i, one in enumerate(PICTURES)]).classes == (
        *("0", "1"),
    )


def test_several_labels_of_an_item() -> None:
    flags = load([(one, torch.tensor([1, 1, i % 2])) for i, one in enumerate(PICTURES)])
    assert flags.classes == ("label 1", "label 2", "label 3")
    assert flags.labels is not None
    assert flags.labels[:2].tolist() == [[1, 1, 0], [1, 1, 1]]
    names = load([(one, ["a", "b"][: i % 3]) for i, one in enumerate(PICTURES)])
    assert names.labels is not None
    assert names.labels[:3].tolist() == [[0, 0], [1, 0], [1, 1]]


def test_what_an_item_is_is_said() -> None:
    with pytest.raises(
        UsageError, match=r"item 0 is of type tuple with 3 parts \(Image, int, int\)"
    ):
        load([(one, 0, 1) for one in PICTURES])
    floats = [(np.full((4, 4), 2.5 * i), i % 2) for i in range(4)]
    with pytest.raises(DataError, match=r"Item 1 .* from 2.5 to 2.5. Floats must lie in 0..1"):
        load(floats)
    with pytest.raises(DataError, match=r"Item 0 .* an array or a tensor is expected, not 3"):
        load([(3, 0), (4, 1)])


def test_an_image_with_values_that_are_no_numbers_is_left_out() -> None:
    items = [(np.full((4, 4), value), i % 2) for i, value in enumerate((0.5, 0.1, np.nan, 0.2))]
    images = load(items)
    assert [(f.kind, f.where) for f in images.findings] == [("not-finite", ("item/2",))]


def test_hugging_face(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {"image": PICTURES, "label": [0, 1] * 3}
    data = datasets.Dataset.from_dict(rows, features=features)
    for form in (data, data.with_format("torch"), data.with_format("numpy")):
        images = load(form)
        assert images.classes == ("cat", "dog")
        assert (images.images[5].numpy() == noise(8, 8, seed=5)).all()
    parts = load(datasets.DatasetDict({"train": data, "test": data.select([0, 1])})).parts
    assert parts is not None
    assert parts.tolist() == [0] * 6 + [2] * 2
    streamed = load(data.to_iterable_dataset())
    assert torch.equal(streamed.images, load(data).images)
    assert streamed.classes == ("cat", "dog")


def test_torchvision() -> None:
    torchvision = package("torchvision")
    images = load(torchvision.datasets.FakeData(6, (3, 8, 8), 2))
    assert images.images.shape == (6, 8, 8, 3)
