import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from cutaway.data.sources import load
from cutaway.learn import runtime as runtimes
from cutaway.learn.fid import FeatureNetwork, frechet, image_quality
from cutaway.learn.recipe import Recipe
from cutaway.models import build


def features(n, f, shift=0.0, scale=1.0):
    g = torch.Generator().manual_seed(n)
    mix = torch.randn(f, f, generator=g, dtype=torch.float64)
    return torch.randn(n, f, generator=g, dtype=torch.float64) @ mix * scale + shift


def test_frechet_is_the_formula_with_a_matrix_root():
    a, b = features(200, 6), features(150, 6, shift=0.5, scale=2)
    A, B = np.cov(a.T), np.cov(b.T)
    root = sqrtm(A @ B).real
    shift = ((a.mean(0) - b.mean(0)) ** 2).sum().item()
    assert frechet(a, b) == pytest.approx(shift + np.trace(A + B - 2 * root), rel=1e-6)


def test_frechet_of_equals_is_nothing_and_of_a_shift_its_square():
    a = features(300, 5)
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet(a, a + 2.0) == pytest.approx(5 * 4, rel=1e-9)


def runtime():
    recipe = Recipe(device="cpu", precision="float32")
    return runtimes.choose(recipe, build("mlp", 1, 10, 8))


def test_the_feature_network_knows_digits_and_tells_noise_from_them(real_data):
    images = load("mnist")
    judge = FeatureNetwork.for_images(images.images, runtime())
    x = images.images[60_000:62_000].movedim(-1, 1).float() / 127.5 - 1
    _, answers = judge.features_and_answers(x)
    right = answers.argmax(1) == images.targets[60_000:62_000]
    assert right.double().mean() > 0.985
    same = image_quality(*judge.seen(x[:1000], x[1000:]))
    noise = image_quality(*judge.seen(x[:1000], torch.rand(1000, 1, 28, 28) * 2 - 1))
    assert same["fid"] < 30 < noise["fid"]
    assert same["sure"] > 0.95
    assert same["variety"] > 9.5
    assert noise["variety"] < 5


def test_other_images_have_no_feature_network():
    assert FeatureNetwork.for_images(torch.zeros(3, 64, 64, 3).byte(), runtime()) is None
