from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import image, noise, two_classes, write
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    TensorDataset,
    random_split,
)

from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.errors import DataError, UsageError

X = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
Y = np.arange(12) % 3
TENSORS = TensorDataset(torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(Y))
PICTURES = [image(8, 8, seed=i) for i in range(12)]


@pytest.mark.parametrize(
    "data",
    [
        {"train": (X, Y), "test": (X[:4], Y[:4])},
        {"Train": TENSORS, "test": DataLoader(TENSORS, 3), "val": None},
        {"x_train": X, "y_train": Y, "x_test": X[:4], "y_test": Y[:4]},
        {"train_images": X, "train_labels": Y[:, None], "test_images": X, "test_labels": Y},
    ],
)
def test_parts_by_name_are_the_division(data: dict) -> None:
    images = load(data)
    assert images.parts is not None
    assert images.parts[:12].tolist() == [0] * 12
    assert set(images.parts[12:].tolist()) == {2}
    assert (images.images[:12].numpy() == X).all()
    assert images.targets[:12].tolist() == Y.tolist()
    assert images.names[0].startswith("train/")
    assert split(images, val=0, test=0.5).test.tolist() == list(range(12, len(images)))
    assert not images.findings or images.findings[0].kind == "data-loader"


def test_two_or_three_in_a_tuple_are_train_val_and_test_and_that_is_told() -> None:
    pair = load(((X, Y), (X[:4], Y[:4])))
    assert pair.parts is not None
    assert pair.parts.tolist() == [0] * 12 + [1] * 4
    assert [f.kind for f in pair.findings] == ["parts"]
    assert "12 train and 4 val images" in pair.findings[0].detail
    three = load(
        tuple(random_split(TENSORS, [6, 3, 3], generator=torch.Generator().manual_seed(0)))
    )
    assert three.parts is not None
    assert three.parts.bincount().tolist() == [6, 3, 3]
    assert load([TENSORS, TENSORS]).parts is not None


def test_parts_of_lists_and_of_folders(tmp_path: Path) -> None:
    items = list(zip(PICTURES, "abc" * 4, strict=True))
    assert load((items, items[:4])).classes == ("a", "b", "c")
    two_classes(tmp_path / "one")
    two_classes(tmp_path / "two", size=200)
    images = load({"train": tmp_path / "one", "val": str(tmp_path / "two")})
    assert images.size == (12, 12)
    assert images.names[0] == "train/a/0.png"


def test_classes_of_parts_are_joined_by_name_and_colours_too() -> None:
    images = load({"train": (X, ["a", "c"] * 6), "test": (X[:3, ..., 0], ["b", "c", "a"])})
    assert images.classes == ("a", "b", "c")
    assert images.targets.tolist() == [0, 2] * 6 + [1, 2, 0]
    assert (images.images[12].numpy() == X[0, ..., :1]).all()


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'unsupervised' is not a part: call each one of train"):
        load({"train": TENSORS, "unsupervised": TENSORS})
    with pytest.raises(UsageError, match=r"Two of the parts .* mean val"):
        load({"train": TENSORS, "val": TENSORS, "valid": TENSORS})
    with pytest.raises(UsageError, match=r"no folder or file"):
        load({"train": TENSORS, "test": str(tmp_path / "gone")})
    with pytest.raises(UsageError, match=r"A column can group images of one table only"):
        load({"train": [{"image": X[0], "label": i, "who": "p"} for i in (0, 1)]}, group_by="who")


def test_what_was_noticed_of_a_part_is_named_with_it() -> None:
    images = load({"train": TENSORS, "test": (X[:3], [0, None, 1])})
    assert [(f.kind, f.where) for f in images.findings] == [("unlabelled", ("test/arrays/1",))]


@pytest.mark.parametrize("images", ["images", "x", "image", "data"])
def test_arrays_by_name(images: str) -> None:
    assert load({images: X, "target": Y}).targets.tolist() == Y.tolist()
    assert load({images: X, "target": Y, "age": Y % 2}, label="age").classes == ("0", "1")
    with pytest.raises(UsageError, match=r"A mapping with 'a' is not taken"):
        load({"a": X})


def test_a_loader_gives_its_data_set_and_says_so() -> None:
    images = load(DataLoader(TENSORS, batch_size=4, shuffle=True))
    assert (images.images.numpy() == X).all()
    assert [f.kind for f in images.findings] == ["data-loader"]


def test_lists_of_images_with_a_list_of_targets(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{i}.png", one) for i, one in enumerate(PICTURES)]
    ragged = np.empty(3, dtype=object)
    ragged[:] = [noise(8, 8), noise(9, 8), noise(20, 30)]
    for images in (PICTURES, paths, list(map(str, paths)), list(X), tuple(PICTURES)):
        loaded = load((images, Y))
        assert loaded.targets.tolist() == Y.tolist()
        assert loaded.size == (8, 8)
    assert load((ragged, [0, 1, 1])).size == (8, 8)
    named = load((PICTURES, [f"class {k}" for k in Y.tolist()]))
    assert [named.classes[k] for k in named.targets] == [f"class {k}" for k in Y.tolist()]
    with pytest.raises(DataError, match=r"12 images and 3 targets"):
        load((PICTURES, [0, 1, 2]))


def test_two_items_are_a_data_set() -> None:
    assert load([(X[0], 0), (X[1], 1)]).targets.tolist() == [0, 1]
    assert load(((X[0], 0), (X[1], 1))).parts is None


def test_masks_are_targets() -> None:
    images = load((X, X[..., 0] // 100))
    assert images.masks is not None
    assert images.classes == ("background", "1", "2")
    assert (images.masks.numpy() == X[..., 0] // 100).all()
    binary = load((X, torch.from_numpy(X[..., 0] > 99)[:, None]))
    assert binary.masks is not None
    assert (binary.masks.numpy() == (X[..., 0] > 99)).all()
    with pytest.raises(DataError, match=r"are not masks of images of 8 x 8"):
        load((X, X[:, :4, :, 0]))
    with pytest.raises(DataError, match=r"arrays/0.*other values than the numbers of classes"):
        load((X, X[..., 0] / 255))


@pytest.mark.parametrize("data", [iter([(X[0], 0)]), ((x, 0) for x in X)])
def test_what_can_be_read_once_only_is_refused(data: object) -> None:
    with pytest.raises(UsageError, match=r"can be read once only.*hand in the function"):
        load(data)


def test_four_arrays_in_a_tuple_are_refused() -> None:
    with pytest.raises(UsageError, match=r"A tuple of 4 arrays .*'train': \(images, targets\)"):
        load((X, X, Y, Y))


def test_joined_data_sets_keep_their_classes() -> None:
    class Named(Dataset):
        classes = ("ant", "bee", "cow")

        def __len__(self) -> int:
            return 12

        def __getitem__(self, i: int) -> tuple:
            return PICTURES[i], int(Y[i])

    assert load(ConcatDataset([Named(), Named()])).classes == Named.classes
    with pytest.raises(DataError, match=r"name different classes"):
        load(ConcatDataset([Named(), TENSORS]))
