from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import image, noise, write
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError

BATCH = np.random.default_rng(0).integers(0, 256, (6, 8, 10, 3), dtype=np.uint8)
TARGETS = [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "images",
    [
        BATCH,
        BATCH.transpose(0, 3, 1, 2),
        torch.from_numpy(BATCH),
        torch.from_numpy(BATCH).permute(0, 3, 1, 2),
        BATCH.astype(np.int64),
        BATCH / np.float32(255),
        BATCH / 255,
        torch.from_numpy(BATCH).float() / 255,
    ],
)
def test_layouts_and_kinds_of_numbers(images: object) -> None:
    loaded = load((images, TARGETS))
    assert (loaded.images.numpy() == BATCH).all()
    assert loaded.targets.tolist() == TARGETS
    assert loaded.classes == ("0", "1", "2")
    assert loaded.names[3] == "arrays/3"


def test_grey_images_without_an_axis_for_it() -> None:
    assert load((BATCH[..., 0], TARGETS)).images.shape == (6, 8, 10, 1)
    assert (load((BATCH[..., 0] > 9, TARGETS)).images.unique() == torch.tensor([0, 255])).all()


def test_where_both_ends_could_be_channels_a_tensor_has_them_first() -> None:
    odd = noise(3, 4, 3)[None].repeat(2, 0)
    assert load((odd, [0, 1])).images.shape == (2, 3, 4, 3)
    assert load((torch.from_numpy(odd), [0, 1])).images.shape == (2, 4, 3, 3)


def test_targets_may_be_names_or_numbers_with_gaps() -> None:
    assert load((BATCH, ["x", "y", "z"] * 2)).classes == ("x", "y", "z")
    images = load((BATCH, np.array([3, 10, 7] * 2)))
    assert images.classes == ("3", "7", "10")
    assert images.targets.tolist() == [0, 2, 1] * 2
    assert load((BATCH, torch.tensor([0.0, 1.0] * 3))).classes == ("0", "1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((BATCH * 2.0, TARGETS), "Floats must lie in 0..1"),
        ((BATCH.astype(int) - 2, TARGETS), "Integers must lie in 0..255"),
        ((BATCH / 255 - 0.5, TARGETS), "leave out any normalisation"),
        ((np.full((2, 4, 4), np.nan), [0, 1]), "not numbers"),
        ((BATCH.reshape(6, -1), TARGETS), "have the shape n h w"),
        ((BATCH[..., :2], TARGETS), "1 or 3 channels"),
        ((BATCH, TARGETS[:4]), "6 images and 4 targets"),
        ((BATCH, [0] * 6), "one class only"),
        ((BATCH, [0.5] * 6), "Give --task regress"),
        ((BATCH, np.zeros((6, 2, 2, 2))), "are not masks of images"),
        ((BATCH[:0], []), "no image"),
    ],
)
def test_arrays_that_cannot_be_used(data: tuple, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(data)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (5, "has a length and an index"),
        (object(), "has a length and an index"),
        ({1, 2}, r"must be \(image, target\); item 0 is of type int"),
        (iter([]), "can be read once only"),
    ],
)
def test_what_is_no_data(what: object, said: str) -> None:
    with pytest.raises((UsageError, DataError), match=said):
        load(what)


class Pictures(Dataset):
    classes = ("ant", "bee")

    def __init__(self, items: list) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> object:
        if isinstance(self.items[i], Exception):
            raise self.items[i]
        return self.items[i]


def test_a_data_set_of_pil_images() -> None:
    images = load(Pictures([(image(8, 8, seed=i), i % 2) for i in range(4)]))
    assert images.classes == ("ant", "bee")
    assert (images.images[3].numpy() == noise(8, 8, seed=3)).all()


def test_a_subset_keeps_the_names_of_classes() -> None:
    whole = Pictures([(image(8, 8, seed=i), i % 2) for i in range(4)])
    assert load(Subset(whole, [1, 2])).targets.tolist() == [1, 0]


def test_tensors_arrays_and_lists_of_pairs() -> None:
    tensors = torch.from_numpy(BATCH).permute(0, 3, 1, 2)
    assert (load(TensorDataset(tensors, torch.tensor(TARGETS))).images.numpy() == BATCH).all()
    assert (load(list(zip(BATCH, TARGETS, strict=True))).images.numpy() == BATCH).all()
    assert load([(BATCH[i, ..., 0], "xy"[i % 2]) for i in range(6)]).channels == 1


def test_rows_with_names() -> None:
    rows = [{"image": image(8, 8, seed=i), "label": i % 2} for i in range(4)]
    assert load(rows).targets.tolist() == [0, 1, 0, 1]


def test_images_of_several_sizes_and_colours_become_alike() -> None:
    items = [(image(8, 8), 0), (image(30, 20, 1), 1), (noise(9, 40), 1)]
    assert load(Pictures(items)).images.shape == (3, 8, 8, 3)  # as `plan.usual_side` has it
    assert load(Pictures(items), image_size=16).images.shape == (3, 16, 16, 3)
    same = load(Pictures([(image(8, 8), 0), (image(8, 8, 1), 1)]))
    assert (same.images[1].numpy() == noise(8, 8, 1)).all()


def test_an_image_that_the_data_set_cannot_open_is_left_out() -> None:
    items = [(image(8, 8), 0), OSError("truncated"), (image(8, 8), 1)]
    images = load(Pictures(items))
    assert len(images) == 2
    assert images.names == ["item/0", "item/2"]
    assert (images.findings[0].where, images.findings[0].left_out) == (("item/1",), True)
    with pytest.raises(DataError, match=r"None of the 1 images"):
        load(Pictures(items[1:2]))


def test_a_target_without_a_name() -> None:
    with pytest.raises(DataError, match=r"Target 2 has no name"):
        load(Pictures([(image(8, 8), 0), (image(8, 8), 2)]))
    with pytest.raises(DataError, match=r"Target 'wasp' is not among"):
        load(Pictures([(image(8, 8), "ant"), (image(8, 8), "wasp")]))


def test_items_that_are_no_pairs() -> None:
    with pytest.raises(UsageError, match=r"must be"):
        load(Pictures([image(8, 8), image(8, 8)]))


def test_a_folder_data_set_is_named_by_its_paths(tmp_path: Path) -> None:
    class Folder(Pictures):
        root = str(tmp_path)

        def __init__(self, paths: list[Path]) -> None:
            self.samples = [(str(path), i) for i, path in enumerate(paths)]
            self.items = [(Image.open(path), i) for path, i in self.samples]

    paths = [write(tmp_path, f"{name}/p{name}.png", image(8, 8)) for name in ("ant", "bee")]
    images = load(Folder(paths), group_by="p...")
    assert images.names == ["ant/pant.png", "bee/pbee.png"]


def test_an_image_set_is_taken_as_it_is() -> None:
    images = load((BATCH, TARGETS))
    assert load(images) is images
    assert load(images, image_size=4).size == (4, 4)
