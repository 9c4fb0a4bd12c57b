"""Copies are found, look-alikes are not, and the work stays near linear."""

import io
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cutaway.data.duplicates import clusters, exact, near
from cutaway.data.sources import load


def scenes(n: int, side: int = 64, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """Pictures of random smooth blobs and edges, none like another."""
    draw = torch.Generator().manual_seed(seed)
    grey = sum(
        F.interpolate(torch.randn(n, 1, k, k, generator=draw), (side, side), mode="bilinear")
        for k in (3, 7, 15)
    )
    tint = torch.randn(n, channels, 3, 3, generator=draw) / 2
    planes = grey + F.interpolate(tint, (side, side), mode="bilinear")
    return (planes * 40 + 128).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def as_jpeg(images: torch.Tensor, quality: int = 60) -> torch.Tensor:
    copies = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image.numpy().squeeze()).save(file, "JPEG", quality=quality)
        copies.append(torch.from_numpy(np.array(Image.open(file))).reshape(image.shape))
    return torch.stack(copies)


def smaller_and_back(images: torch.Tensor) -> torch.Tensor:
    planes = images.permute(0, 3, 1, 2).float()
    side = images.shape[1]
    small = F.interpolate(planes, (side // 2, side // 2), mode="bilinear", antialias=True)
    return F.interpolate(small, (side, side), mode="bilinear").byte().permute(0, 2, 3, 1)


CHANGES = {
    "jpeg": as_jpeg,
    "resized": smaller_and_back,
    "brighter": lambda images: (images.float() * 1.1 + 8).clamp(0, 255).byte(),
    "darker": lambda images: (images.float() * 0.8).byte(),
    "mirrored": lambda images: images.flip(2),
    "exact": lambda images: images.clone(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_planted_copies_are_found_and_nothing_else(change, channels):
    originals = scenes(300, channels=channels)
    planted = CHANGES[change](originals[:100])
    label = near(torch.cat([originals, planted]))
    assert label[300:].equal(label[:100])
    assert len(label.unique()) == 300


def test_exact_copies_are_equal_in_every_pixel():
    images = scenes(10)
    images[7] = images[2]
    almost = images[2].clone()
    almost[0, 0, 0] ^= 1
    images[8] = almost
    assert clusters(exact(images)) == [[2, 7]]
    assert clusters(near(images)) == [[2, 7, 8]]


def test_another_tint_is_another_image():
    """A red light and a green one have the same grey outlines."""
    yy, xx = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disc = ((yy - 30) ** 2 + (xx - 33) ** 2 < 400).byte() * 200
    red, green = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    red[..., 0], green[..., 1] = disc, disc
    assert clusters(near(torch.stack([red, green]))) == []


def test_clusters_are_in_order_and_chains_join():
    label = torch.tensor([3, 1, 3, 0, 1, 9])
    assert clusters(label) == [[0, 2], [1, 4]]


@pytest.mark.parametrize(
    "shape", [(0, 4, 4, 1), (1, 8, 8, 3), (5, 1, 1, 1), (9, 3, 40, 1), (2, 2, 2, 3)]
)
def test_odd_shapes(shape):
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    assert near(images).shape == exact(images).shape == (shape[0],)


def test_flat_images_are_copies_only_of_their_equals():
    levels = torch.arange(200, dtype=torch.uint8).repeat(2)
    images = levels[:, None, None, None].expand(400, 16, 16, 1)
    assert [len(group) for group in clusters(near(images))] == [2] * 200


def test_a_set_all_alike_is_one_cluster_in_bounded_time():
    draw = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 3, (5000, 16, 16, 1), generator=draw, dtype=torch.uint8)
    images = torch.randint(0, 200, (1, 16, 16, 1), generator=draw, dtype=torch.uint8) + noise
    assert max(map(len, clusters(near(images)))) > 4900


@pytest.mark.slow
def test_work_grows_near_linearly():
    def seconds(n: int) -> float:
        images = scenes(n, side=16, channels=1)
        start = time.perf_counter()
        near(images)
        return time.perf_counter() - start

    seconds(2000)
    assert seconds(80_000) < 8 * seconds(20_000)


def test_handwritten_digits_that_look_alike_are_not_copies():
    from sklearn.datasets import load_digits

    pixels = torch.from_numpy((load_digits().images * 255 / 16).round().astype(np.uint8))
    assert clusters(near(pixels[..., None])) == []


@pytest.mark.usefixtures("real_data")
def test_the_apollo_photographs():
    images = load("rocks")
    number = [name.rsplit("_", 1)[1].removesuffix(".jpg") for name in images.names]
    same = [{number[i] for i in group} for group in clusters(exact(images.images))]
    assert same == [{"s72-41777", "s72-41777 (1)"}]
    label = dict(zip(number, near(images.images).tolist(), strict=True))
    for one, other in (
        ("s69-45541", "s69-45542"),
        ("s69-45544", "s69-45545"),
        ("s69-45576", "s69-45577"),
        ("s78-29339", "s78-29340"),
        ("s69-61545", "s69-61546"),
        ("s69-62705", "s69-62706"),
        ("s70-22434", "s70-22435"),
        ("s71-44989", "s71-44992"),
    ):
        assert label[one] == label[other], (one, other)
    for one, other in (  # other sides of the same stones
        ("s69-45539", "s69-45547"),
        ("s69-61538", "s69-61542"),
        ("s69-47324", "s69-47327"),
        ("s72-41777", "s72-41783"),
        ("s73-20460", "s73-20488"),
    ):
        assert label[one] != label[other], (one, other)


@pytest.mark.usefixtures("real_data")
@pytest.mark.slow
def test_mnist_is_not_chained_together():
    images = load("mnist").images[:20_000]
    groups = clusters(near(images))
    assert sum(map(len, groups)) < 20
    label = near(torch.cat([images, as_jpeg(images[:200], quality=80)]))
    assert (label[20_000:] == label[:200]).float().mean() > 0.95
