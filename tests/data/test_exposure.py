"""Brightness and contrast of pictures, and the sizes of their files."""

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.data.exposure import exposure, file_sizes
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load


def test_brightness_and_contrast_are_mean_and_deviation_of_grey():
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (20, 6, 6, 3), generator=draw, dtype=torch.uint8)
    pixels[3], pixels[4] = 0, 255
    images = ImageSet(pixels, torch.arange(20) % 2, ("a", "b"), [str(i) for i in range(20)])
    grey = np.stack([np.asarray(Image.fromarray(p.numpy()).convert("L")) for p in pixels])
    found = exposure(images)
    assert found.brightness.numpy() == pytest.approx(grey.mean((1, 2)) / 255, abs=1e-6)
    assert found.contrast.numpy() == pytest.approx(grey.std((1, 2)) / 255, abs=1e-6)
    assert found.darkest(1).tolist() == [3]
    assert found.brightest(1).tolist() == [4]
    assert set(found.flattest(2).tolist()) == {3, 4}


def test_sizes_are_those_of_the_files(tmp_path):
    sizes = [(20, 30), (40, 10), (20, 30), (8, 8)]
    for i, size in enumerate(sizes):
        path = tmp_path / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros(size, np.uint8)).save(path)
    images = load(str(tmp_path))
    assert sorted(file_sizes(images)) == sorted(sizes)
    assert len(file_sizes(images, most=2)) == 2
    (tmp_path / "a/0.png").unlink()
    assert len(file_sizes(images)) == 3
    assert file_sizes(load("digits")) == []
