"""The works' examples as arrays, channels last: what `fit` and jitted steps take."""

import numpy as np

from bench.peers import data
from bench.peers.works import Work


def xor(work: Work) -> data.Arrays:
    x, t = data.xor()
    return np.tile(x, (work.images // 4, 1)), np.tile(t, work.images // 4)


def digits(work: Work) -> data.Arrays:
    images, t = data.digits()
    scaled = (images - images.mean()) / images.std()
    return scaled.reshape(-1, 64).astype(np.float32), t


def mnist(work: Work) -> data.Arrays:
    images, t = data.mnist()
    return pixels(images[: work.images]), t[: work.images]


def vectors(work: Work) -> data.Arrays:
    images, t = mnist(work)
    return images.reshape(len(images), -1), t


def cifar10(work: Work) -> data.Arrays:
    images, t = data.cifar10(work.images)
    scaled = images.astype(np.float32) / 255 - np.float32(data.CIFAR_MEAN)
    return scaled / np.float32(data.CIFAR_STD), t


def gan(work: Work) -> np.ndarray:
    """Digits from -1 to 1."""
    images, _ = data.mnist()
    return images[: work.images, ..., None].astype(np.float32) / 127.5 - 1


def pixels(images: np.ndarray) -> np.ndarray:
    """MNIST's bytes at mean 0 and deviation 1."""
    return ((images.astype(np.float32) / 255 - data.MNIST_MEAN) / data.MNIST_STD)[..., None]
