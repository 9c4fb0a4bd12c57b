"""The course's other systems through the command line: drawing, masks, weights, bad input."""

from pathlib import Path

import numpy as np
import pytest
from helpers.command import cutaway
from PIL import Image


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """A folder with a run of a VAE, one of a U-Net on a folder of masks, and a picture."""
    folder = tmp_path_factory.mktemp("systems")
    small = ("--epochs", 1, "--quiet")
    done = cutaway("train", "vae", "digits", "--hidden", 16, "--out", "vae", *small, folder=folder)
    assert done.code == 0, done.err
    draw = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / "photos" / kind).mkdir(parents=True)
    for i in range(12):
        mask = np.zeros((32, 32), np.uint8)
        mask[i : i + 8, 4:20] = 1
        picture = draw.integers(0, 60, (32, 32), dtype=np.uint8) + mask * 150
        Image.fromarray(picture).save(folder / "photos" / "images" / f"{i}.png")
        Image.fromarray(mask).save(folder / "photos" / "masks" / f"{i}.png")
    words = ("train", "unet", "photos", "--widths", "4-8", "--out", "unet", *small)
    done = cutaway(*words, folder=folder)
    assert done.code == 0, done.err
    return folder


def test_generate_depends_on_the_seed_alone(here):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        words = ("generate", "vae", "--n", 9, "--seed", seed, "-o", f"{name}.png", "--json")
        done = cutaway(*words, folder=here)
        assert done.json["images"] == 9
    a, b, c = ((here / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c
    assert size(here / "a.png") == (3 * 32 + 4, 3 * 32 + 4)


def test_predict_writes_masks_of_class_numbers(here):
    done = cutaway("predict", "unet", "photos/images/3.png", "-o", "out", "--json", folder=here)
    (prediction,) = done.json
    with Image.open(here / prediction["mask"]) as mask:
        assert mask.mode == "P"
        assert mask.size == (32, 32)
        assert set(np.array(mask).flatten().tolist()) <= {0, 1}


def test_each_epoch_left_a_picture(here):
    assert size(here / "vae" / "samples" / "0001.png") == (8 * 34 - 2, 8 * 34 - 2)
    assert (here / "unet" / "samples" / "0001.png").exists()


def test_evaluate_measures_what_the_task_measures(here):
    result = cutaway("evaluate", "unet", "--on", "val", "--json", folder=here).json
    assert 0 <= result["iou"] <= 1
    assert "mean IoU" in cutaway("evaluate", "unet", folder=here).out


BAD = [
    ("train autoencoder digits --bottleneck 5000", "bottleneck of 5000"),
    ("train vae digits --betta 2", "Did you mean '--beta'"),
    ("train siren digits", "fits one picture"),
    ("train unet digits", "needs images with masks"),
    ("train lenet5 photos", "have masks"),
    ("train perceptron digits", "2 classes"),
    ("train lenet5 digits --task adversarial", "needs a network with generator"),
    ("train lenet5 digits --pretrained", "No weights of lenet5 are known"),
    ("train lenet5 digits --pretrained stolen.pth", "pickled"),
    ("train lenet5 digits --pretrained other.safetensors", "does not fit lenet5"),
    ("train lenet5 digits --freeze c9", "no part 'c9' to freeze"),
    ("train lenet5 digits --init hee", "Did you mean 'he'"),
    ("train lenet5 digits --fold 6/5", "6/5"),
    ("train lenet5 digits --labels 3", "3 labels cannot be drawn"),
    ("train signal_net digits", "takes signals"),
    ("generate unet", "generates no images"),
    ("generate vae -o grid.jpg", "not a name for a PNG"),
    ("generate vae -o none/grid.png", "no folder none"),
    ("predict vae photos/images/3.png", "makes no predictions for images"),
]


@pytest.mark.parametrize(("words", "expected"), BAD, ids=[words for words, _ in BAD])
def test_bad_input_is_one_sentence_and_leaves_nothing(here, words, expected):
    import torch
    from safetensors.torch import save_file

    torch.save({}, here / "stolen.pth")
    save_file({"a": torch.zeros(2)}, here / "other.safetensors")
    done = cutaway(*words.split(), folder=here)
    assert done.code == 2, done.err
    assert expected in done.err
    assert done.err.count("\n") <= 2
    assert not (here / "runs").exists()
